//! The `scale` function: sets the desired count of an ECS service, the capacity of an Auto Scaling group, or both.
//!
//! Reads top to bottom as parse, observe, decide, act, record. What to do is decided in `nightshift_core::scale`; here are
//! only the reads that it needs, the steps carried out, and the telling.

mod act;
mod deps;
mod observe;
mod record;
mod wakes;

pub use deps::{AwsEstate, Deps, Estate, start};
pub use observe::{observe, placement};

use nightshift_core::outcome::Outcome;
use nightshift_core::ports::PortError;
use nightshift_core::scale::{HoldReason, Observation, Placement, Plan, Reading, ServicePolicy, check, decide};
use nightshift_core::signal::parse;
use nightshift_lambda::{HandlerError, Invocation, ignored_line, metric_line, summary_line};
use serde_json::Value;

use crate::record::Remembered;
use crate::wakes::{Call, Wakes};

/// Handles one event of any of the shapes that wake `scale`; the answer has `decision`, `reason`, `steps` and `plan_id`.
pub async fn handle<E: Estate>(invocation: &Invocation, deps: &Deps<E>, event: &Value) -> Result<Value, HandlerError> {
    let wakes = Wakes::of(&parse(event), &deps.fleets, &deps.config.region, invocation.now());
    tell_of_ignored(wakes.ignored(), &deps.function, invocation.now());
    let mut outcomes = Vec::new();
    for call in wakes.calls() {
        outcomes.push((call.message_id.clone(), serve(invocation, deps, call).await));
    }
    wakes.answer(outcomes)
}

/// One service, one wake: observe, decide, act, record.
async fn serve<E: Estate>(invocation: &Invocation, deps: &Deps<E>, call: &Call<'_>) -> Outcome {
    let began = invocation.now();
    let (mut seen, mut acted) = look_and_act(invocation, deps, call).await;
    if matches!(acted.remembered, Remembered::Contended) {
        // Perhaps it was no more than a note. Whoever really acts holds the lease, and the second look sees that.
        (seen, acted) = look_and_act(invocation, deps, call).await;
    }
    let outcome = record::record(invocation, deps, call, acted, seen).await;
    tell(&outcome, &deps.function, invocation.now().duration_since(began).as_millis());
    outcome
}

async fn look_and_act<E: Estate>(invocation: &Invocation, deps: &Deps<E>, call: &Call<'_>) -> (Observation, Acted) {
    let now = invocation.now();
    let policy = ServicePolicy::at(call.key.clone(), call.service, now);
    let seen = observe(deps.estate(), &policy, now).await;
    let plan = checked(decide(&call.wake, &seen, &policy, now), &seen, &policy, now);
    let acted = act::carry_out(&act::Look { invocation, deps, call, seen: &seen, policy: &policy }, plan).await;
    (seen, acted)
}

/// A plan that the checker refuses is not carried out; it becomes the reason why nothing is.
pub fn checked(plan: Plan, seen: &Observation, policy: &ServicePolicy<'_>, now: jiff::Timestamp) -> Plan {
    match check(&plan, seen, policy, now) {
        Ok(()) => plan,
        Err(violation) => plan.held(HoldReason::PlanRejected { violation: violation.to_string() }, None),
    }
}

/// The summary and the metrics, as lines that CloudWatch Logs reads; a tick that found nothing to do leaves none.
#[allow(clippy::print_stdout, reason = "standard output is the log of a Lambda function")]
fn tell(outcome: &Outcome, function: &str, duration_ms: i128) {
    if outcome.is_routine() {
        return;
    }
    let duration_ms = i64::try_from(duration_ms).unwrap_or(i64::MAX);
    println!("{}", summary_line(function, outcome, duration_ms));
    println!("{}", metric_line(function, outcome, duration_ms));
}

/// What was not understood, or concerns no service of ours: counted and logged, never redelivered.
#[allow(clippy::print_stdout, reason = "standard output is the log of a Lambda function")]
fn tell_of_ignored(ignored: &[Value], function: &str, now: jiff::Timestamp) {
    for record in ignored {
        println!("{}", ignored_line(function, record, now));
    }
}

/// What a service's invocation came to, before it is recorded.
pub(crate) struct Acted {
    plan: Plan,
    /// The room on the instances, where the plan was made again with it: history keeps it for replay.
    placement: Option<Reading<Placement>>,
    steps: Vec<nightshift_core::outcome::StepOutcome>,
    remembered: Remembered,
    troubles: Vec<PortError>,
}
