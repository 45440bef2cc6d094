//! After the way: arranges the next look, then writes the book, and then tells people, all from the same outcome.

use jiff::Timestamp;
use nightshift_core::ports::{Messenger, PortError, PortErrorKind, PortResult, RecheckRequest, RecheckScheduler};
use nightshift_core::release::ports::ReleaseLedger;
use nightshift_core::release::{Hold, ReleaseNotice, ReleaseOutcome, StepResult, Wake};
use nightshift_lambda::{HandlerError, Invocation};

use crate::deps::{Deps, Estate};
use crate::keep::Holding;
use crate::wakes::Call;
use crate::walk::{Contended, SOON, Walk};

pub(crate) async fn record<E: Estate>(mut walk: Walk<'_, E>) -> Result<ReleaseOutcome, Contended> {
    let (deps, call) = (walk.deps, walk.call);
    let arranged = arrange(&mut walk).await;
    if let Some(at) = arranged.filter(|_| walk.kept.is_some()) {
        walk.book.recheck_at = Some(at);
    }
    // First the book, then the messages: of several invocations that come to the same, the one that stores it tells it.
    let unsaved = save(&mut walk).await?;
    let look_again_at = match unsaved {
        // Nobody else may know of what is not stored.
        Some(at) => at,
        None => arranged,
    };
    let mut outcome = outcome(walk, look_again_at);
    if let Some(HandlerError::Refused { cause, .. }) = failure(&outcome) {
        outcome.notes.extend(outcome.refusal(&cause));
    }
    let (appended, published) = tokio::join!(append(deps, call, &outcome), publish(deps, call, &outcome));
    outcome.troubles.extend(appended.err());
    outcome.troubles.extend(published);
    Ok(outcome)
}

/// Arranges the next look, unless one is arranged already that comes in time; when it will be.
async fn arrange<E: Estate>(walk: &mut Walk<'_, E>) -> Option<Timestamp> {
    let (at, now) = (walk.wants_look_at?, walk.invocation.now());
    let known = walk.book.recheck_at.filter(|known| *known > now && *known <= at);
    if known.is_some() {
        return known;
    }
    let because = walk.holds.first().map_or("continued", Hold::code);
    let token = format!("deploy-{}", at.as_second());
    let request = RecheckRequest { key: walk.call.key.clone(), at, attempt: walk.call.attempt + 1, because: because.to_owned(), token };
    match walk.deps.estate.rechecks().schedule(&request, &walk.invocation.function_arn).await {
        Ok(()) => Some(at),
        // The same look, arranged by a duplicate of this event.
        Err(error) if error.kind == PortErrorKind::Conflict => Some(at),
        Err(error) => {
            walk.troubles.push(error);
            None
        }
    }
}

/// Writes the book if anything in it is new, or a lease is to be given back. None if all is well; else when the look is
/// arranged that finds out what the ledger holds.
async fn save<E: Estate>(walk: &mut Walk<'_, E>) -> Result<Option<Option<Timestamp>>, Contended> {
    let Some(kept) = &walk.kept else { return Ok(None) };
    if kept.is(&walk.book) && !kept.holds_lease() {
        walk.is_kept |= walk.is_taken_in;
        return Ok(None);
    }
    let Err(error) = walk.store(Holding::Nobodys).await else { return Ok(None) };
    if walk.is_first(&error) {
        return Err(Contended);
    }
    walk.troubles.push(error);
    walk.forget();
    walk.look_at(SOON);
    walk.book.recheck_at = None;
    Ok(Some(arrange(walk).await))
}

fn outcome<E: Estate>(walk: Walk<'_, E>, look_again_at: Option<Timestamp>) -> ReleaseOutcome {
    let says_something = !matches!(walk.call.wake, Wake::Look { .. } | Wake::Sweep);
    ReleaseOutcome {
        at: walk.began,
        mode: walk.deps.config.mode,
        key: walk.call.key.clone(),
        region: walk.deps.config.region.clone(),
        wake: walk.call.wake.clone(),
        plan_id: walk.plan_id,
        steps: walk.steps,
        holds: walk.holds,
        notes: walk.notes,
        before: walk.before,
        after: walk.book,
        wants_look_at: walk.wants_look_at,
        look_again_at,
        is_lost: says_something && !walk.is_kept,
        untold: walk.untold,
        troubles: walk.troubles,
    }
}

async fn append<E: Estate>(deps: &Deps<E>, call: &Call<'_>, outcome: &ReleaseOutcome) -> PortResult<()> {
    match outcome.is_history() {
        true => deps.estate.ledger().append_release(&call.key, &outcome.to_history()).await,
        false => Ok(()),
    }
}

/// Tells people and chat, each in the order in which it came about; what could not be sent.
async fn publish<E: Estate>(deps: &Deps<E>, call: &Call<'_>, outcome: &ReleaseOutcome) -> Vec<PortError> {
    let notices = outcome.notes.iter().map(|note| ReleaseNotice {
        key: &outcome.key,
        region: &outcome.region,
        mode: outcome.mode,
        at: outcome.at,
        note,
        release: outcome.after.release(&note.release),
    });
    let notices: Vec<ReleaseNotice<'_>> = notices.collect();
    let topic = call.fleet.notices.topic.as_deref().unwrap_or(&deps.config.topic_arn);
    let to_people = async {
        let mut failed = Vec::new();
        for notice in &notices {
            failed.extend(deps.estate.people().publish(topic, &notice.message()).await.err());
        }
        failed
    };
    let to_chat = async {
        let mut failed = Vec::new();
        for (notice, topic) in notices.iter().zip(call.fleet.notices.chat_topic.iter().cycle()) {
            failed.extend(deps.estate.people().publish(topic, &notice.chat_message()).await.err());
        }
        failed
    };
    let (mut failed, of_chat) = tokio::join!(to_people, to_chat);
    failed.extend(of_chat);
    failed
}

/// An invocation fails where Lambda's own retry, or a person with the failure queue, has to take over: what AWS refused for
/// good, what the event said and could not be taken in, and what nobody would look at again.
pub(crate) fn failure(outcome: &ReleaseOutcome) -> Option<HandlerError> {
    let services = outcome.key.to_string();
    let cause = outcome.errors().next().map_or_else(|| outcome.sentence(), ToString::to_string);
    let is_refused_step = outcome.steps.iter().any(|step| matches!(&step.result, StepResult::Failed(error) if !error.kind.may_pass()));
    let is_refused = is_refused_step || outcome.troubles.iter().any(|error| error.kind == PortErrorKind::Denied);
    let reads_are_refused = outcome.holds.iter().any(|hold| matches!(hold, Hold::Unreadable { kind, .. } if !kind.may_pass()));
    if is_refused || reads_are_refused {
        return Some(HandlerError::Refused { services, cause });
    }
    let is_left_to_nobody = outcome.wants_look_at.is_some() && outcome.look_again_at.is_none();
    (outcome.is_lost || is_left_to_nobody).then_some(HandlerError::NotArranged { services, cause })
}

/// After every try another invocation was first: nothing was done, and it is looked at again when that one must have ended.
pub(crate) async fn kept_out<E: Estate>(invocation: &Invocation, deps: &Deps<E>, call: &Call<'_>) -> ReleaseOutcome {
    let mut walk = Walk::kept_out(invocation, deps, call);
    let arranged = arrange(&mut walk).await;
    outcome(walk, arranged)
}
