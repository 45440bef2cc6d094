//! One region's estate in memory: registry, services, ledger, schedules, topics. Keeps a journal of every call with the round
//! in which it went out, can fail or kill the process at call n, and watches what may be done when.

mod ports;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{ApproverName, DeployTarget, Replacement};
use nightshift_core::ledger::{HistoryEntry, Pause, ServiceKey};
use nightshift_core::notice::Message;
use nightshift_core::ports::*;
use nightshift_core::release::*;
use nightshift_core::signal::AlarmState;
use serde_json::json;

/// How call n fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failure {
    /// AWS refuses; nothing happens.
    Refused(PortErrorKind),
    /// The answer is lost: it happened, and the caller is told it is unavailable.
    AnswerLost,
    /// The process dies when the call has taken effect.
    Death,
}

/// What roll-outs of a bad image come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Fails,
    TakenBackByAws,
    Crashes,
    Hangs,
}

/// A call: its name, and how many rounds of calls went before it in its invocation.
#[derive(Clone, Debug, PartialEq)]
pub struct Called {
    pub name: String,
    pub round: u128,
}

#[derive(Clone, Debug)]
struct Rolling {
    handle: String,
    from: String,
    to: String,
    began: Timestamp,
    fate: Option<Fate>,
    taken_back: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct Target {
    pub revision: String,
    pub versions: Vec<BlueprintVersion>,
    rollouts: Vec<Rolling>,
}

/// A roll-out takes so long, and so does going back.
const ROLLS_FOR: SignedDuration = SignedDuration::from_mins(3);

#[derive(Default)]
pub struct World {
    pub books: BTreeMap<ServiceKey, Book>,
    pub pause: Option<Pause>,
    pub answers: BTreeMap<(String, String), BTreeMap<ApproverName, Answer>>,
    pub images: Vec<Image>,
    pub scans: BTreeMap<String, ScanNow>,
    pub targets: BTreeMap<String, Target>,
    pub alarms: BTreeMap<String, AlarmState>,
    pub wrong: Vec<Check>,
    pub bad: BTreeMap<String, Fate>,
    /// Whether ECS and Auto Scaling can take a roll-out back by themselves.
    pub takes_back: bool,
    pub history: Vec<(ServiceKey, HistoryEntry)>,
    pub rechecks: Vec<RecheckRequest>,
    pub told: Vec<(String, Message)>,
    pub revisions_made: BTreeMap<(String, String), u32>,
    pub roll_outs: u32,
    pub replacements: Vec<Replacement>,
    pub changes: u32,
}

pub struct Shared {
    pub region: &'static str,
    pub world: RefCell<World>,
    pub clock: Rc<Cell<Timestamp>>,
    pub outbox: Rc<RefCell<Vec<(String, Report)>>>,
    /// Regions that nobody can reach.
    pub dead: Rc<RefCell<BTreeSet<String>>>,
    pub journal: RefCell<Vec<Called>>,
    /// The nth call (from 0) fails, and so do as many after it.
    pub fail_at: Cell<Option<(usize, usize, Failure)>>,
    /// Every call whose name starts so fails.
    pub fail_named: RefCell<Option<(&'static str, PortErrorKind)>>,
    pub death: tokio::sync::Notify,
    /// When the invocation that is under way began, on the runtime's clock.
    pub began: Cell<Option<tokio::time::Instant>>,
}

/// A handle on the region's estate: the same world for every invocation, each as quick as it is.
#[derive(Clone)]
pub struct FakeEstate {
    pub shared: Rc<Shared>,
    /// How long a call takes on the runtime's clock, so that calls that go out together overlap.
    pub latency: Duration,
}

const ROUND: Duration = Duration::from_millis(1);

impl FakeEstate {
    pub fn new(
        region: &'static str,
        clock: Rc<Cell<Timestamp>>,
        outbox: Rc<RefCell<Vec<(String, Report)>>>,
        dead: Rc<RefCell<BTreeSet<String>>>,
    ) -> Self {
        let shared = Shared {
            region,
            world: RefCell::new(World { takes_back: true, ..World::default() }),
            clock,
            outbox,
            dead,
            journal: RefCell::default(),
            fail_at: Cell::default(),
            fail_named: RefCell::default(),
            death: tokio::sync::Notify::new(),
            began: Cell::default(),
        };
        Self { shared: Rc::new(shared), latency: ROUND }
    }

    pub fn world(&self) -> std::cell::RefMut<'_, World> {
        self.shared.world.borrow_mut()
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.get() + SignedDuration::try_from(nightshift_schedules::elapsed()).unwrap()
    }

    async fn call<T>(&self, name: &str, work: impl FnOnce(&mut World) -> PortResult<T>) -> PortResult<T> {
        nightshift_schedules::before(name).await;
        let answer = self.take_effect(name, work).await;
        nightshift_schedules::after(name).await;
        answer
    }

    async fn take_effect<T>(&self, name: &str, work: impl FnOnce(&mut World) -> PortResult<T>) -> PortResult<T> {
        let shared = &self.shared;
        let index = shared.journal.borrow().len();
        let began = shared.began.get().unwrap_or_else(tokio::time::Instant::now);
        let round = began.elapsed().as_millis();
        shared.journal.borrow_mut().push(Called { name: name.to_owned(), round });
        if !nightshift_schedules::is_scheduled() {
            tokio::time::sleep(self.latency).await;
        }
        let error = |kind| PortError::new(kind, format!("fake:{name}"), "as the test wants it");
        if let Some((named, kind)) = *shared.fail_named.borrow()
            && name.starts_with(named)
        {
            return Err(error(kind));
        }
        match shared.fail_at.get().filter(|(at, more, _)| (*at..=at + more).contains(&index)).map(|(.., failure)| failure) {
            // A conflict on arranging a look means that somebody has arranged this very look.
            Some(Failure::Refused(PortErrorKind::Conflict)) if name == "schedule" => work(&mut shared.world.borrow_mut()),
            Some(Failure::Refused(kind)) => Err(error(kind)),
            Some(Failure::AnswerLost) => work(&mut shared.world.borrow_mut()).and(Err(error(PortErrorKind::Unavailable))),
            Some(Failure::Death) => {
                let _ = work(&mut shared.world.borrow_mut());
                shared.death.notify_one();
                std::future::pending().await
            }
            None => work(&mut shared.world.borrow_mut()),
        }
    }
}

fn missing(what: impl Into<String>) -> PortError {
    PortError::new(PortErrorKind::NotFound, "fake", what)
}

fn conflict(what: &str) -> PortError {
    PortError::new(PortErrorKind::Conflict, "fake", what)
}

impl Target {
    fn body(&self, revision: &str) -> Option<&BlueprintVersion> {
        self.versions.iter().find(|version| version.revision == revision)
    }

    fn status(&self, rolling: &Rolling, now: Timestamp) -> RolloutStatus {
        let is_newest = self.rollouts.last().is_some_and(|newest| newest.handle == rolling.handle);
        let is_over = |since: Timestamp| now.duration_since(since) >= ROLLS_FOR;
        match (rolling.taken_back, rolling.fate) {
            (Some(since), _) if is_over(since) => RolloutStatus::RolledBack,
            (Some(_), _) => RolloutStatus::RollingBack,
            _ if !is_newest => RolloutStatus::Replaced,
            (None, Some(Fate::Hangs)) => RolloutStatus::Moving,
            _ if !is_over(rolling.began) => RolloutStatus::Moving,
            (None, Some(Fate::Fails)) => RolloutStatus::Failed,
            (None, _) => RolloutStatus::Succeeded,
        }
    }

    /// ECS's circuit breaker does its work.
    fn settle(&mut self, now: Timestamp) {
        let Some(newest) = self.rollouts.last_mut() else { return };
        let breaks = newest.fate == Some(Fate::TakenBackByAws) && newest.taken_back.is_none();
        if breaks && now.duration_since(newest.began) >= SignedDuration::from_mins(1) {
            newest.taken_back = Some(now);
            self.revision.clone_from(&newest.from);
        }
    }
}

impl World {
    fn target(&mut self, target: &DeployTarget, now: Timestamp) -> PortResult<&mut Target> {
        let found = self.targets.get_mut(&target.to_string()).ok_or_else(|| missing(target.to_string()))?;
        found.settle(now);
        Ok(found)
    }

    /// As it was before anything was done.
    pub fn forget(&mut self) {
        self.books.clear();
        self.history.clear();
        self.rechecks.clear();
        self.told.clear();
        self.revisions_made.clear();
        self.replacements.clear();
        for target in self.targets.values_mut() {
            target.versions.truncate(1);
            target.rollouts.clear();
            target.revision.clone_from(&target.versions[0].revision);
        }
    }

    /// A service or group that runs this image.
    pub fn with_target(&mut self, target: &DeployTarget, region: &str, image: &str) {
        let (revision, body) = match target {
            DeployTarget::Tasks(tasks) => {
                let name = format!("{}-{}", tasks.cluster, tasks.service);
                let secret = |name: &str| format!("arn:aws:secretsmanager:{region}:111122223333:secret:{}/{name}-AbCdEf", tasks.service);
                let body = json!({
                    "family": name,
                    "containerDefinitions": [
                        { "name": "app", "image": image, "environment": [{ "name": "PASSWORD", "value": "hunter2" }],
                          "secrets": [{ "name": "DB", "valueFrom": secret("db") }, { "name": "CACHE", "valueFrom": secret("cache") }] },
                        { "name": "logs", "image": "public.ecr.aws/logs/logs:1" },
                    ],
                });
                (format!("arn:aws:ecs:{region}:111122223333:task-definition/{name}:1"), body)
            }
            DeployTarget::Group(group) => {
                let body = json!({ "InstanceType": "t3.small", "UserData": format!("#!/bin/sh\ndocker run {image}\n") });
                (format!("lt-{group}:1"), body)
            }
        };
        let versions = vec![BlueprintVersion { revision: revision.clone(), body }];
        self.targets.insert(target.to_string(), Target { revision, versions, rollouts: Vec::new() });
    }

    /// The digest that a target is set to; none if it is not pinned.
    pub fn digest_of(&self, target: &str) -> Option<String> {
        let target = &self.targets[target];
        digest_in(&target.body(&target.revision)?.body.to_string())
    }

    pub fn count_told(&self, kind: &str) -> usize {
        self.kinds().iter().filter(|told| *told == kind).count()
    }

    /// The kinds of all messages to people, in order.
    pub fn kinds(&self) -> Vec<String> {
        self.told.iter().filter(|(topic, _)| !topic.ends_with(":chat")).map(|(_, message)| attribute(message, "kind")).collect()
    }
}

pub fn attribute(message: &Message, name: &str) -> String {
    message.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

fn digest_in(text: &str) -> Option<String> {
    let at = text.find("@sha256:")?;
    Some(text[at + 1..].chars().take(71).collect())
}
