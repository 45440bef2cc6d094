//! An estate in memory: alarms, one service, a ledger, schedules and topics. Keeps a journal of every call and can fail at
//! call n, with any kind of error, before or after the call has taken effect.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::alarms::MetricQuery;
use nightshift_core::fleet::{EcsService, Fleets, TaskCount};
use nightshift_core::ledger::{HistoryEntry, LedgerView, ServiceKey, ServiceRecord};
use nightshift_core::notice::Message;
use nightshift_core::outcome::Mode;
use nightshift_core::ports::*;
use nightshift_core::scale::*;
use nightshift_core::signal::AlarmState;
use nightshift_lambda::{Config, Invocation};
use nightshift_scale::{Deps, Estate};

/// How call n fails.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failure {
    /// AWS refuses; nothing happens.
    Refused(PortErrorKind),
    /// The answer is lost: it happened, and the caller is told it is unavailable.
    AnswerLost,
}

#[derive(Default)]
pub struct World {
    pub alarms: BTreeMap<String, AlarmState>,
    pub value: f64,
    pub value_age_seconds: i64,
    pub tasks: Option<TasksNow>,
    pub group: Option<GroupNow>,
    pub need: TaskNeed,
    pub rooms: Vec<InstanceRoom>,
    pub view: LedgerView,
    pub history: Vec<HistoryEntry>,
    pub rechecks: Vec<RecheckRequest>,
    pub told: Vec<(String, Message)>,
}

/// What somebody else does to the world, just before the call whose name starts so.
pub type Interference = (&'static str, fn(&mut World));

pub struct FakeEstate {
    pub world: RefCell<World>,
    pub now: Cell<Timestamp>,
    pub journal: RefCell<Vec<String>>,
    /// The nth call (from 0) fails.
    pub fail_at: Cell<Option<(usize, Failure)>>,
    /// The process dies right after the nth call has taken effect.
    pub die_after: Cell<Option<usize>>,
    /// Every call whose name starts so fails.
    pub fail_named: RefCell<Option<(&'static str, PortErrorKind)>>,
    /// Done to the world just before the call with this name: somebody else is at work.
    pub meanwhile: RefCell<Option<Interference>>,
}

impl FakeEstate {
    async fn call<T>(&self, name: &str, work: impl FnOnce(&mut World) -> PortResult<T>) -> PortResult<T> {
        nightshift_schedules::before(name).await;
        let answer = self.take_effect(name, work);
        nightshift_schedules::after(name).await;
        answer
    }

    fn take_effect<T>(&self, name: &str, work: impl FnOnce(&mut World) -> PortResult<T>) -> PortResult<T> {
        let index = self.journal.borrow().len();
        self.journal.borrow_mut().push(name.to_owned());
        let interference = self.meanwhile.borrow_mut().take_if(|(when, _)| name.starts_with(*when));
        if let Some((_, interfere)) = interference {
            interfere(&mut self.world.borrow_mut());
        }
        let error = |kind| PortError::new(kind, format!("fake:{name}"), "as the test wants it");
        if let Some((named, kind)) = *self.fail_named.borrow()
            && name.starts_with(named)
        {
            return Err(error(kind));
        }
        match self.fail_at.get().filter(|(at, _)| *at == index) {
            Some((_, Failure::Refused(kind))) => Err(error(kind)),
            Some((_, Failure::AnswerLost)) => work(&mut self.world.borrow_mut()).and(Err(error(PortErrorKind::Unavailable))),
            None => {
                let answer = work(&mut self.world.borrow_mut());
                assert!(self.die_after.get() != Some(index), "the process dies here, as the test wants it");
                answer
            }
        }
    }
}

fn missing(what: &str) -> PortError {
    PortError::new(PortErrorKind::NotFound, "fake", what)
}

impl AlarmReader for FakeEstate {
    async fn alarms_now(&self, names: &[String]) -> PortResult<Vec<AlarmNow>> {
        self.call("alarms_now", |world| {
            let now = |name: &String| {
                world.alarms.get(name).map(|state| AlarmNow { name: name.clone(), state: *state, since: None, suppressed_by: None })
            };
            Ok(names.iter().filter_map(now).collect())
        })
        .await
    }

    async fn newest_values(&self, queries: &[MetricQuery], now: Timestamp) -> PortResult<Vec<Option<MetricValue>>> {
        self.call("newest_values", |world| {
            let value = MetricValue { value: world.value, period_end: now - SignedDuration::from_secs(world.value_age_seconds) };
            Ok(queries.iter().map(|_| Some(value)).collect())
        })
        .await
    }
}

impl TaskReader for FakeEstate {
    async fn tasks_now(&self, _: &EcsService) -> PortResult<TasksNow> {
        self.call("tasks_now", |world| world.tasks.clone().ok_or_else(|| missing("service"))).await
    }

    async fn task_need(&self, _: &str) -> PortResult<TaskNeed> {
        self.call("task_need", |world| Ok(world.need.clone())).await
    }

    async fn instances(&self, _: &str) -> PortResult<Vec<String>> {
        self.call("instances", |world| Ok((0..world.rooms.len()).map(|index| format!("instance-{index}")).collect())).await
    }

    async fn instance_rooms(&self, _: &str, instances: &[String]) -> PortResult<Vec<InstanceRoom>> {
        self.call("instance_rooms", |world| Ok(world.rooms.iter().take(instances.len()).cloned().collect())).await
    }

    async fn other_scaler(&self, _: &EcsService) -> PortResult<Option<OtherScaler>> {
        self.call("other_scaler", |_| Ok(None)).await
    }
}

impl TaskScaler for FakeEstate {
    async fn set_desired_tasks(&self, _: &EcsService, to: TaskCount) -> PortResult<()> {
        self.call(&format!("set_desired_tasks {to}"), |world| {
            let tasks = world.tasks.as_mut().ok_or_else(|| missing("service"))?;
            tasks.desired = to;
            tasks.running = to;
            Ok(())
        })
        .await
    }
}

impl GroupReader for FakeEstate {
    async fn group_now(&self, _: &str) -> PortResult<GroupNow> {
        self.call("group_now", |world| world.group.clone().ok_or_else(|| missing("group"))).await
    }
}

impl GroupScaler for FakeEstate {
    async fn set_group_capacity(&self, _: &str, to: TaskCount) -> PortResult<()> {
        self.call(&format!("set_group_capacity {to}"), |world| {
            let group = world.group.as_mut().ok_or_else(|| missing("group"))?;
            group.desired = to;
            group.in_service = to;
            Ok(())
        })
        .await
    }
}

impl Ledger for FakeEstate {
    async fn read(&self, _: &ServiceKey) -> PortResult<LedgerView> {
        self.call("ledger read", |world| Ok(world.view.clone())).await
    }

    async fn store(&self, _: &ServiceKey, seen_version: u64, record: &ServiceRecord) -> PortResult<()> {
        self.call("ledger store", |world| {
            if world.view.record.version != seen_version {
                return Err(PortError::new(PortErrorKind::Conflict, "fake", "another version"));
            }
            world.view.record = record.clone();
            Ok(())
        })
        .await
    }

    async fn append(&self, _: &ServiceKey, entry: &HistoryEntry) -> PortResult<()> {
        self.call("ledger append", |world| {
            world.history.push(entry.clone());
            Ok(())
        })
        .await
    }
}

impl RecheckScheduler for FakeEstate {
    async fn schedule(&self, request: &RecheckRequest, _: &str) -> PortResult<()> {
        self.call("schedule", |world| {
            if world.rechecks.iter().any(|known| known.key == request.key && known.token == request.token) {
                return Err(PortError::new(PortErrorKind::Conflict, "fake", "arranged already"));
            }
            world.rechecks.push(request.clone());
            Ok(())
        })
        .await
    }
}

impl Messenger for FakeEstate {
    async fn publish(&self, topic_arn: &str, message: &Message) -> PortResult<()> {
        self.call("publish", |world| {
            world.told.push((topic_arn.to_owned(), message.clone()));
            Ok(())
        })
        .await
    }
}

impl Estate for FakeEstate {
    type Alarms = Self;
    type Tasks = Self;
    type Groups = Self;
    type Memory = Self;
    type Rechecks = Self;
    type People = Self;

    fn alarms(&self) -> &Self {
        self
    }
    fn tasks(&self) -> &Self {
        self
    }
    fn groups(&self) -> &Self {
        self
    }
    fn ledger(&self) -> &Self {
        self
    }
    fn rechecks(&self) -> &Self {
        self
    }
    fn people(&self) -> &Self {
        self
    }
}

pub const PIZZA: &str = r#"
version: 1
system: pizza
regions: [us-east-1]
services:
  api:
    runs_on: { ecs: { cluster: pizza, service: pizza-api } }
    bounds: { min: 2, max: 6 }
    rules:
      - { name: cpu-high, when: { metric: cpu, above: 70, for: 5m }, then: { add: 2 } }
      - { name: cpu-low, when: { metric: cpu, below: 30, for: 10m }, then: { remove: 1 } }
"#;

pub fn count(number: u32) -> TaskCount {
    TaskCount::saturating(number.into())
}

/// Two tasks of pizza/api, cpu-high in ALARM at 91 %.
pub fn busy_world() -> World {
    let tasks = TasksNow {
        status: "ACTIVE".into(),
        desired: count(2),
        running: count(2),
        pending: count(0),
        deployment: None,
        task_definition: "pizza-api:3".into(),
    };
    let alarms = [("nightshift-pizza-api-cpu-high", AlarmState::Alarm), ("nightshift-pizza-api-cpu-low", AlarmState::Ok)];
    World {
        alarms: alarms.map(|(name, state)| (name.to_owned(), state)).into(),
        value: 91.0,
        value_age_seconds: 40,
        tasks: Some(tasks),
        ..World::default()
    }
}

/// That world, in mode `act`.
pub fn busy(yaml: &str) -> Deps<FakeEstate> {
    let estate = FakeEstate {
        world: RefCell::new(busy_world()),
        now: Cell::new("2026-11-20T14:00:00Z".parse().unwrap()),
        journal: RefCell::default(),
        fail_at: Cell::default(),
        die_after: Cell::default(),
        fail_named: RefCell::default(),
        meanwhile: RefCell::default(),
    };
    let config = Config {
        fleet: "/opt/fleet".into(),
        table: "nightshift-ledger".into(),
        topic_arn: "arn:aws:sns:us-east-1:111122223333:people".into(),
        mode: Mode::Act,
        schedule_group: "nightshift".into(),
        schedule_role_arn: "arn:aws:iam::111122223333:role/schedules".into(),
        region: "us-east-1".into(),
    };
    let fleets = Fleets::from_files(vec![("fleet.yaml".into(), yaml.to_owned())]).unwrap_or_else(|errors| panic!("{errors}"));
    Deps { function: "scale".into(), config, fleets, estate }
}

/// The same world once low: four tasks at 12 %, cpu-low in ALARM.
pub fn idle_world() -> World {
    let mut world = busy_world();
    world.alarms.insert("nightshift-pizza-api-cpu-high".into(), AlarmState::Ok);
    world.alarms.insert("nightshift-pizza-api-cpu-low".into(), AlarmState::Alarm);
    world.value = 12.0;
    let tasks = world.tasks.as_mut().unwrap();
    tasks.desired = count(4);
    tasks.running = count(4);
    world
}

/// That world, in mode `act`.
pub fn idle(yaml: &str) -> Deps<FakeEstate> {
    let deps = busy(yaml);
    *deps.estate.world.borrow_mut() = idle_world();
    deps
}

/// An invocation with thirty seconds to go.
pub fn invocation(deps: &Deps<FakeEstate>, id: &str) -> Invocation {
    with_time_left(deps, id, 30)
}

pub fn with_time_left(deps: &Deps<FakeEstate>, id: &str, seconds: i64) -> Invocation {
    let now = deps.estate.now.get();
    let deadline = now + SignedDuration::from_secs(seconds);
    Invocation::new(id.to_owned(), "arn:aws:lambda:us-east-1:111122223333:function:nightshift-scale".into(), deadline, move || now)
}

/// The event of an alarm's transition.
pub fn alarm_event(rule: &str, changed_at: &str) -> serde_json::Value {
    serde_json::json!({
        "version": "0", "id": "0a1b", "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change",
        "account": "111122223333", "region": "us-east-1", "time": changed_at,
        "detail": {
            "alarmName": format!("nightshift-pizza-api-{rule}"),
            "state": { "value": "ALARM", "timestamp": changed_at, "reason": "Threshold Crossed" },
            "previousState": { "value": "OK" },
        },
    })
}

pub fn recheck_event(attempt: u32) -> serde_json::Value {
    serde_json::json!({ "nightshift": "recheck", "system": "pizza", "service": "api", "attempt": attempt, "because": "rule", "due": format!("2026-11-20T14:0{attempt}:00Z") })
}

impl FakeEstate {
    pub fn desired(&self) -> u32 {
        self.world.borrow().tasks.as_ref().unwrap().desired.get()
    }

    /// The calls whose names start so, since the beginning.
    pub fn calls(&self, name: &str) -> usize {
        self.journal.borrow().iter().filter(|call| call.starts_with(name)).count()
    }

    pub fn pass(&self, seconds: i64) {
        self.now.set(self.now.get() + SignedDuration::from_secs(seconds));
    }
}
