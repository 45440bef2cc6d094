//! How many decisions one core makes in a second: a service with two rules, one of them in ALARM, all parts of the
//! observation readable. Prints the number; `tests/bench/bench.py` reads it.
//!
//! Run: cargo run --release -p nightshift-core --example decisions

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{Fleets, RuleName, TaskCount};
use nightshift_core::ledger::{LedgerView, Mark, ServiceKey, ServiceRecord};
use nightshift_core::scale::{
    AlarmNow, Decision, MetricValue, Observation, ServicePolicy, TargetNow, TasksNow, Wake, WakeKind, check, decide,
};
use nightshift_core::signal::AlarmState;

const FLEET: &str = "
version: 1
system: bench
regions: [us-east-1]
services:
  api:
    runs_on: { ecs: { cluster: bench, service: bench-api } }
    bounds: { min: 2, max: 10 }
    rules:
      - { name: cpu-high, when: { metric: cpu, above: 70, for: 5m }, then: { to_target: 60 } }
      - { name: cpu-low, when: { metric: cpu, below: 30, for: 5m }, then: { remove: 1 } }
";
const MEASURED_FOR: Duration = Duration::from_secs(2);
const BETWEEN_LOOKS_AT_THE_CLOCK: u32 = 1_000;

type AnyError = Box<dyn std::error::Error>;

#[allow(clippy::print_stdout, reason = "printing the figure is what this program is for")]
fn main() -> Result<(), AnyError> {
    let now: Timestamp = "2026-03-02T03:00:30Z".parse()?;
    let fleets = Fleets::from_files(vec![("bench.yaml".to_owned(), FLEET.to_owned())])?;
    let (fleet, name, service) = fleets.service("bench", "api").ok_or("the fleet file has no bench/api")?;
    let key = ServiceKey { system: fleet.system.clone(), service: name.clone() };
    let policy = ServicePolicy::at(key, service, now);
    let wake = wake(now)?;
    let seen = observation(now)?;

    let plan = decide(&wake, &seen, &policy, now);
    if plan.decision != Decision::Grow || check(&plan, &seen, &policy, now).is_err() {
        return Err(format!("this is no decision to grow, so another job would be measured:\n{plan}").into());
    }
    let (mut count, began) = (0_u32, Instant::now());
    while began.elapsed() < MEASURED_FOR {
        for _ in 0..BETWEEN_LOOKS_AT_THE_CLOCK {
            let plan = decide(black_box(&wake), black_box(&seen), black_box(&policy), black_box(now));
            drop(black_box(check(&plan, &seen, &policy, now)));
            drop(black_box(plan));
        }
        count += BETWEEN_LOOKS_AT_THE_CLOCK;
    }
    println!("{:.0} decisions a second", f64::from(count) / began.elapsed().as_secs_f64());
    Ok(())
}

fn wake(now: Timestamp) -> Result<Wake, AnyError> {
    let kind = WakeKind::Alarm {
        rules: vec![rule("cpu-high")?],
        alarm: "nightshift-bench-api-cpu-high".to_owned(),
        state: AlarmState::Alarm,
        changed_at: Some(before(now, 20)?),
    };
    Ok(Wake { key: "alarm/nightshift-bench-api-cpu-high/2026-03-02T03:00:10Z".to_owned(), kind })
}

fn observation(now: Timestamp) -> Result<Observation, AnyError> {
    let alarm = |state: AlarmState, rule: &str| AlarmNow {
        name: format!("nightshift-bench-api-{rule}"),
        state,
        since: Some(now),
        suppressed_by: None,
    };
    let value = MetricValue { value: 83.2, period_end: before(now, 30)? };
    let (high, low) = (rule("cpu-high")?, rule("cpu-low")?);
    let grown = Mark { at: before(now, 1_200)?, from: TaskCount::new(3)?, to: TaskCount::new(4)? };
    let record = ServiceRecord { version: 41, last_grow: Some(grown), acted_at: vec![grown.at], ..ServiceRecord::default() };
    let tasks = TasksNow {
        status: "ACTIVE".to_owned(),
        desired: TaskCount::new(4)?,
        running: TaskCount::new(4)?,
        pending: TaskCount::new(0)?,
        deployment: None,
        task_definition: "arn:aws:ecs:us-east-1:111122223333:task-definition/bench:7".to_owned(),
    };
    Ok(Observation {
        at: now,
        alarms: Ok(BTreeMap::from([(high.clone(), alarm(AlarmState::Alarm, "cpu-high")), (low.clone(), alarm(AlarmState::Ok, "cpu-low"))])),
        metrics: Ok(BTreeMap::from([(high, value), (low, value)])),
        target: Ok(TargetNow::Tasks(tasks)),
        other_scaler: Ok(None),
        ledger: Ok(LedgerView { record, ..LedgerView::default() }),
        instances: Ok(Vec::new()),
        placement: None,
    })
}

fn rule(name: &str) -> Result<RuleName, AnyError> {
    Ok(RuleName::try_from(name.to_owned())?)
}

fn before(now: Timestamp, seconds: i64) -> Result<Timestamp, AnyError> {
    Ok(now.checked_sub(SignedDuration::from_secs(seconds))?)
}
