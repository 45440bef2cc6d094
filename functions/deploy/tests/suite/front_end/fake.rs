//! A bucket's world in memory: ledger, scheduler, CloudFront and people, each call of which is written down and may fail.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::Fleets;
use nightshift_core::ledger::{HistoryEntry, Pause};
use nightshift_core::notice::Message;
use nightshift_core::outcome::Mode;
use nightshift_core::ports::{Messenger, PortError, PortErrorKind, PortResult};
use nightshift_core::release::front_end::*;
use nightshift_core::signal::{FrontEndSignal, ObjectSignal, Signal};
use nightshift_deploy::front_end::{Desk, FrontEndEstate, Served, serve};
use nightshift_lambda::{Config, Invocation};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failure {
    /// AWS refuses; nothing happens.
    Refused(PortErrorKind),
    /// The answer is lost: it happened, and the caller is told it is unavailable.
    AnswerLost,
}

/// An invalidation that the world's CloudFront has.
#[derive(Clone, Debug)]
pub struct Invalidation {
    pub reference: String,
    pub paths: Vec<String>,
    /// Its place among all arrivals and invalidations.
    pub order: usize,
    pub completes_at: Timestamp,
}

#[derive(Default)]
pub struct World {
    pub uploads: Uploads,
    pub work: Work,
    pub pause: Option<Pause>,
    pub history: BTreeMap<(Timestamp, String), HistoryEntry>,
    /// Looks that are arranged and have not been.
    pub looks: BTreeSet<Timestamp>,
    pub looks_made: usize,
    pub invalidations: Vec<Invalidation>,
    pub told: Vec<Message>,
    /// The last time that each path was written, as its place among all arrivals and invalidations.
    pub written: BTreeMap<String, usize>,
    pub order: usize,
}

/// What happens just before the call with this number.
pub type Interference = (usize, fn(&mut World, Timestamp));

pub struct Site {
    pub world: RefCell<World>,
    pub now: Cell<Timestamp>,
    pub journal: RefCell<Vec<String>>,
    pub fail_at: Cell<Option<(usize, Failure)>>,
    pub fail_named: RefCell<Option<(&'static str, PortErrorKind)>>,
    pub die_after: Cell<Option<usize>>,
    pub meanwhile: Cell<Option<Interference>>,
    pub mode: Cell<Mode>,
    /// How long CloudFront takes.
    pub takes_seconds: Cell<i64>,
    fleets: Fleets,
}

const FLEET: &str = r#"
version: 1
system: pizza
regions: [us-east-1]
services:
  api:
    runs_on: { ecs: { cluster: pizza, service: pizza-api } }
    bounds: { min: 2, max: 6 }
front_ends:
  site: { bucket: pizza-site, prefix: live/, distribution: E2QWRUHAPOMQZL, settle: 30s }
"#;

impl Site {
    pub fn new() -> Self {
        Self {
            world: RefCell::default(),
            now: Cell::new("2026-11-20T20:00:00Z".parse().unwrap()),
            journal: RefCell::default(),
            fail_at: Cell::default(),
            fail_named: RefCell::default(),
            die_after: Cell::default(),
            meanwhile: Cell::default(),
            mode: Cell::new(Mode::Act),
            takes_seconds: Cell::new(45),
            fleets: Fleets::from_files(vec![("fleet.yaml".into(), FLEET.into())]).unwrap_or_else(|errors| panic!("{errors}")),
        }
    }

    pub fn pass(&self, seconds: i64) {
        self.now.set(self.now.get() + SignedDuration::from_secs(seconds));
    }

    pub fn calls(&self, name: &str) -> usize {
        self.journal.borrow().iter().filter(|call| call.starts_with(name)).count()
    }

    /// One invocation.
    pub async fn invoke(&self, signal: &Signal) -> Vec<Served> {
        let now = self.now.get();
        let arn = "arn:aws:lambda:us-east-1:111122223333:function:nightshift-deploy".to_owned();
        let invocation = Invocation::new("1".into(), arn, now + SignedDuration::from_secs(30), move || now);
        let config = Config {
            fleet: "/opt/fleet".into(),
            table: "ledger".into(),
            topic_arn: "arn:aws:sns:us-east-1:111122223333:people".into(),
            mode: self.mode.get(),
            schedule_group: "nightshift".into(),
            schedule_role_arn: "arn:aws:iam::111122223333:role/schedules".into(),
            region: "us-east-1".into(),
        };
        let desk = Desk { invocation: &invocation, function: "deploy", config: &config, fleets: &self.fleets, estate: self };
        serve(&desk, signal).await
    }

    pub fn run(&self, signal: &Signal) -> Vec<Served> {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(self.invoke(signal))
    }

    /// The upload of a file, as Lambda delivers it: up to twice more if the function fails.
    pub fn upload(&self, file: &str) {
        self.world.borrow_mut().write(file);
        self.deliver(&arrived(file));
    }

    fn deliver(&self, signal: &Signal) {
        for _ in 0..3 {
            if self.run(signal).iter().all(|served| served.failure.is_none()) {
                return;
            }
            self.pass(60);
        }
    }

    /// Lets the arranged looks be until there is none left; how many there were.
    pub fn settle(&self) -> usize {
        for looks in 0..200 {
            let next = self.world.borrow_mut().looks.pop_first();
            let Some(at) = next else { return looks };
            self.now.set(at.max(self.now.get()));
            self.deliver(&look());
        }
        panic!("looks without end");
    }

    /// Every path that was written is covered by an invalidation that was made after it was written.
    pub fn assert_fresh(&self, story: &str) {
        let world = self.world.borrow();
        for (path, written) in &world.written {
            let fresh = |known: &Invalidation| known.order > *written && known.paths.iter().any(|named| covers(named, path));
            assert!(world.invalidations.iter().any(fresh), "{story}: viewers keep the old {path}: {:?}", world.invalidations);
        }
        assert_eq!((&world.work.batch, &world.uploads.pending), (&None, &None), "{story}: something is left");
    }

    async fn call<T>(&self, name: &str, work: impl FnOnce(&mut World, Timestamp) -> PortResult<T>) -> PortResult<T> {
        // In a crowd, somebody else's call may come before, and after.
        tokio::task::yield_now().await;
        let index = self.journal.borrow().len();
        self.journal.borrow_mut().push(name.to_owned());
        if let Some((at, interfere)) = self.meanwhile.get()
            && at == index
        {
            interfere(&mut self.world.borrow_mut(), self.now.get());
        }
        let error = |kind| PortError::new(kind, format!("fake:{name}"), "as the test wants it");
        if let Some((named, kind)) = *self.fail_named.borrow()
            && name.starts_with(named)
        {
            return Err(error(kind));
        }
        let answer = match self.fail_at.get().filter(|(at, _)| *at == index) {
            Some((_, Failure::Refused(kind))) => Err(error(kind)),
            Some((_, Failure::AnswerLost)) => {
                work(&mut self.world.borrow_mut(), self.now.get()).and(Err(error(PortErrorKind::Unavailable)))
            }
            None => {
                let answer = work(&mut self.world.borrow_mut(), self.now.get());
                assert!(self.die_after.get() != Some(index), "the process dies here, as the test wants it");
                answer
            }
        };
        tokio::task::yield_now().await;
        answer
    }
}

impl World {
    /// A file is written into the bucket.
    pub fn write(&mut self, file: &str) {
        self.order += 1;
        self.written.insert(format!("/{file}"), self.order);
    }

    /// What the ledger does with an arrival.
    pub fn note(&mut self, paths: &BTreeSet<String>, now: Timestamp) {
        self.uploads.count += 1;
        let pending = self.uploads.pending.get_or_insert_with(|| Pending { paths: BTreeSet::new(), first: now, last: now });
        pending.paths.extend(paths.iter().cloned());
        pending.last = now;
    }
}

pub fn arrived(file: &str) -> Signal {
    Signal::Object(ObjectSignal { region: None, bucket: "pizza-site".into(), key: format!("live/{file}"), at: None })
}

pub fn look() -> Signal {
    Signal::FrontEnd(FrontEndSignal { system: "pizza".into(), front_end: "site".into(), due: None })
}

fn conflict() -> PortError {
    PortError::new(PortErrorKind::Conflict, "fake", "moved")
}

impl FrontEndLedger for Site {
    async fn note_arrival(&self, _: &FrontEndKey, stale: &Stale, _: Timestamp) -> PortResult<Uploads> {
        self.call("note_arrival", |world, now| {
            world.note(&stale.paths, now);
            Ok(world.uploads.clone())
        })
        .await
    }

    async fn note_look(&self, _: &FrontEndKey, at: Timestamp) -> PortResult<()> {
        self.call("note_look", |world, _| {
            world.uploads.look_at = Some(at);
            Ok(())
        })
        .await
    }

    async fn read_front_end(&self, _: &FrontEndKey) -> PortResult<FrontEndView> {
        self.call("read_front_end", |world, _| {
            Ok(FrontEndView { uploads: world.uploads.clone(), work: world.work.clone(), pause: world.pause.clone() })
        })
        .await
    }

    async fn store_work(&self, _: &FrontEndKey, seen_version: u64, work: &Work, takes: Option<&Takes>) -> PortResult<()> {
        self.call("store_work", |world, _| {
            let is_moved = matches!(takes, Some(Takes::Quiet { count }) if *count != world.uploads.count);
            if world.work.version != seen_version || is_moved {
                return Err(conflict());
            }
            world.work = work.clone();
            match takes {
                None => return Ok(()),
                Some(Takes::Quiet { .. }) => world.uploads.pending = None,
                Some(Takes::Overdue { paths, now }) => {
                    let rest = world.uploads.pending.take().map(|pending| Pending { first: *now, ..pending });
                    let rest = rest.map(|rest| Pending { paths: &rest.paths - paths, ..rest });
                    world.uploads.pending = rest.filter(|rest| !rest.paths.is_empty());
                }
            }
            world.uploads.look_at = None;
            Ok(())
        })
        .await
    }

    async fn append_front_end(&self, _: &FrontEndKey, entry: &HistoryEntry) -> PortResult<()> {
        self.call("append_front_end", |world, _| {
            world.history.insert((entry.at, entry.plan_id.clone()), entry.clone());
            Ok(())
        })
        .await
    }
}

impl FrontEndTimer for Site {
    async fn look_later(&self, _: &FrontEndKey, at: Timestamp, _: &str) -> PortResult<()> {
        self.call("look_later", |world, now| {
            assert!(at > now, "a look in the past is never called");
            match world.looks.insert(at) {
                true => world.looks_made += 1,
                false => return Err(conflict()),
            }
            Ok(())
        })
        .await
    }
}

impl Invalidator for Site {
    async fn invalidate(&self, _: &str, reference: &str, paths: &[String]) -> PortResult<InvalidationNow> {
        let completes_at = self.now.get() + SignedDuration::from_secs(self.takes_seconds.get());
        self.call("invalidate", |world, now| {
            let known = world.invalidations.iter().position(|known| known.reference == reference);
            let index = match known {
                Some(index) => {
                    assert_eq!(world.invalidations[index].paths, paths, "the same reference with other paths is refused by CloudFront");
                    index
                }
                None => {
                    world.order += 1;
                    let made = Invalidation { reference: reference.to_owned(), paths: paths.to_vec(), order: world.order, completes_at };
                    world.invalidations.push(made);
                    world.invalidations.len() - 1
                }
            };
            Ok(told(world, index, now))
        })
        .await
    }

    async fn invalidation(&self, made: &Made) -> PortResult<InvalidationNow> {
        let index: usize = made.invalidation.parse().unwrap();
        self.call("invalidation", |world, now| Ok(told(world, index, now))).await
    }
}

fn told(world: &World, index: usize, now: Timestamp) -> InvalidationNow {
    let is_over = world.invalidations[index].completes_at <= now;
    let status = if is_over { InvalidationStatus::Completed } else { InvalidationStatus::InProgress };
    InvalidationNow { id: index.to_string(), status }
}

impl Messenger for Site {
    async fn publish(&self, _: &str, message: &Message) -> PortResult<()> {
        self.call("publish", |world, _| {
            world.told.push(message.clone());
            Ok(())
        })
        .await
    }
}

impl FrontEndEstate for Site {
    type FrontEnds = Self;
    type Timer = Self;
    type Edges = Self;
    type Told = Self;

    fn front_ends(&self) -> &Self {
        self
    }
    fn front_end_timer(&self) -> &Self {
        self
    }
    fn edges(&self) -> &Self {
        self
    }
    fn front_end_people(&self) -> &Self {
        self
    }
}
