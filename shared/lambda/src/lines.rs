//! The two lines that an outcome leaves in the log: a summary for people and queries, and metrics in the embedded metric format.

use jiff::Timestamp;
use nightshift_core::outcome::{Ending, Outcome, StepResult};
use serde_json::{Value, json};

/// One summary event; ids are fields, the message reads alone.
pub fn summary_line(function: &str, outcome: &Outcome, duration_ms: i64) -> Value {
    let done = outcome.steps.iter().filter(|step| matches!(step.result, StepResult::Done)).count();
    json!({
        "timestamp": outcome.at,
        "level": level(outcome),
        "message": format!("{}: {}", outcome.plan.key, outcome.sentence()),
        "function": function,
        "system": outcome.plan.key.system,
        "service": outcome.plan.key.service,
        "decision": outcome.plan.decision,
        "ending": outcome.ending(),
        "reason": outcome.plan.reason_code(),
        "steps_planned": outcome.plan.steps.len(),
        "steps_done": done,
        "errors": outcome.errors().map(ToString::to_string).collect::<Vec<_>>(),
        "duration_ms": duration_ms,
        "mode": outcome.mode,
        "plan_id": outcome.plan.id,
        "look_again_at": outcome.look_again_at,
    })
}

fn level(outcome: &Outcome) -> &'static str {
    match outcome.ending() {
        Ending::Unfinished => "ERROR",
        _ if outcome.errors().next().is_some() => "WARN",
        _ => "INFO",
    }
}

/// Metrics by system and service, in CloudWatch's embedded metric format: how many actions, holds and failures, how long it took.
pub fn metric_line(function: &str, outcome: &Outcome, duration_ms: i64) -> Value {
    let is = |wanted: Ending| usize::from(outcome.ending() == wanted);
    let key = &outcome.plan.key;
    let of = [("Function", function), ("System", key.system.as_str()), ("Service", key.service.as_str())];
    let counts = [
        ("Acted", is(Ending::Acted)),
        ("WouldHaveActed", is(Ending::WouldHaveActed)),
        ("Held", is(Ending::Held)),
        ("Unfinished", is(Ending::Unfinished)),
    ];
    embedded_metrics(outcome.at, &of, &counts, Some(duration_ms))
}

/// A line in CloudWatch's embedded metric format, by its first dimension and by all of them. A metric costs in each hour in which it
/// is sent, so counts of nought are not: their absence says the same.
pub fn embedded_metrics(at: Timestamp, of: &[(&str, &str)], counts: &[(&str, usize)], duration_ms: Option<i64>) -> Value {
    let names: Vec<&str> = of.iter().map(|(name, _)| *name).collect();
    let mut dimensions = vec![names.get(..1).unwrap_or_default(), names.as_slice()];
    dimensions.dedup();
    let counted = counts.iter().filter(|(_, count)| *count > 0);
    let metric = |name: &str, unit: &str| json!({ "Name": name, "Unit": unit });
    let metrics = counted.clone().map(|(name, _)| metric(name, "Count"));
    let metrics: Vec<Value> = metrics.chain(duration_ms.map(|_| metric("DecisionDuration", "Milliseconds"))).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{ "Namespace": "Nightshift", "Dimensions": dimensions, "Metrics": metrics }],
        },
    });
    if let Some(fields) = line.as_object_mut() {
        fields.extend(of.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
        fields.extend(counted.map(|(name, count)| ((*name).to_owned(), json!(count))));
        fields.extend(duration_ms.map(|duration_ms| ("DecisionDuration".to_owned(), json!(duration_ms))));
    }
    line
}

/// One line for a record that is not ours to act on: the reason as text and code, and the count as a metric. `answer` is
/// what the function answers for the record.
pub fn ignored_line(function: &str, answer: &Value, at: Timestamp) -> Value {
    let mut line = embedded_metrics(at, &[("Function", function)], &[("Ignored", 1)], None);
    if let Some(fields) = line.as_object_mut() {
        fields.extend([
            ("timestamp".to_owned(), json!(at)),
            ("level".to_owned(), json!("WARN")),
            ("message".to_owned(), json!(answer.get("text"))),
            ("reason".to_owned(), json!(answer.get("reason"))),
        ]);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_name_what_is_counted_and_leave_out_what_is_nought() {
        let of = [("Function", "scale"), ("System", "pizza"), ("Service", "api")];
        let line = embedded_metrics(Timestamp::UNIX_EPOCH, &of, &[("Acted", 1), ("Held", 0)], Some(7));
        let expected = json!({
            "_aws": {
                "Timestamp": 0,
                "CloudWatchMetrics": [{
                    "Namespace": "Nightshift",
                    "Dimensions": [["Function"], ["Function", "System", "Service"]],
                    "Metrics": [{ "Name": "Acted", "Unit": "Count" }, { "Name": "DecisionDuration", "Unit": "Milliseconds" }],
                }],
            },
            "Function": "scale", "System": "pizza", "Service": "api", "Acted": 1, "DecisionDuration": 7,
        });
        assert_eq!(line, expected);
        // By the function alone there is one set of dimensions, not the same twice.
        let line = embedded_metrics(Timestamp::UNIX_EPOCH, &[("Function", "scale")], &[("Ignored", 1)], None);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["Function"]]));
    }
}
