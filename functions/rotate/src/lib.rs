//! The `rotate` function: takes secrets through Secrets Manager's four steps and hands them over to their readers.
//!
//! Reads top to bottom as parse, observe, decide, act, record, in rounds. What to do is decided in `nightshift_core::rotation`
//! from facts; the values stay in a vault that one invocation has, and that nothing prints.

mod aws;
mod deps;
mod lines;
mod observe;
mod record;
pub mod servers;
mod vault;
mod wakes;
mod walk;

pub use aws::{AwsEstate, start};
pub use deps::{Deps, ENVIRONMENT, Estate};
use futures_util::stream::{self, StreamExt};
pub use lines::{Outcome, metric_line, summary_line};
use nightshift_core::rotation::Request;
use nightshift_lambda::{HandlerError, Invocation, ignored_line, one_answer};
use serde_json::{Value, json};

use crate::wakes::{Call, Wakes};

/// How many secrets of a sweep are looked at side by side.
const SIDE_BY_SIDE: usize = 4;

/// Handles a step of Secrets Manager's, or an instruction of our own; the answer has `decision`, `reason`, `steps` and `plan_id`.
pub async fn handle<E: Estate>(invocation: &Invocation, deps: &Deps<E>, event: &Value) -> Result<Value, HandlerError> {
    match wakes::read(event, &deps.fleets, &deps.config)? {
        Wakes::Step(call) => {
            let outcome = serve(invocation, deps, &call).await;
            outcome.step_failure().map_or_else(|| Ok(outcome.to_answer()), Err)
        }
        Wakes::Looks(calls) => {
            let served = stream::iter(&calls).map(|call| serve(invocation, deps, call)).buffered(SIDE_BY_SIDE);
            let outcomes: Vec<Outcome> = served.collect().await;
            match outcomes.iter().find_map(Outcome::look_failure) {
                Some(failure) => Err(failure),
                None => Ok(one_answer(outcomes.iter().map(Outcome::to_answer).collect(), "no secret is to be looked at here", json!({}))),
            }
        }
        Wakes::Ignored(answer) => {
            tell_of_ignored(&answer, &deps.function, invocation.now());
            Ok(answer)
        }
    }
}

/// One secret, one request.
async fn serve<E: Estate>(invocation: &Invocation, deps: &Deps<E>, call: &Call<'_>) -> Outcome {
    let began = invocation.now();
    // Boxed: connections, handshakes and SDK calls nest deeply, and several of them are under way at a time.
    let walked = Box::pin(walk::all_the_way(invocation, deps, call)).await;
    let outcome = record::record(invocation, deps, call, walked).await;
    lines::tell(&outcome, &deps.function, invocation.now().duration_since(began).as_millis());
    outcome
}

/// What was not understood: counted and logged, never redelivered.
#[allow(clippy::print_stdout, reason = "standard output is the log of a Lambda function")]
fn tell_of_ignored(answer: &Value, function: &str, now: jiff::Timestamp) {
    println!("{}", ignored_line(function, answer, now));
}

impl Call<'_> {
    /// The step that Secrets Manager waits for, if it does.
    pub(crate) fn step(&self) -> Option<&nightshift_core::rotation::StepEvent> {
        match &self.request {
            Request::Step(event) => Some(event),
            Request::Carry { .. } => None,
        }
    }
}
