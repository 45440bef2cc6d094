//! The rules of releases one by one: each on a book that stands just before it, with one look, report or step that brings it about.

mod back;
mod legs;
mod regions;
mod restarts;
mod words;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{DeployTarget, Seconds, fleet_from_yaml};
use nightshift_core::release::{
    Blueprint, BlueprintVersion, Book, BookView, Change, EndKind, Found, Gate, Image, Known, Leg, LegState, Move, Need, Observation, Plan,
    Release, ReleaseId, ReleasePolicy, RolloutId, RolloutNow, RolloutStatus, StartedBy, Step, StepDone, TargetNow, Wake, apply, decide,
};
use serde_json::json;

use super::release_world::{EAST, FLEET, World};

/// The revision that ran before, and the one that a release brings.
const OLD: &str = "web:1";
const NEW: &str = "web:2";

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn ago(count: i64) -> Timestamp {
    now() - minutes(count)
}

fn arn(secret: &str) -> String {
    format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:{secret}-AbCdEf")
}

/// The service of this name in the cluster of a stage: `staging`, or `shop` for production.
fn tasks(cluster: &str) -> DeployTarget {
    serde_json::from_value(json!({ "ecs": { "cluster": cluster, "service": "web" } })).unwrap()
}

fn group() -> DeployTarget {
    serde_json::from_value(json!({ "asg": { "group": "shop-web" } })).unwrap()
}

/// From the old revision to the new one, begun so many minutes ago.
fn moved(since: i64) -> Move {
    Move { from: OLD.into(), to: NEW.into(), handle: Some("roll-1".into()), since: ago(since) }
}

/// And back again.
fn back(since: i64) -> Move {
    Move { from: NEW.into(), to: OLD.into(), ..moved(since) }
}

fn passed(since: i64) -> LegState {
    LegState::Passed { moved: moved(since), at: ago(since - 5) }
}

fn leg(stage: &str, wave: u32, region: &str, state: LegState) -> Leg {
    Leg {
        stage: stage.to_owned().try_into().unwrap(),
        wave,
        region: region.into(),
        target: tasks(if stage == "staging" { "staging" } else { "shop" }),
        bake: Seconds::new(300),
        alarms: Vec::new(),
        state,
        revision: 3,
    }
}

/// A release of an image that nobody is asked about.
fn release(legs: Vec<Leg>) -> Release {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let uri = format!("111122223333.dkr.ecr.{EAST}.amazonaws.com/shop/web");
    let image = Image { repository: "shop/web".into(), digest, tags: vec!["v1".into()], pushed_at: ago(300), uri };
    Release {
        id: ReleaseId::new(image.pushed_at, &image.digest),
        change: Change::Image(image),
        started_by: StartedBy::Push,
        ordered_at: ago(300),
        detected_at: ago(300),
        expires_at: now() + minutes(600),
        gate: Gate::None,
        approvals: [].into(),
        legs,
        turn: None,
        unwind: None,
        end: None,
        accepts_drift: false,
        log: Vec::new(),
    }
}

/// A restart in this region for these secrets, which are named by their ARNs.
fn restart(secrets: &[&str], legs: Vec<Leg>) -> Release {
    let secrets = secrets.iter().map(|secret| arn(secret)).collect();
    let change = Change::Restart { secrets, versions: [].into() };
    Release { id: ReleaseId::new(ago(300), "restart"), change, started_by: StartedBy::Rotation, ..release(legs) }
}

fn book(active: Release) -> Book {
    Book { version: 7, active: Some(active), newest: Some(ago(300)), ..Book::default() }
}

fn target(revision: &str, newest: Option<(&str, bool)>) -> TargetNow {
    let id = |(brings, is_moving): (&str, bool)| RolloutId {
        handle: "roll-9".into(),
        revision: Some(brings.to_owned()),
        began_at: Some(ago(2)),
        is_moving,
    };
    TargetNow { revision: revision.into(), desired: 2, running: 2, newest: newest.map(id), unusable: None }
}

fn rollout(status: RolloutStatus) -> RolloutNow {
    RolloutNow { status, words: String::new(), desired: 2, running: 2, died: 0 }
}

/// A book, and what is found by whoever looks.
struct Scene {
    fleet: String,
    region: &'static str,
    book: Book,
    candidates: Vec<Image>,
    target: Result<TargetNow, nightshift_core::ports::PortError>,
    rollout: RolloutNow,
}

impl Scene {
    fn of(book: Book) -> Self {
        let (target, rollout) = (Ok(target(OLD, None)), rollout(RolloutStatus::Moving));
        Self { fleet: FLEET.to_owned(), region: EAST, book, candidates: Vec::new(), target, rollout }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn find(&self, need: &Need) -> Found {
        match need {
            Need::Image { .. } => Found::Image(Ok(None)),
            Need::Answers { .. } => Found::Answers(Ok([].into())),
            Need::Target(_) => Found::Target(self.target.clone()),
            Need::Blueprint { .. } => {
                let version = BlueprintVersion { revision: OLD.into(), body: json!({ "family": "web" }) };
                Found::Blueprint(Ok(Blueprint { running: version.clone(), latest: version, proven: None }))
            }
            Need::Rollout { .. } => Found::Rollout(Ok(self.rollout.clone())),
            Need::Readers { targets, .. } => Found::Readers(Ok(targets.clone())),
            other => panic!("nobody has {other:?} here"),
        }
    }

    /// The plan once everything is read that it wants.
    fn decides(&self, wake: &Wake) -> Plan {
        let fleet = fleet_from_yaml("fleet.yaml", &self.fleet).unwrap();
        let policy = ReleasePolicy::at(World::key(), &fleet, &fleet.services["web"], self.region, now());
        let view = BookView { book: self.book.clone(), pause: None };
        let mut seen = Observation { at: now(), book: Ok(view), candidates: Ok(self.candidates.clone()), known: Vec::new() };
        for _ in 0..9 {
            let plan = decide(wake, &seen, &policy, now());
            if plan.wants.is_empty() {
                return plan;
            }
            seen.known.extend(plan.wants.into_iter().map(|need| Known { found: self.find(&need), need }));
        }
        panic!("there is no end of reading");
    }

    fn looks(&self) -> Plan {
        self.decides(&Wake::Look { because: "event".into() })
    }

    /// The book after a look.
    fn after(&self) -> Book {
        self.looks().book.unwrap_or_else(|| self.book.clone())
    }

    /// The book after a step that was taken.
    fn takes(&self, step: &Step, done: &StepDone) -> Book {
        let fleet = fleet_from_yaml("fleet.yaml", &self.fleet).unwrap();
        let policy = ReleasePolicy::at(World::key(), &fleet, &fleet.services["web"], self.region, now());
        apply(&self.book, step, done, &policy, now()).0
    }
}

/// The release of a book, in hand or just ended.
fn told(book: &Book) -> &Release {
    book.active.as_ref().or(book.ended.first()).unwrap()
}

fn end_of(book: &Book) -> Option<(EndKind, &str)> {
    told(book).end.as_ref().map(|end| (end.kind, end.why.as_str()))
}
