//! After the look: arranges the next one, writes what is remembered, and then tells people, all from the same ending.

use jiff::Timestamp;
use nightshift_core::ports::{Messenger, PortError, PortErrorKind};
use nightshift_core::rotation::ports::{RotationLedger, RotationTimer};
use nightshift_core::rotation::{RotationNotice, RotationRecord, RotationView};
use nightshift_lambda::Invocation;

use crate::deps::{Deps, Estate};
use crate::lines::Outcome;
use crate::wakes::Call;
use crate::walk::Walked;

/// So often the record is read again when somebody else was first.
const TRIES: usize = 4;

pub(crate) async fn record<E: Estate>(invocation: &Invocation, deps: &Deps<E>, call: &Call<'_>, walked: Walked) -> Outcome {
    let now = invocation.now();
    let Walked { seen, ending, mut troubles } = walked;
    let look_again_at = match ending.look_at() {
        Some(at) => arrange(invocation, deps, call, at, &mut troubles).await,
        None => None,
    };
    let notice = RotationNotice { policy: call.policy, region: &deps.config.region, at: now, ending: &ending, done: &seen.done };
    let token = notice.token();
    let mut is_news = token.is_some();
    let mut view = match &seen.record {
        Some(Ok(view)) => Some(view.clone()),
        _ => None,
    };
    for _ in 0..TRIES {
        let Some(RotationView { record: before, .. }) = &view else { break };
        let mut after = before.after(&seen, &ending, now);
        is_news = token.is_some() && token != before.told;
        if token.is_some() || look_again_at.is_none() {
            after.told.clone_from(&token);
        }
        match store(deps, call, before, after).await {
            Ok(()) => break,
            Err(error) if error.kind == PortErrorKind::Conflict => {
                view = deps.estate.ledger().rotation(call.policy.system, call.name).await.ok();
            }
            Err(error) => {
                troubles.push(error);
                break;
            }
        }
    }
    if is_news {
        publish(deps, call, &notice, &mut troubles).await;
    }
    Outcome::new(deps, call, now, seen, ending, look_again_at, troubles)
}

async fn store<E: Estate>(deps: &Deps<E>, call: &Call<'_>, before: &RotationRecord, mut after: RotationRecord) -> Result<(), PortError> {
    if after == *before {
        return Ok(());
    }
    after.version = before.version + 1;
    deps.estate.ledger().store_rotation(call.policy.system, call.name, before.version, &after).await
}

/// Arranges the next look; the hourly one comes anyway.
async fn arrange<E: Estate>(
    invocation: &Invocation,
    deps: &Deps<E>,
    call: &Call<'_>,
    at: Timestamp,
    troubles: &mut Vec<PortError>,
) -> Option<Timestamp> {
    match deps.estate.timer().look_at_secret(call.policy.system, call.name, at, &invocation.function_arn).await {
        Ok(()) => Some(at),
        // The same look, arranged by a duplicate of this event.
        Err(error) if error.kind == PortErrorKind::Conflict => Some(at),
        Err(error) => {
            troubles.push(error);
            None
        }
    }
}

async fn publish<E: Estate>(deps: &Deps<E>, call: &Call<'_>, notice: &RotationNotice<'_>, troubles: &mut Vec<PortError>) {
    let topic = call.fleet.notices.topic.as_deref().unwrap_or(&deps.config.topic_arn);
    let people = deps.estate.people();
    let (message, chat) = (notice.message(), notice.chat_message());
    let to_chat = async {
        match call.fleet.notices.chat_topic.as_deref() {
            Some(topic) => people.publish(topic, &chat).await,
            None => Ok(()),
        }
    };
    let (told, chatted) = tokio::join!(people.publish(topic, &message), to_chat);
    troubles.extend(told.err());
    troubles.extend(chatted.err());
}
