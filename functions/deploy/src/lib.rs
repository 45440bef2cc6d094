//! The `deploy` function: takes releases through their stages, restarts the readers of rotated secrets, invalidates front ends.
//!
//! Reads top to bottom as parse, observe, decide, act, record. What to do is decided in `nightshift_core::release`; here are
//! only the reads that it needs, the steps carried out, and the telling.

mod act;
mod deps;
pub mod front_end;
mod keep;
mod lines;
mod observe;
mod record;
mod wakes;
mod walk;

use std::time::Duration;

pub use deps::{AwsEstate, Deps, ENVIRONMENT, Estate, start};
pub use front_end::FrontEndEstate;
use futures_util::stream::{self, StreamExt};
pub use lines::{metric_line, summary_line};
use nightshift_core::release::{ReleaseOutcome, Wake};
use nightshift_core::signal::parse;
use nightshift_lambda::{HandlerError, Invocation, ignored_line};
use serde_json::Value;

use crate::wakes::{Answered, Call, Wakes};
use crate::walk::{Contended, Walk};

/// How many services are served side by side: each has a few calls out, and the registries' and ECS's limits are per account.
const SIDE_BY_SIDE: usize = 4;

/// How long is waited for another invocation to be done with the service before what the event says is tried again. Who is
/// at work holds the lease for a few seconds.
const PATIENCE: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// A further try is not begun with less time than this.
const TIME_FOR_A_TRY: Duration = Duration::from_secs(8);

/// Handles one event of any of the shapes that wake `deploy`; the answer has `decision`, `reason`, `steps` and `plan_id`.
pub async fn handle<E: Estate + FrontEndEstate>(invocation: &Invocation, deps: &Deps<E>, event: &Value) -> Result<Value, HandlerError> {
    let parsed = parse(event);
    let wakes = Wakes::of(&parsed, &deps.fleets, &deps.config.region, invocation);
    tell_of_ignored(wakes.ignored(), &deps.function, invocation.now());
    let served = stream::iter(wakes.by_service()).map(|calls| serve_in_turn(invocation, deps, calls)).buffered(SIDE_BY_SIDE);
    let mut answered: Vec<Answered> = served.collect::<Vec<_>>().await.into_iter().flatten().collect();
    let desk = front_end::Desk { invocation, function: &deps.function, config: &deps.config, fleets: &deps.fleets, estate: &deps.estate };
    for (signal, message_id) in wakes.front_ends() {
        for served in front_end::serve(&desk, signal).await {
            answered.push(Answered { message_id: message_id.clone(), answer: served.answer, failure: served.failure });
        }
    }
    wakes.answer(answered)
}

/// Several records about one service: one after the other.
async fn serve_in_turn<E: Estate>(invocation: &Invocation, deps: &Deps<E>, calls: Vec<&Call<'_>>) -> Vec<Answered> {
    let mut answered = Vec::new();
    for call in calls {
        let began = invocation.now();
        // Boxed: a service's way is a large future, and several of them are under way at a time.
        let outcome = Box::pin(serve(invocation, deps, call)).await;
        lines::tell(&outcome, &deps.function, invocation.now().duration_since(began).as_millis());
        answered.push(Answered { message_id: call.message_id.clone(), answer: outcome.to_answer(), failure: record::failure(&outcome) });
    }
    answered
}

/// One service, one wake. What an event says must not be lost because another invocation is at work: it is tried again. A
/// mere look is as well done by who was first.
async fn serve<E: Estate>(invocation: &Invocation, deps: &Deps<E>, call: &Call<'_>) -> ReleaseOutcome {
    let is_a_look = matches!(call.wake, Wake::Look { .. } | Wake::Sweep);
    let tries = if is_a_look { 2 } else { PATIENCE.len() };
    for pause in PATIENCE.iter().take(tries) {
        if !pause.is_zero() && !is_a_look {
            tokio::time::sleep(*pause).await;
        }
        let may_try_again = invocation.time_left() > TIME_FOR_A_TRY;
        match look(invocation, deps, call, may_try_again && !is_a_look).await {
            Ok(outcome) => return outcome,
            Err(Contended) if may_try_again => {}
            Err(Contended) => break,
        }
    }
    record::kept_out(invocation, deps, call).await
}

async fn look<E: Estate>(invocation: &Invocation, deps: &Deps<E>, call: &Call<'_>, may_wait: bool) -> Result<ReleaseOutcome, Contended> {
    let walk = Walk::all_the_way(invocation, deps, call).await?;
    if may_wait && walk.is_kept_out() {
        return Err(Contended);
    }
    record::record(walk).await
}

/// What was not understood, or concerns nothing of ours: counted and logged, never redelivered.
#[allow(clippy::print_stdout, reason = "standard output is the log of a Lambda function")]
fn tell_of_ignored(ignored: &[Value], function: &str, now: jiff::Timestamp) {
    for record in ignored {
        println!("{}", ignored_line(function, record, now));
    }
}
