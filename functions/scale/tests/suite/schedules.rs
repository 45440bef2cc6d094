//! Seeded schedules: events in any order and at once, a process that dies anywhere, calls that take their time.
//!
//! The same dice are thrown again with NIGHTSHIFT_SEED; NIGHTSHIFT_SCHEDULES multiplies how many there are.

mod concurrency;
mod crash;
mod deadline;
mod delivery;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::signal::{AlarmState, RecheckSignal};
use nightshift_lambda::{HandlerError, Invocation};
use nightshift_scale::{Deps, handle};
use nightshift_schedules::Schedule;
use serde_json::{Value, json};

use crate::fake::*;
use crate::handler::crowded;

/// What the service goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scene {
    /// Two tasks, and the alarm for more stands.
    Busy,
    /// Four tasks, and the alarm for fewer stands.
    Idle,
    /// Busy, and the instances have no room.
    Crowded,
    /// Four tasks, and no alarm stands any more.
    Quiet,
}

impl Scene {
    pub fn deps(self) -> Deps<FakeEstate> {
        let deps = match self {
            Self::Busy => busy(PIZZA),
            Self::Crowded => crowded(),
            Self::Idle | Self::Quiet => idle(PIZZA),
        };
        if self == Self::Quiet {
            calm(&deps);
        }
        deps
    }

    /// The rule whose alarm changed last.
    pub fn rule(self) -> &'static str {
        if matches!(self, Self::Busy | Self::Crowded) { "cpu-high" } else { "cpu-low" }
    }

    /// The desired counts, one after another.
    pub fn way(self) -> &'static [u32] {
        match self {
            Self::Busy | Self::Crowded => &[2, 4, 6],
            Self::Idle => &[4, 3, 2],
            Self::Quiet => &[4],
        }
    }

    /// The step from the event.
    pub fn first_step(self) -> String {
        self.way().get(1).map(|to| format!("set_desired_tasks {to}")).unwrap_or_default()
    }
}

/// No alarm stands any more.
pub fn calm(deps: &Deps<FakeEstate>) {
    let mut world = deps.estate.world.borrow_mut();
    world.alarms.values_mut().for_each(|state| *state = AlarmState::Ok);
    world.value = 50.0;
}

/// One transition in each of the shapes in which it comes.
pub fn shapes(rule: &str, state: &str, at: &str) -> [Value; 4] {
    let name = format!("nightshift-pizza-api-{rule}");
    let mut bridge = alarm_event(rule, at);
    bridge["detail"]["state"]["value"] = json!(state);
    let direct = json!({
        "source": "aws.cloudwatch", "alarmArn": format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}"),
        "accountId": "111122223333", "time": at, "region": "us-east-1",
        "alarmData": { "alarmName": name, "state": { "value": state, "timestamp": at }, "configuration": {} },
    });
    let told = json!({ "AlarmName": name, "NewStateValue": state, "StateChangeTime": at,
        "AlarmArn": format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}") });
    let sns = json!({ "Records": [{ "EventSource": "aws:sns", "EventVersion": "1.0",
        "Sns": { "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:111122223333:alarms", "Message": told.to_string() } }] });
    let queue = json!({ "Records": [{ "messageId": "m1", "eventSource": "aws:sqs", "body": bridge.to_string() }] });
    [bridge, direct, sns, queue]
}

pub fn tick() -> Value {
    json!({ "nightshift": "calendar" })
}

/// An invocation whose clock goes on while its calls take time.
pub fn ticking(deps: &Deps<FakeEstate>, schedule: &Schedule, id: usize, time_left: SignedDuration) -> Invocation {
    let start = deps.estate.now.get();
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:nightshift-scale".to_owned();
    Invocation::new(format!("request-{id}"), arn, start + time_left, schedule.clock(start))
}

/// Delivers events one after another, as time goes by, and watches what becomes of the service.
pub struct Watch<'w> {
    pub deps: &'w Deps<FakeEstate>,
    pub schedule: &'w Schedule,
    /// When the desired count became what.
    pub steps: Vec<(Timestamp, u32, u32)>,
    delivered: usize,
}

impl<'w> Watch<'w> {
    pub fn new(deps: &'w Deps<FakeEstate>, schedule: &'w Schedule) -> Self {
        Self { deps, schedule, steps: Vec::new(), delivered: 100 }
    }

    /// None if the process died.
    pub fn deliver(&mut self, event: &Value) -> Option<Result<Value, HandlerError>> {
        let Self { deps, schedule, .. } = *self;
        self.delivered += 1;
        let invocation = ticking(deps, schedule, self.delivered, SignedDuration::from_secs(30));
        let answer = schedule.block_on(schedule.alone(handle(&invocation, deps, event)));
        self.saw();
        answer
    }

    /// What was done since the last time is one step at most, and one that may be.
    pub fn saw(&mut self) {
        let (now, desired) = (self.deps.estate.now.get(), self.deps.estate.desired());
        let before = self.steps.last().map_or_else(|| if desired == 2 { 2 } else { desired }, |(_, _, to)| *to);
        assert!((2..=6).contains(&desired), "outside of the bounds: {desired}");
        if self.steps.is_empty() {
            return self.steps.push((now, desired, desired));
        }
        if desired != before {
            self.steps.push((now, before, desired));
        }
    }

    /// Growing twice has two minutes between, shrinking five (the defaults of the fleet file). They count from the decision, and
    /// its step comes that much later at most.
    pub fn kept_its_cooldowns(&self, steps_take_up_to: i64) {
        for pair in self.steps.get(1..).unwrap_or_default().windows(2) {
            let [(before, ..), (after, from, to)] = pair else { unreachable!() };
            let least = if to > from { 120 } else { 300 };
            let between = after.duration_since(*before).as_secs();
            assert!(between >= least - steps_take_up_to, "two steps within {between} s: {:?}", self.steps);
        }
    }

    /// The desired counts, one after another.
    pub fn way(&self) -> Vec<u32> {
        self.steps.iter().map(|(_, _, to)| *to).collect()
    }

    /// The looks that are arranged and due by now; the schedules delete themselves.
    pub fn due(&self) -> Vec<Value> {
        let (mut world, now) = (self.deps.estate.world.borrow_mut(), self.deps.estate.now.get());
        let due: Vec<_> = world.rechecks.extract_if(.., |request| request.at <= now).collect();
        let signal = |request: &nightshift_core::ports::RecheckRequest| RecheckSignal {
            system: request.key.system.to_string(),
            service: request.key.service.to_string(),
            attempt: request.attempt,
            due: Some(request.at),
            because: Some(request.because.clone()),
        };
        due.iter().map(|request| signal(request).to_input()).collect()
    }

    /// Arranged looks and the tick of each minute, for so many of them.
    pub fn rest(&mut self, minutes: usize) {
        for _ in 0..minutes {
            self.deps.estate.pass(60);
            for event in self.due().into_iter().chain([tick()]) {
                let answer = self.deliver(&event).expect("nobody dies any more");
                assert!(answer.is_ok(), "{event}: {answer:?}");
            }
        }
    }

    /// Nothing is left behind in the ledger.
    pub fn left_a_clean_record(&self) {
        let record = self.deps.estate.world.borrow().view.record.clone();
        assert_eq!((record.lease, record.intent), (None, None), "a lease or an intent is left");
    }
}
