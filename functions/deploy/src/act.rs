//! Takes one step through the ports.
//!
//! Every step looked first whether it was done already, so that one that is taken again after a crash does no harm.

use jiff::Timestamp;
use nightshift_core::fleet::{ApprovalRule, Fleet};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::notice::Message;
use nightshift_core::ports::{Messenger, PortError, PortErrorKind, PortResult};
use nightshift_core::release::approve::ports::KeyReader;
use nightshift_core::release::approve::{About, Claims, Question, question_mails};
use nightshift_core::release::ports::{Neighbours, TargetDeployer};
use nightshift_core::release::{Book, ReleaseId, Report, Step, StepDone};

use crate::deps::{Deps, Estate};
use crate::wakes::Call;

/// What a step brought, and why other regions could not be told where some were.
pub(crate) struct Taken {
    pub done: StepDone,
    pub untold: Vec<PortError>,
}

impl From<StepDone> for Taken {
    fn from(done: StepDone) -> Self {
        Self { done, untold: Vec::new() }
    }
}

/// `book` is the one that the step was decided on, as it is stored.
pub(crate) async fn take<E: Estate>(deps: &Deps<E>, call: &Call<'_>, book: &Book, step: &Step) -> PortResult<Taken> {
    let targets = deps.estate.targets();
    match step {
        Step::MakeRevision { target, from, body, release } => {
            let revision = targets.make_revision(target, from, body, release).await?;
            Ok(StepDone::Made { revision }.into())
        }
        Step::RollOut { target, seen, to, replacement } => {
            let handle = targets.roll_out(target, seen, to, replacement).await?;
            Ok(StepDone::Begun { handle }.into())
        }
        Step::TakeBack { target, handle, .. } => match targets.take_back(target, handle).await {
            Ok(()) => Ok(StepDone::Begun { handle: Some(handle.clone()) }.into()),
            Err(error) if is_impossible(error.kind) => Ok(StepDone::NotPossible.into()),
            Err(error) => Err(error),
        },
        Step::Ask { release, digest, stage, rule, expires_at, .. } => {
            let asking = Asking { key: &call.key, fleet: call.fleet, release, digest, stage, expires_at: *expires_at };
            ask(deps, book, &asking, rule).await?;
            Ok(StepDone::Asked.into())
        }
        Step::Tell { regions, report } => Ok(tell(deps, regions, report).await),
    }
}

/// The roll-out is over, cannot be taken back here, or we may not: then a roll-out of the old revision does it.
fn is_impossible(kind: PortErrorKind) -> bool {
    matches!(kind, PortErrorKind::Conflict | PortErrorKind::Denied | PortErrorKind::NotFound)
}

/// A question on its way to people.
struct Asking<'a> {
    key: &'a ServiceKey,
    fleet: &'a Fleet,
    release: &'a ReleaseId,
    digest: &'a str,
    stage: &'a str,
    expires_at: Timestamp,
}

/// Each approver gets link and code in two mails. One who cannot be reached keeps nobody else from being asked; but asked it
/// is only when all were, and the same mails go out again until then.
async fn ask<E: Estate>(deps: &Deps<E>, book: &Book, asking: &Asking<'_>, rule: &ApprovalRule) -> PortResult<()> {
    let gone = || PortError::new(PortErrorKind::Conflict, "ask", format!("release {} is not in the book any more", asking.release));
    let release = book.release(asking.release).ok_or_else(gone)?;
    let key = deps.estate.keys().approval_key().await?;
    let question = Question::of(asking.key, book, release, asking.stage);
    let usual_topic = asking.fleet.notices.topic.as_deref().unwrap_or(&deps.config.topic_arn);
    let asked = rule.by.iter().map(|approver| {
        let about = About::Release {
            key: asking.key.clone(),
            release: asking.release.clone(),
            digest: asking.digest.to_owned(),
            stage: asking.stage.to_owned(),
        };
        let claims = Claims::new(about, approver.name.clone(), asking.expires_at);
        let mails = question_mails(&key, &deps.approval_url, &claims, &question);
        send(deps, approver.topic.as_deref().unwrap_or(usual_topic), mails)
    });
    futures_util::future::join_all(asked).await.into_iter().collect()
}

async fn send<E: Estate>(deps: &Deps<E>, topic: &str, mails: [Message; 2]) -> PortResult<()> {
    for mail in &mails {
        deps.estate.people().publish(topic, mail).await?;
    }
    Ok(())
}

/// Each region on its own: one that does not hear keeps nobody else from hearing.
async fn tell<E: Estate>(deps: &Deps<E>, regions: &[String], report: &Report) -> Taken {
    let told = futures_util::future::join_all(regions.iter().map(|region| deps.estate.regions().tell(region, report))).await;
    let (mut heard, mut untold) = (Vec::new(), Vec::new());
    for (region, told) in regions.iter().zip(told) {
        match told {
            Ok(()) => heard.push(region.clone()),
            Err(error) => untold.push(PortError { message: format!("{region}: {}", error.message), ..error }),
        }
    }
    Taken { done: StepDone::Told { regions: heard }, untold }
}
