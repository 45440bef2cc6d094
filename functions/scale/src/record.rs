//! After the act: arranges the next look, then writes the ledger and tells people, all from the same outcome.

use jiff::Timestamp;
use nightshift_core::ledger::ServiceRecord;
use nightshift_core::notice::{Notice, told_after};
use nightshift_core::outcome::{Ending, Outcome};
use nightshift_core::ports::{Ledger, Messenger, PortErrorKind, PortResult, RecheckRequest, RecheckScheduler};
use nightshift_core::scale::{Observation, WakeKind};
use nightshift_lambda::Invocation;

use crate::Acted;
use crate::deps::{Deps, Estate};
use crate::wakes::{Call, failure};

/// What the ledger holds of the service while this invocation works on it.
pub(crate) enum Remembered {
    /// The record as it was read; nothing was written.
    Unchanged(ServiceRecord),
    /// The record with our lease, as it was written.
    Begun(ServiceRecord),
    /// Somebody else's, or out of reach: not to be written.
    Untouchable,
    /// Written by somebody else between our reading and our writing.
    Contended,
    /// Out of reach when it was decided, with the next look arranged already; the record if it can be reached by now.
    Arranged { at: Timestamp, late: Option<ServiceRecord> },
}

impl Remembered {
    /// A record under somebody's lease is theirs to write: a note of ours would make their closing one fail, and the lease
    /// would stay until it expires.
    pub(crate) fn unchanged(seen: &Observation) -> Self {
        match &seen.ledger {
            Ok(view) if view.record.leased(seen.at).is_none() => Self::Unchanged(view.record.clone()),
            _ => Self::Untouchable,
        }
    }

    fn record(&self) -> Option<&ServiceRecord> {
        match self {
            Self::Unchanged(record) | Self::Begun(record) => Some(record),
            Self::Arranged { late, .. } => late.as_ref(),
            Self::Untouchable | Self::Contended => None,
        }
    }
}

pub(crate) async fn record<E: Estate>(
    invocation: &Invocation,
    deps: &Deps<E>,
    call: &Call<'_>,
    acted: Acted,
    seen: Observation,
) -> Outcome {
    let Acted { plan, placement, steps, remembered, troubles } = acted;
    let seen = &Observation { placement: placement.or(seen.placement), ..seen };
    let mut outcome = Outcome { at: seen.at, mode: deps.config.mode, wake: call.wake.clone(), plan, steps, look_again_at: None, troubles };
    arrange(invocation, deps, call, &remembered, &mut outcome).await;

    let told = remembered.record().and_then(|record| record.told.as_deref());
    let notice = Notice::of(&outcome, &deps.config.region, told).filter(|_| may_tell(&outcome, &remembered));
    let next = next_record(&remembered, &outcome, seen.at);
    // First the record, then the message: of several invocations that hold at once for the same reason, the one that notes
    // it tells it. What was done is told whatever becomes of the note.
    let noted = store(deps, call, &remembered, next.as_ref()).await;
    let is_told_by_another = matches!(noted, Ok(Noted::ByAnother)) && outcome.ending() == Ending::Held;
    let notice = notice.filter(|_| !is_told_by_another);
    let (published, chatted, appended) = tokio::join!(
        publish(deps, call, notice.as_ref()),
        publish_to_chat(deps, call, notice.as_ref()),
        append(deps, call, &remembered, &outcome, seen),
    );
    let troubles = [noted.map(drop), published, chatted, appended];
    outcome.troubles.extend(troubles.into_iter().filter_map(Result::err));
    outcome
}

/// Arranges the next look, unless one is arranged already that comes in time.
async fn arrange<E: Estate>(invocation: &Invocation, deps: &Deps<E>, call: &Call<'_>, remembered: &Remembered, outcome: &mut Outcome) {
    let Some(at) = outcome.next_look(invocation.now()) else { return };
    if let Remembered::Arranged { at, .. } = remembered {
        outcome.look_again_at = Some(*at);
        return;
    }
    let arranged = remembered.record().and_then(|record| record.recheck_at);
    if let Some(arranged) = arranged.filter(|arranged| *arranged > invocation.now() && *arranged <= at) {
        outcome.look_again_at = Some(arranged);
        return;
    }
    let request = RecheckRequest {
        key: call.key.clone(),
        at,
        attempt: call.attempt + 1,
        because: outcome.plan.reason_code().to_owned(),
        token: at.as_second().to_string(),
    };
    match deps.estate.rechecks().schedule(&request, &invocation.function_arn).await {
        Ok(()) => outcome.look_again_at = Some(at),
        // The same look, arranged by a duplicate of this event.
        Err(error) if error.kind == PortErrorKind::Conflict => outcome.look_again_at = Some(at),
        Err(error) => outcome.troubles.push(error),
    }
}

/// Without the ledger nobody remembers what was told; then only an alarm's own transition is worth a message about holding.
fn may_tell(outcome: &Outcome, remembered: &Remembered) -> bool {
    let is_remembered = remembered.record().is_some();
    is_remembered || outcome.ending() != Ending::Held || matches!(outcome.wake.kind, WakeKind::Alarm { .. })
}

/// The record to write; none if there is nothing new in it.
fn next_record(remembered: &Remembered, outcome: &Outcome, now: Timestamp) -> Option<ServiceRecord> {
    let (mut next, is_begun) = match remembered {
        Remembered::Unchanged(record) => (record.next_version(), false),
        Remembered::Begun(record) => (record.closed(&outcome.steps, now), true),
        Remembered::Arranged { late: Some(record), .. } => (record.closed(&outcome.steps, now), true),
        Remembered::Untouchable | Remembered::Contended | Remembered::Arranged { late: None, .. } => return None,
    };
    let before = remembered.record().cloned().unwrap_or_default();
    next.told = told_after(outcome, before.told.clone());
    if outcome.look_again_at.is_some() {
        next.recheck_at = outcome.look_again_at;
    }
    // An event that failed for good comes again from Lambda's retry or the failure queue, and is then to be judged afresh.
    if matches!(outcome.wake.kind, WakeKind::Alarm { .. }) && failure(outcome).is_none() {
        next = next.with_handled(&outcome.wake.key, now);
    }
    let is_new = next.told != before.told || next.recheck_at != before.recheck_at || next.handled.len() != before.handled.len();
    (is_begun || is_new).then_some(next)
}

async fn publish<E: Estate>(deps: &Deps<E>, call: &Call<'_>, notice: Option<&Notice<'_>>) -> PortResult<()> {
    let topic = call.fleet.notices.topic.as_deref().unwrap_or(&deps.config.topic_arn);
    match notice {
        Some(notice) => deps.estate.people().publish(topic, &notice.message()).await,
        None => Ok(()),
    }
}

async fn publish_to_chat<E: Estate>(deps: &Deps<E>, call: &Call<'_>, notice: Option<&Notice<'_>>) -> PortResult<()> {
    match (notice, call.fleet.notices.chat_topic.as_deref()) {
        (Some(notice), Some(topic)) => deps.estate.people().publish(topic, &notice.chat_message()).await,
        _ => Ok(()),
    }
}

/// Whose note the ledger holds now.
enum Noted {
    /// Ours, or there was nothing to note.
    ByUs,
    /// That of an invocation that was first; we hold no lease, so it stands.
    ByAnother,
}

async fn store<E: Estate>(deps: &Deps<E>, call: &Call<'_>, remembered: &Remembered, next: Option<&ServiceRecord>) -> PortResult<Noted> {
    let (Some(seen), Some(next)) = (remembered.record(), next) else { return Ok(Noted::ByUs) };
    match (deps.estate.ledger().store(&call.key, seen.version, next).await, remembered) {
        (Err(error), Remembered::Unchanged(_)) if error.kind == PortErrorKind::Conflict => Ok(Noted::ByAnother),
        (answer, _) => answer.map(|()| Noted::ByUs),
    }
}

async fn append<E: Estate>(
    deps: &Deps<E>,
    call: &Call<'_>,
    remembered: &Remembered,
    outcome: &Outcome,
    seen: &Observation,
) -> PortResult<()> {
    if outcome.is_routine() || remembered.record().is_none() {
        return Ok(());
    }
    deps.estate.ledger().append(&call.key, &outcome.to_history(seen)).await
}
