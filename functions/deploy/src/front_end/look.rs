//! One look at one front end: observe, decide, act, record.
//!
//! What is about to be done is written down before it is done, and people are told once it is written that it was.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::outcome::Mode;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::release::front_end::{
    After, FrontEndLedger, FrontEndNote, FrontEndOutcome, FrontEndPlan, FrontEndSeen, Invalidator, Taken, Work, after_step,
    decide_front_end,
};
use nightshift_lambda::HandlerError;

use super::{Concerned, Desk, FrontEndEstate, Served, arrange, lines, tell};

/// The step is not begun with less time than this: one call with its retries, and the recording after it.
const TIME_FOR_A_STEP: Duration = Duration::from_secs(4);
/// What was not tried, or could not be written down, is looked at again after this.
const SOON: SignedDuration = SignedDuration::from_mins(1);

/// What a look came to, before it is recorded.
struct Acted {
    seen: FrontEndSeen,
    plan: FrontEndPlan,
    taken: Option<Taken>,
    notes: Vec<FrontEndNote>,
    look_again_at: Option<Timestamp>,
    troubles: Vec<PortError>,
}

pub(super) async fn look<E: FrontEndEstate>(desk: &Desk<'_, E>, concerned: &Concerned<'_>) -> Served {
    let began = desk.invocation.now();
    let acted = match look_and_act(desk, concerned).await {
        Ok(acted) => acted,
        // A duplicate was first, or another file arrived: both show in a second look.
        Err(_) => look_and_act(desk, concerned).await.unwrap_or_else(|contended| *contended),
    };
    let wants_another_look = acted.look_again_at.is_some();
    let (outcome, seen) = record(desk, concerned, acted, began).await;
    let failure = failure(&outcome, wants_another_look);
    lines::tell_look(desk.function, &outcome, &seen, desk.invocation.now());
    Served { answer: outcome.to_answer(), failure }
}

/// `Err` if the ledger refused the plan because something moved.
async fn look_and_act<E: FrontEndEstate>(desk: &Desk<'_, E>, concerned: &Concerned<'_>) -> Result<Acted, Box<Acted>> {
    let seen = observe(desk, concerned).await;
    let now = desk.invocation.now();
    let plan = decide_front_end(&concerned.key, concerned.front_end, &seen, now);
    let read = seen.view.as_ref().map(|view| view.work.clone()).unwrap_or_default();
    let mut acted = Acted { notes: plan.notes.clone(), look_again_at: plan.look_again_at, seen, plan, taken: None, troubles: Vec::new() };
    let work = match &acted.plan.work {
        None => read,
        Some(work) => {
            let stored = desk.estate.front_ends().store_work(&concerned.key, read.version, work, acted.plan.takes.as_ref()).await;
            match stored {
                Ok(()) => work.clone(),
                Err(error) if error.kind == PortErrorKind::Conflict => {
                    let plan = acted.plan.contended(now);
                    let (notes, look_again_at) = (Vec::new(), plan.look_again_at);
                    return Err(Box::new(Acted { plan, notes, look_again_at, ..acted }));
                }
                Err(error) => {
                    // Nothing is done, nor told, that is not written down.
                    let look_again_at = Some(soon(now));
                    return Ok(Acted { notes: Vec::new(), look_again_at, troubles: vec![error], ..acted });
                }
            }
        }
    };
    if acted.plan.step.is_some() {
        act(desk, concerned, &mut acted, &work).await;
    }
    Ok(acted)
}

async fn observe<E: FrontEndEstate>(desk: &Desk<'_, E>, concerned: &Concerned<'_>) -> FrontEndSeen {
    let at = desk.invocation.now();
    let view = desk.estate.front_ends().read_front_end(&concerned.key).await;
    let invalidation = match view.as_ref().ok().and_then(|view| view.work.followed()) {
        Some(made) => Some(desk.estate.edges().invalidation(made).await),
        None => None,
    };
    FrontEndSeen { at, view, invalidation }
}

async fn act<E: FrontEndEstate>(desk: &Desk<'_, E>, concerned: &Concerned<'_>, acted: &mut Acted, work: &Work) {
    let Some(taken) = take(desk, &acted.plan).await else {
        acted.look_again_at = Some(soon(desk.invocation.now()));
        return;
    };
    let now = desk.invocation.now();
    let After { work: next, notes, look_again_at } = after_step(concerned.front_end, &acted.plan, work, &taken, now);
    acted.taken = Some(taken);
    acted.look_again_at = look_again_at;
    let stored = match &next {
        None => Ok(()),
        Some(next) => desk.estate.front_ends().store_work(&concerned.key, work.version, next, None).await,
    };
    match stored {
        Ok(()) => acted.notes.extend(notes),
        // A duplicate of this look has done and noted the same, and tells it.
        Err(error) if error.kind == PortErrorKind::Conflict => acted.look_again_at = Some(soon(now)),
        Err(error) => {
            // The same invalidation is asked for again, which makes no second one.
            acted.look_again_at = Some(soon(now));
            acted.troubles.push(error);
        }
    }
}

/// None if there is no time left for it.
async fn take<E: FrontEndEstate>(desk: &Desk<'_, E>, plan: &FrontEndPlan) -> Option<Taken> {
    let step = plan.step.as_ref()?;
    if desk.config.mode == Mode::Observe {
        return Some(Taken::WouldHaveDone);
    }
    if desk.invocation.time_left() < TIME_FOR_A_STEP {
        return None;
    }
    Some(match desk.estate.edges().invalidate(&step.distribution, &step.reference, &step.paths).await {
        Ok(invalidation) => Taken::Done { invalidation },
        Err(error) => Taken::Failed { error },
    })
}

async fn record<E: FrontEndEstate>(
    desk: &Desk<'_, E>,
    concerned: &Concerned<'_>,
    acted: Acted,
    began: Timestamp,
) -> (FrontEndOutcome, FrontEndSeen) {
    let Acted { seen, plan, taken, notes, look_again_at, troubles } = acted;
    let mut outcome = FrontEndOutcome { at: began, mode: desk.config.mode, plan, taken, notes, look_again_at: None, troubles };
    if let Some(at) = look_again_at {
        arrange_next(desk, concerned, &seen, at, &mut outcome).await;
    }
    let mut failed = Vec::new();
    for note in &outcome.notes {
        failed.extend(tell(desk, concerned, outcome.mode, note).await);
    }
    if outcome.is_history() {
        let entry = outcome.to_history(&seen);
        failed.extend(desk.estate.front_ends().append_front_end(&concerned.key, &entry).await.err());
    }
    outcome.troubles.extend(failed);
    (outcome, seen)
}

/// Arranges the next look, unless one is arranged already that comes in time.
async fn arrange_next<E: FrontEndEstate>(
    desk: &Desk<'_, E>,
    concerned: &Concerned<'_>,
    seen: &FrontEndSeen,
    at: Timestamp,
    outcome: &mut FrontEndOutcome,
) {
    // A batch that was taken has forgotten the look that led to it.
    let known = seen.view.as_ref().ok().and_then(|view| view.uploads.look_at).filter(|_| outcome.plan.takes.is_none());
    if let Some(known) = known.filter(|known| *known > desk.invocation.now() && *known <= at) {
        outcome.look_again_at = Some(known);
        return;
    }
    match arrange(desk, &concerned.key, at).await {
        Ok(trouble) => {
            outcome.look_again_at = Some(at);
            outcome.troubles.extend(trouble);
        }
        Err(error) => outcome.troubles.push(error),
    }
}

/// An invocation fails where a person with the failure queue, or Lambda's own retry, has to take over: what AWS refused for
/// good, and what nobody would look at again.
fn failure(outcome: &FrontEndOutcome, wants_another_look: bool) -> Option<HandlerError> {
    let services = outcome.plan.key.to_string();
    let cause = outcome.errors().next().map_or_else(|| outcome.sentence(), ToString::to_string);
    if outcome.errors().any(|error| error.kind == PortErrorKind::Denied) {
        return Some(HandlerError::Refused { services, cause });
    }
    let is_left = wants_another_look && outcome.look_again_at.is_none();
    is_left.then_some(HandlerError::NotArranged { services, cause })
}

fn soon(now: Timestamp) -> Timestamp {
    now.saturating_add(SOON).unwrap_or(Timestamp::MAX)
}
