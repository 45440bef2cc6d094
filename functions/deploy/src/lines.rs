//! The two lines that an outcome leaves in the log: a summary for people and queries, and metrics in the embedded metric format.

use nightshift_core::release::{EndKind, Ending, ReleaseOutcome, StepResult};
use nightshift_lambda::embedded_metrics;
use serde_json::{Value, json};

/// Metrics that count releases by how they ended.
const ENDS: [(&str, EndKind); 7] = [
    ("Released", EndKind::Done),
    ("Refused", EndKind::Refused),
    ("RolledBack", EndKind::RolledBack),
    ("Failed", EndKind::Failed),
    ("Superseded", EndKind::Superseded),
    ("Expired", EndKind::Expired),
    ("Aborted", EndKind::Aborted),
];

/// The summary and the metrics; a look that found nothing new leaves none.
#[allow(clippy::print_stdout, reason = "standard output is the log of a Lambda function")]
pub(crate) fn tell(outcome: &ReleaseOutcome, function: &str, duration_ms: i128) {
    if outcome.is_worth_a_line() {
        let duration_ms = i64::try_from(duration_ms).unwrap_or(i64::MAX);
        println!("{}", summary_line(function, outcome, duration_ms));
        println!("{}", metric_line(function, outcome, duration_ms));
    }
}

/// One summary event; ids are fields, the message reads alone.
pub fn summary_line(function: &str, outcome: &ReleaseOutcome, duration_ms: i64) -> Value {
    let answer = outcome.to_answer();
    let field = |name: &str| answer.get(name).cloned().unwrap_or_default();
    json!({
        "timestamp": outcome.at,
        "level": level(outcome),
        "message": format!("{}: {}", outcome.key, outcome.sentence()),
        "function": function,
        "system": outcome.key.system,
        "service": outcome.key.service,
        "region": outcome.region,
        "decision": outcome.decision(),
        "ending": outcome.ending().as_str(),
        "reason": outcome.reason_code(),
        "release": field("release"),
        "state": field("state"),
        "steps": outcome.steps.iter().map(|step| step.step.code()).collect::<Vec<_>>(),
        "steps_done": steps_done(outcome),
        "notes": outcome.notes.iter().map(|note| note.kind.as_str()).collect::<Vec<_>>(),
        "errors": outcome.errors().map(ToString::to_string).collect::<Vec<_>>(),
        "duration_ms": duration_ms,
        "mode": outcome.mode,
        "plan_id": outcome.plan_id,
        "look_again_at": outcome.look_again_at,
    })
}

fn level(outcome: &ReleaseOutcome) -> &'static str {
    match outcome.ending() {
        Ending::Unfinished => "ERROR",
        _ if outcome.errors().next().is_some() => "WARN",
        _ => "INFO",
    }
}

fn steps_done(outcome: &ReleaseOutcome) -> usize {
    outcome.steps.iter().filter(|step| matches!(step.result, StepResult::Done(_))).count()
}

/// Metrics by system and service: steps, how releases ended, how long it took.
pub fn metric_line(function: &str, outcome: &ReleaseOutcome, duration_ms: i64) -> Value {
    let of = [("Function", function), ("System", outcome.key.system.as_str()), ("Service", outcome.key.service.as_str())];
    let own = [("StepsDone", steps_done(outcome)), ("Unfinished", usize::from(outcome.ending() == Ending::Unfinished))];
    let ends = ENDS.iter().map(|(name, kind)| (*name, outcome.count_ended(*kind)));
    let counts: Vec<(&str, usize)> = own.into_iter().chain(ends).collect();
    embedded_metrics(outcome.at, &of, &counts, Some(duration_ms))
}
