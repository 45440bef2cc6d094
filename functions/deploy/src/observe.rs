//! The reads that a decision asks for, all of one round together.
//!
//! What cannot be read says so in its place; nothing here fails, and nothing is decided here.

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::DeployTarget;
use nightshift_core::ledger::ServiceKey;
use nightshift_core::ports::{AlarmReader, PortErrorKind, PortResult};
use nightshift_core::release::ports::{AnswerDesk, ImageReader, ReleaseLedger, TargetReader};
use nightshift_core::release::{
    Answer, Found, Image, ImageRef, Known, Need, Observation, ReleasePolicy, ScanNow, Verdict, Wake, decide, reads_secret,
};

use crate::deps::Estate;

/// The sweep looks for pushes of so long ago: longer than anybody would let a lost one lie, and few images to read.
const SWEPT: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What is known before the book says what else is needed: the book, the images that may become a release, and where one is named,
/// the target that it comes to first.
pub(crate) async fn first<E: Estate>(estate: &E, wake: &Wake, policy: &ReleasePolicy<'_>, now: Timestamp) -> Observation {
    let (book, candidates, target) =
        tokio::join!(estate.ledger().read_book(&policy.key), candidates(estate, wake, policy, now), first_target(estate, wake, policy));
    // A candidate was read in this region just now.
    let images = candidates.iter().flatten().map(|image| Known {
        need: Need::Image { repository: image.repository.clone(), digest: image.digest.clone() },
        found: Found::Image(Ok(Some(image.clone()))),
    });
    let known = images.chain(target).collect();
    Observation { at: now, book, candidates, known }
}

async fn first_target<E: Estate>(estate: &E, wake: &Wake, policy: &ReleasePolicy<'_>) -> Option<Known> {
    let may_begin = matches!(wake, Wake::Pushed { .. } | Wake::Deploy { .. }) || is_awaited(wake);
    let is_home = policy.home() == Some(policy.region.as_str());
    let stage = policy.path()?.stages.first().filter(|_| may_begin && is_home)?;
    Some(known(estate, &policy.key, Need::Target(policy.service.deploy_target(&stage.name))).await)
}

async fn candidates<E: Estate>(estate: &E, wake: &Wake, policy: &ReleasePolicy<'_>, now: Timestamp) -> PortResult<Vec<Image>> {
    let Some((deploy, _)) = policy.deploy else { return Ok(Vec::new()) };
    let repository = deploy.repository.as_str();
    let is_home = policy.home() == Some(policy.region.as_str());
    match wake {
        Wake::Pushed { image, .. } => named(estate, repository, image).await,
        Wake::Deploy { image, only_here, .. } if *only_here || is_home => named(estate, repository, image).await,
        Wake::Sweep if is_home => {
            let after = now.checked_sub(SWEPT).ok();
            estate.images().newer_images(repository, after).await
        }
        _ => Ok(Vec::new()),
    }
}

async fn named<E: Estate>(estate: &E, repository: &str, image: &ImageRef) -> PortResult<Vec<Image>> {
    Ok(estate.images().image(repository, image).await?.into_iter().collect())
}

/// One thing that a plan wants to be read.
pub(crate) async fn known<E: Estate>(estate: &E, key: &ServiceKey, need: Need) -> Known {
    let found = match &need {
        Need::Image { repository, digest } => Found::Image(estate.images().image(repository, &ImageRef::Digest(digest.clone())).await),
        Need::Scan { repository, digest } => Found::Scan(estate.images().scan(repository, digest).await),
        Need::Answers { release, stage, approvers } => Found::Answers(estate.ledger().answers(key, release, stage, approvers).await),
        Need::Target(target) => Found::Target(estate.targets().target_now(target).await),
        Need::Blueprint { target, running, proven } => {
            Found::Blueprint(estate.targets().blueprint(target, Some(running), proven.as_deref()).await)
        }
        Need::Checks { target, body } => Found::Checks(estate.targets().checks(target, body).await),
        Need::Rollout { target, handle, to, since } => Found::Rollout(estate.targets().rollout(target, handle, to, *since).await),
        Need::Alarms(names) => Found::Alarms(estate.alarms().alarms_now(names).await),
        Need::Readers { targets, secrets } => Found::Readers(readers(estate, targets, secrets).await),
    };
    Known { need, found }
}

/// Which of these targets run a task definition that reads one of the secrets. One that does not exist reads none.
async fn readers<E: Estate>(estate: &E, targets: &[DeployTarget], secrets: &[String]) -> PortResult<Vec<DeployTarget>> {
    let blueprints = futures_util::future::join_all(targets.iter().map(|target| estate.targets().blueprint(target, None, None))).await;
    let mut readers = Vec::new();
    for (target, blueprint) in targets.iter().zip(blueprints) {
        match blueprint {
            Ok(blueprint) if secrets.iter().any(|secret| reads_secret(&blueprint.running.body, secret)) => readers.push(target.clone()),
            Ok(_) => {}
            Err(error) if error.kind == PortErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(readers)
}

/// What a release has been waiting for has come.
fn is_awaited(wake: &Wake) -> bool {
    matches!(wake, Wake::Look { because } if because == "scanned" || because == "answered")
}

/// What the next round will most likely want, should the answer that woke us be a good one: read with this round, it saves one.
pub(crate) fn foreseen(wake: &Wake, seen: &Observation, wants: &[Need], policy: &ReleasePolicy<'_>, now: Timestamp) -> Vec<Need> {
    let hopes: Vec<Known> =
        wants.iter().filter(|_| is_awaited(wake)).filter_map(|need| Some(Known { need: need.clone(), found: hoped(need, now)? })).collect();
    if hopes.is_empty() {
        return Vec::new();
    }
    let mut hoped = seen.clone();
    hoped.known.extend(hopes);
    let plan = decide(wake, &hoped, policy, now);
    plan.wants.into_iter().filter(|need| !wants.contains(need)).collect()
}

fn hoped(need: &Need, now: Timestamp) -> Option<Found> {
    match need {
        Need::Scan { .. } => Some(Found::Scan(Ok(ScanNow::Complete { at: None, findings: Vec::new() }))),
        Need::Answers { approvers, .. } => {
            let yes = || Answer { verdict: Verdict::Approve, at: now, via: String::new() };
            Some(Found::Answers(Ok(approvers.iter().map(|approver| (approver.clone(), yes())).collect())))
        }
        _ => None,
    }
}
