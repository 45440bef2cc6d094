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
    let is = |wanted: Ending| u8::from(outcome.ending() == wanted);
    let metric = |name: &str, unit: &str| json!({ "Name": name, "Unit": unit });
    json!({
        "_aws": {
            "Timestamp": outcome.at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": "Nightshift",
                "Dimensions": [["Function"], ["Function", "System", "Service"]],
                "Metrics": [
                    metric("Acted", "Count"), metric("WouldHaveActed", "Count"), metric("Held", "Count"),
                    metric("Unfinished", "Count"), metric("DecisionDuration", "Milliseconds"),
                ],
            }],
        },
        "Function": function,
        "System": outcome.plan.key.system,
        "Service": outcome.plan.key.service,
        "Acted": is(Ending::Acted),
        "WouldHaveActed": is(Ending::WouldHaveActed),
        "Held": is(Ending::Held),
        "Unfinished": is(Ending::Unfinished),
        "DecisionDuration": duration_ms,
    })
}

/// One line for a record that is not ours to act on: the reason as text and code, and the count as a metric. `answer` is
/// what the function answers for the record.
pub fn ignored_line(function: &str, answer: &Value, at: Timestamp) -> Value {
    json!({
        "_aws": {
            "Timestamp": at.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": "Nightshift",
                "Dimensions": [["Function"]],
                "Metrics": [{ "Name": "Ignored", "Unit": "Count" }],
            }],
        },
        "timestamp": at,
        "level": "WARN",
        "message": answer.get("text"),
        "reason": answer.get("reason"),
        "Function": function,
        "Ignored": 1,
    })
}
