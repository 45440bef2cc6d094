//! Front ends: an upload to a bucket becomes one CloudFront invalidation.
//!
//! An arriving file is only noted, and one look arranged for all that arrive with it; the look reads as observe, decide, act,
//! record. What to do is decided in `nightshift_core::release::front_end`.

mod lines;
mod look;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{Fleet, Fleets, FrontEnd};
use nightshift_core::outcome::Mode;
use nightshift_core::ports::{Messenger, PortError, PortErrorKind};
use nightshift_core::release::front_end::{
    Arrival, FrontEndKey, FrontEndLedger, FrontEndNote, FrontEndTimer, Invalidator, Stale, arrival, settle_look,
};
use nightshift_core::signal::{FrontEndSignal, ObjectSignal, Signal};
use nightshift_lambda::{Config, HandlerError, Invocation};
use serde_json::{Value, json};

/// What front ends need of the estate.
pub trait FrontEndEstate {
    /// What was done before.
    type FrontEnds: FrontEndLedger;
    /// Later calls.
    type Timer: FrontEndTimer;
    /// Content delivery.
    type Edges: Invalidator;
    /// People and machines.
    type Told: Messenger;

    /// What was done before.
    fn front_ends(&self) -> &Self::FrontEnds;
    /// Later calls.
    fn front_end_timer(&self) -> &Self::Timer;
    /// Content delivery.
    fn edges(&self) -> &Self::Edges;
    /// People and machines.
    fn front_end_people(&self) -> &Self::Told;
}

/// Everything that serving a front end works with.
pub struct Desk<'d, E> {
    /// The invocation.
    pub invocation: &'d Invocation,
    /// The function's name in logs and metrics.
    pub function: &'d str,
    /// The environment.
    pub config: &'d Config,
    /// What people wrote down.
    pub fleets: &'d Fleets,
    /// The ports.
    pub estate: &'d E,
}

/// What came of one front end: the answer, and why the invocation fails, if it does.
#[derive(Debug)]
pub struct Served {
    /// `decision`, `reason`, `text`, `steps`, `plan_id` and what explains them.
    pub answer: Value,
    /// Where Lambda's retry, or a person, has to take over.
    pub failure: Option<HandlerError>,
}

/// A front end that an event concerns.
#[derive(Clone, Debug)]
struct Concerned<'f> {
    key: FrontEndKey,
    fleet: &'f Fleet,
    front_end: &'f FrontEnd,
}

/// A look that is arranged for less than this ahead may have read already what we wrote just now.
const TOO_CLOSE: SignedDuration = SignedDuration::from_secs(2);

/// Serves what concerns front ends: a file of a bucket, our own look, and the sweep (every front end is looked at, since a look
/// can be lost). Other signals concern none.
pub async fn serve<E: FrontEndEstate>(desk: &Desk<'_, E>, signal: &Signal) -> Vec<Served> {
    match signal {
        Signal::Object(object) => serve_object(desk, object).await,
        Signal::FrontEnd(look) => serve_look(desk, look).await,
        Signal::CalendarTick => serve_sweep(desk).await,
        _ => Vec::new(),
    }
}

async fn serve_object<E: FrontEndEstate>(desk: &Desk<'_, E>, object: &ObjectSignal) -> Vec<Served> {
    let of_bucket: Vec<Concerned<'_>> = every(desk.fleets).filter(|known| known.front_end.bucket == object.bucket).collect();
    if of_bucket.is_empty() {
        return vec![ignored("not_ours", format!("no front end of the fleet files has the bucket {}", object.bucket))];
    }
    let mut served = Vec::new();
    for concerned in &of_bucket {
        served.push(match arrival(concerned.front_end, &object.key) {
            Arrival::NotServed => ignored("not_served", format!("{}: {} lies outside of its prefix", concerned.key, object.key)),
            Arrival::Hashed => ignored("hashed", format!("{}: the name of {} changes with its content", concerned.key, object.key)),
            Arrival::Stale(stale) => arrived(desk, concerned, &stale).await,
        });
    }
    served
}

async fn serve_look<E: FrontEndEstate>(desk: &Desk<'_, E>, signal: &FrontEndSignal) -> Vec<Served> {
    let is_meant = |known: &Concerned<'_>| known.key.system.as_str() == signal.system && known.key.name.as_str() == signal.front_end;
    match every(desk.fleets).find(is_meant) {
        Some(concerned) => vec![look::look(desk, &concerned).await],
        None => vec![ignored("not_ours", format!("{}/{} is no longer in the fleet files", signal.system, signal.front_end))],
    }
}

async fn serve_sweep<E: FrontEndEstate>(desk: &Desk<'_, E>) -> Vec<Served> {
    let mut served = Vec::new();
    let is_here = |known: &Concerned<'_>| known.fleet.regions.contains(&desk.config.region);
    for concerned in every(desk.fleets).filter(is_here) {
        served.push(look::look(desk, &concerned).await);
    }
    served
}

fn every(fleets: &Fleets) -> impl Iterator<Item = Concerned<'_>> {
    fleets.iter().flat_map(|fleet| {
        fleet.front_ends.iter().map(move |(name, front_end)| Concerned {
            key: FrontEndKey { system: fleet.system.clone(), name: name.clone() },
            fleet,
            front_end,
        })
    })
}

/// Notes what is stale, and arranges the look for all that arrives with it, unless one is arranged.
async fn arrived<E: FrontEndEstate>(desk: &Desk<'_, E>, concerned: &Concerned<'_>, stale: &Stale) -> Served {
    let Concerned { key, front_end, .. } = concerned;
    let began = desk.invocation.now();
    let uploads = match desk.estate.front_ends().note_arrival(key, stale, began).await {
        Err(error) => return lost(concerned, "the arrival was not noted", &error),
        Ok(uploads) => uploads,
    };
    let now = desk.invocation.now();
    let far_enough = now.saturating_add(TOO_CLOSE).unwrap_or(Timestamp::MAX);
    let (at, is_new) = match uploads.look_at.filter(|at| *at > far_enough) {
        Some(at) => (at, false),
        None => (settle_look(front_end, now), true),
    };
    let mut trouble = None;
    if is_new {
        match arrange(desk, key, at).await {
            Err(error) => {
                let mut served = lost(concerned, "the look after the upload was not arranged", &error);
                // Told once for all files of an upload.
                let is_first = uploads.pending.is_some_and(|pending| pending.first >= began);
                if let Some(HandlerError::Refused { cause, .. }) = served.failure.as_ref().filter(|_| is_first) {
                    let untold = tell(desk, concerned, desk.config.mode, &FrontEndNote::held_up(cause)).await;
                    if let Some(errors) = served.answer.get_mut("errors").and_then(Value::as_array_mut) {
                        errors.extend(untold.iter().map(|error| json!(error)));
                    }
                }
                return served;
            }
            Ok(noted) => trouble = noted,
        }
    }
    let answer = json!({
        "system": key.system,
        "front_end": key.name,
        "decision": "noted",
        "reason": "files_arrive",
        "text": format!("{} noted, to be looked at when the upload is complete", words(stale)),
        "steps": [],
        "plan_id": null,
        "mode": desk.config.mode,
        "look_again_at": at,
        "errors": trouble.into_iter().collect::<Vec<PortError>>(),
    });
    lines::tell_arrival(desk.function, &answer, began);
    Served { answer, failure: None }
}

/// Tells people and chat; what could not be sent.
async fn tell<E: FrontEndEstate>(desk: &Desk<'_, E>, concerned: &Concerned<'_>, mode: Mode, note: &FrontEndNote) -> Vec<PortError> {
    let (people, notices) = (desk.estate.front_end_people(), &concerned.fleet.notices);
    let topic = notices.topic.as_deref().unwrap_or(&desk.config.topic_arn);
    let mut failed = Vec::new();
    failed.extend(people.publish(topic, &note.message(&concerned.key, &desk.config.region, mode)).await.err());
    if let Some(chat) = notices.chat_topic.as_deref() {
        failed.extend(people.publish(chat, &note.chat_message(&concerned.key, mode)).await.err());
    }
    failed
}

/// Arranges a look and notes it. A look that is arranged already is as good; a note that failed costs others a needless
/// arrangement and is no failure.
async fn arrange<E: FrontEndEstate>(desk: &Desk<'_, E>, key: &FrontEndKey, at: Timestamp) -> Result<Option<PortError>, PortError> {
    match desk.estate.front_end_timer().look_later(key, at, &desk.invocation.function_arn).await {
        Err(error) if error.kind != PortErrorKind::Conflict => return Err(error),
        Ok(()) | Err(_) => {}
    }
    Ok(desk.estate.front_ends().note_look(key, at).await.err())
}

/// The event comes again by Lambda's retry, or from the failure queue: to note it twice is to note it once.
fn lost(concerned: &Concerned<'_>, what: &str, error: &PortError) -> Served {
    let cause = format!("{what}: {error}");
    let services = concerned.key.to_string();
    let failure = match error.kind.may_pass() {
        true => HandlerError::NotArranged { services, cause: cause.clone() },
        false => HandlerError::Refused { services, cause: cause.clone() },
    };
    let answer = json!({
        "system": concerned.key.system,
        "front_end": concerned.key.name,
        "decision": "hold",
        "reason": "not_noted",
        "text": cause,
        "steps": [],
        "plan_id": null,
        "errors": [error],
    });
    Served { answer, failure: Some(failure) }
}

fn ignored(reason: &str, text: String) -> Served {
    let answer = json!({ "decision": "hold", "reason": reason, "text": text, "steps": [], "plan_id": null });
    Served { answer, failure: None }
}

fn words(stale: &Stale) -> String {
    stale.paths.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}
