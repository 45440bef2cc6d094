//! Seeded schedules: steps, looks and sweeps in any order and at once, a process that dies among calls, and calls that take their
//! time. That a process dies at every call of every step is in `crash`.
//!
//! The same dice are thrown again with NIGHTSHIFT_SEED; NIGHTSHIFT_SCHEDULES multiplies how many there are.

mod concurrency;
mod crash;
mod deadline;
mod delivery;

use jiff::SignedDuration;
use nightshift_core::rotation::StepName;
use nightshift_lambda::Invocation;
use nightshift_rotate::handle;
use nightshift_schedules::Schedule;
use serde_json::{Value, json};

use crate::aws::arn;
use crate::town::*;

/// The kinds that are rotated without a person.
pub const ROTATED: [&str; 6] = [SINGLE, TURNS, REDIS, TOKEN, USER, KEYS];
/// The calls that change something.
pub const STEPS: [&str; 8] = ["put", "make_current", "drop_pending", "set_password", "set_twin", "set_passwords", "set_token", "set_user"];

pub fn step(name: &str, token: &str, step: StepName) -> Value {
    json!({ "Step": step.as_str(), "SecretId": arn(name), "ClientRequestToken": token })
}

pub fn look(name: &str) -> Value {
    json!({ "nightshift": "rotation", "system": "shop", "secret": name })
}

pub fn sweep() -> Value {
    json!({ "nightshift": "secrets" })
}

/// An invocation whose clock goes on while its calls take time.
pub fn ticking(town: &FakeTown, schedule: &Schedule, time_left: SignedDuration) -> Invocation {
    let (start, arn) = (town.now(), "arn:aws:lambda:us-east-1:111122223333:function:rotate".to_owned());
    Invocation::new("request".into(), arn, start + time_left, schedule.clock(start))
}

/// One invocation; none if the process died.
pub fn deliver(town: &FakeTown, schedule: &Schedule, event: &Value) -> Option<Came> {
    let invocation = ticking(town, schedule, SignedDuration::from_secs(120));
    let came = schedule.block_on(schedule.alone(handle(&invocation, &town.deps, event)))?;
    Some(came_of(came))
}

pub fn came_of(came: Result<Value, nightshift_lambda::HandlerError>) -> Came {
    came.map_or_else(Came::Failed, Came::Answered)
}

/// A town before its first rotation or after one, whose readers hold what is current.
pub fn town(schedule: &Schedule, name: &str) -> FakeTown {
    let mut town = FakeTown::new();
    if schedule.chance(50) {
        schedule.block_on(crate::contract::all_the_way(&mut town, name));
        town.pass_minutes(60);
    }
    town.held.insert(name.to_owned(), town.value(name, "AWSCURRENT").unwrap());
    town
}

/// What must be true at every instant, and stay true.
pub struct Watch {
    name: &'static str,
    /// The version that is being made, and its value once it has one.
    token: String,
    value: Option<String>,
    before: String,
}

impl Watch {
    pub fn new(town: &FakeTown, name: &'static str, token: &str) -> Self {
        Self { name, token: token.to_owned(), value: None, before: town.current_version(name) }
    }

    pub fn check(&mut self, town: &FakeTown, schedule: &Schedule, case: &str) {
        schedule.block_on(town.check(self.name, case));
        let current = town.current_version(self.name);
        assert!(current == self.before || current == self.token, "{case}: {current} is current");
        let value = town.memory().secrets[self.name].versions.get(&self.token).and_then(|version| version.value.clone());
        assert!(self.value.is_none() || value == self.value, "{case}: the new version's value changed");
        let logs_in = |value: &String| self.name == KEYS || schedule.block_on(town.is_good(self.name, value));
        assert!(current == self.before || value.as_ref().is_some_and(logs_in), "{case}: what is current logs in nowhere");
        self.value = value;
    }

    /// The new version is current and logs in, the one before it is remembered, and nothing is under way.
    pub fn has_ended_well(&self, town: &FakeTown, schedule: &Schedule) {
        let name = self.name;
        assert!(!town.is_unfinished(name), "{name}: stuck");
        assert_eq!(town.current_version(name), self.token, "{name}: the new version is not current");
        let previous = town.memory().secrets[name].staged("AWSPREVIOUS").map(|(version, _)| version.clone());
        assert_eq!(previous.as_ref(), Some(&self.before), "{name}");
        let value = town.value(name, "AWSCURRENT").unwrap();
        assert!(name == KEYS || schedule.block_on(town.is_good(name, &value)), "{name}: the new value is not good");
        assert!(town.memory().woken.contains(&(arn(name), self.token.clone())), "{name}: the readers were not told");
    }
}

/// Secrets Manager has given up; our own looks go on each hour.
pub fn hours(town: &FakeTown, schedule: &Schedule, watch: &mut Watch, count: usize) {
    for _ in 0..count {
        town.pass_minutes(61);
        deliver(town, schedule, &sweep()).expect("nobody dies any more");
        watch.check(town, schedule, "an hour later");
    }
}
