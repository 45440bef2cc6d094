//! What a front end leaves in the log: a summary for people and queries, and metrics in the embedded metric format.

use jiff::Timestamp;
use nightshift_core::release::front_end::{FrontEndOutcome, FrontEndSeen, Taken};
use nightshift_lambda::embedded_metrics;
use serde_json::{Value, json};

/// One line for a file that arrived.
#[allow(clippy::print_stdout, reason = "standard output is the log of a Lambda function")]
pub(super) fn tell_arrival(function: &str, answer: &Value, at: Timestamp) {
    println!("{}", arrival_line(function, answer, at));
}

/// A summary and a metric line for a look; one that found nothing to do leaves none.
#[allow(clippy::print_stdout, reason = "standard output is the log of a Lambda function")]
pub(super) fn tell_look(function: &str, outcome: &FrontEndOutcome, seen: &FrontEndSeen, now: Timestamp) {
    let is_routine = outcome.reason_code() == "quiet" && outcome.errors().next().is_none();
    if !is_routine {
        let duration_ms = now.duration_since(seen.at).as_millis();
        println!("{}", summary_line(function, outcome, i64::try_from(duration_ms).unwrap_or(i64::MAX)));
        println!("{}", metric_line(function, outcome));
    }
}

fn arrival_line(function: &str, answer: &Value, at: Timestamp) -> Value {
    let field = |name: &str| answer.get(name).cloned().unwrap_or_default();
    json!({
        "timestamp": at,
        "level": "INFO",
        "message": field("text"),
        "function": function,
        "system": field("system"),
        "front_end": field("front_end"),
        "decision": field("decision"),
        "reason": field("reason"),
        "errors": field("errors"),
        "look_again_at": field("look_again_at"),
    })
}

fn summary_line(function: &str, outcome: &FrontEndOutcome, duration_ms: i64) -> Value {
    let level = match (&outcome.taken, outcome.errors().next()) {
        (Some(Taken::Failed { .. }), _) => "ERROR",
        (_, Some(_)) => "WARN",
        (_, None) => "INFO",
    };
    json!({
        "timestamp": outcome.at,
        "level": level,
        "message": format!("{}: {}", outcome.plan.key, outcome.sentence()),
        "function": function,
        "system": outcome.plan.key.system,
        "front_end": outcome.plan.key.name,
        "decision": outcome.decision(),
        "reason": outcome.reason_code(),
        "steps_planned": usize::from(outcome.plan.step.is_some()),
        "steps_done": usize::from(matches!(outcome.taken, Some(Taken::Done { .. }))),
        "errors": outcome.errors().map(ToString::to_string).collect::<Vec<_>>(),
        "duration_ms": duration_ms,
        "mode": outcome.mode,
        "plan_id": outcome.plan.id,
        "look_again_at": outcome.look_again_at,
    })
}

fn metric_line(function: &str, outcome: &FrontEndOutcome) -> Value {
    let is_acted = matches!(outcome.taken, Some(Taken::Done { .. }));
    let is_would = matches!(outcome.taken, Some(Taken::WouldHaveDone));
    let is_held = outcome.plan.step.is_none();
    let key = &outcome.plan.key;
    let of = [("Function", function), ("System", key.system.as_str()), ("Service", key.name.as_str())];
    let counts = [
        ("Acted", usize::from(is_acted)),
        ("WouldHaveActed", usize::from(is_would)),
        ("Held", usize::from(is_held)),
        ("Unfinished", usize::from(!is_held && !is_acted && !is_would)),
    ];
    embedded_metrics(outcome.at, &of, &counts, None)
}
