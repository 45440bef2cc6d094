//! A small world for the decider's tests: one service with a rule that grows and one that shrinks, all quiet.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{Fleet, ServiceName, TaskCount, read::fleet_from_yaml};
use nightshift_core::ledger::{LedgerView, Mark, ServiceKey};
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::scale::*;
use nightshift_core::signal::AlarmState;

pub const FLEET: &str = r#"
version: 1
system: shop
regions: [us-east-1]
services:
  api:
    runs_on: { ecs: { cluster: shop, service: shop-api } }
    bounds: { min: 2, max: 10 }
    cooldown: { grow: 2m, shrink: 5m }
    limits:
      actions_per_hour: 6
      largest_step: 4
      freeze:
        - { why: "stocktaking", from: 2026-12-31T00:00:00Z, to: 2027-01-01T00:00:00Z }
    rules:
      - { name: cpu-high, when: { metric: cpu, above: 70, for: 2m }, then: { add: 2 } }
      - { name: requests, when: { metric: { cloudwatch: { namespace: Shop, name: Waiting } }, above: 100, for: 1m }, then: { to_target: 80 } }
      - { name: cpu-low, when: { metric: cpu, below: 30, for: 5m }, then: { remove: 1 } }
"#;

pub const ON_GROUP: &str = r#"
version: 1
system: shop
regions: [us-east-1]
services:
  api:
    runs_on:
      ecs: { cluster: shop, service: shop-api }
      asg: { group: shop-instances, bounds: { min: 2, max: 6 }, task_enis_per_instance: 2 }
    bounds: { min: 2, max: 12 }
    rules:
      - { name: cpu-high, when: { metric: cpu, above: 70, for: 2m }, then: { add: 50% } }
      - { name: cpu-low, when: { metric: cpu, below: 30, for: 5m }, then: { remove: 1 } }
"#;

pub const GROUP: &str = r#"
version: 1
system: shop
regions: [us-east-1]
services:
  api:
    runs_on: { asg: { group: shop-web } }
    bounds: { min: 2, max: 10 }
    rules:
      - { name: cpu-high, when: { metric: cpu, above: 50, for: 2m }, then: { add: 1 } }
      - { name: cpu-low, when: { metric: cpu, below: 30, for: 5m }, then: { remove: 1 } }
"#;

/// Everything that a decision takes, to be bent by a test.
#[derive(Clone, Debug)]
pub struct World {
    pub fleet: Fleet,
    pub wake: Wake,
    pub seen: Observation,
    pub now: Timestamp,
}

pub fn count(number: u32) -> TaskCount {
    TaskCount::saturating(number.into())
}

pub fn failed(kind: PortErrorKind) -> PortError {
    PortError::new(kind, "test:Call", "as the test wants it")
}

pub fn fleet(text: &str) -> Fleet {
    fleet_from_yaml("fleet.yaml", text).unwrap_or_else(|errors| panic!("{errors}"))
}

pub fn tasks(desired: u32) -> TasksNow {
    TasksNow {
        status: "ACTIVE".into(),
        desired: count(desired),
        running: count(desired),
        pending: count(0),
        deployment: None,
        task_definition: "arn:aws:ecs:us-east-1:111122223333:task-definition/shop-api:7".into(),
    }
}

pub fn group(desired: u32) -> GroupNow {
    GroupNow {
        name: "shop-web".into(),
        desired: count(desired),
        min: count(0),
        max: count(20),
        in_service: count(desired),
        refresh: None,
        other_scaler: None,
    }
}

impl World {
    /// Four tasks, nothing in alarm, woken by cpu-high's transition to ALARM.
    pub fn quiet(yaml: &str) -> Self {
        let fleet = fleet(yaml);
        let now: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
        let service = fleet.services.values().next().unwrap();
        let rules: Vec<_> = service.rules.iter().map(|rule| rule.name.clone()).collect();
        let alarm =
            |name: String| AlarmNow { name, state: AlarmState::Ok, since: Some(now - SignedDuration::from_hours(1)), suppressed_by: None };
        let alarms = rules.iter().map(|rule| (rule.clone(), alarm(format!("nightshift-shop-api-{rule}")))).collect();
        let value = MetricValue { value: 50.0, period_end: now - SignedDuration::from_secs(30) };
        let metrics: BTreeMap<_, _> = rules.iter().map(|rule| (rule.clone(), value)).collect();
        let kind = WakeKind::Alarm {
            rules: rules.first().cloned().into_iter().collect(),
            alarm: "nightshift-shop-api-cpu-high".into(),
            state: AlarmState::Alarm,
            changed_at: Some(now - SignedDuration::from_secs(20)),
        };
        let target = match &service.runs_on {
            nightshift_core::fleet::RunsOn::Tasks(_) => TargetNow::Tasks(tasks(4)),
            nightshift_core::fleet::RunsOn::Group(_) => TargetNow::Group(group(4)),
            nightshift_core::fleet::RunsOn::TasksOnGroup { .. } => {
                TargetNow::TasksOnGroup(tasks(4), GroupNow { name: "shop-instances".into(), ..group(2) })
            }
        };
        let seen = Observation {
            at: now,
            alarms: Ok(alarms),
            metrics: Ok(metrics),
            target: Ok(target),
            other_scaler: Ok(None),
            ledger: Ok(LedgerView::default()),
            instances: Ok(Vec::new()),
            placement: None,
        };
        Self { wake: Wake { key: "alarm/1".into(), kind }, fleet, seen, now }
    }

    /// The rule's alarm stands and its newest datapoint is this.
    pub fn in_alarm(mut self, rule: &str, value: f64) -> Self {
        self.alarm(rule).state = AlarmState::Alarm;
        self.metric(rule).value = value;
        self
    }

    pub fn alarm(&mut self, rule: &str) -> &mut AlarmNow {
        let alarms = self.seen.alarms.as_mut().unwrap();
        alarms.iter_mut().find(|(name, _)| name.as_str() == rule).map(|(_, alarm)| alarm).unwrap()
    }

    pub fn metric(&mut self, rule: &str) -> &mut MetricValue {
        let metrics = self.seen.metrics.as_mut().unwrap();
        metrics.iter_mut().find(|(name, _)| name.as_str() == rule).map(|(_, value)| value).unwrap()
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn tasks(&mut self) -> &mut TasksNow {
        match self.seen.target.as_mut().unwrap() {
            TargetNow::Tasks(tasks) | TargetNow::TasksOnGroup(tasks, _) => tasks,
            TargetNow::Group(_) => panic!("this world has no tasks"),
        }
    }

    pub fn group(&mut self) -> &mut GroupNow {
        match self.seen.target.as_mut().unwrap() {
            TargetNow::Group(group) | TargetNow::TasksOnGroup(_, group) => group,
            TargetNow::Tasks(_) => panic!("this world has no group"),
        }
    }

    pub fn ledger(&mut self) -> &mut LedgerView {
        self.seen.ledger.as_mut().unwrap()
    }

    pub fn grew(mut self, seconds_ago: i64) -> Self {
        let at = self.now - SignedDuration::from_secs(seconds_ago);
        self.ledger().record.last_grow = Some(Mark { at, from: count(3), to: count(4) });
        self.ledger().record.acted_at.push(at);
        self
    }

    pub fn key(&self) -> ServiceKey {
        let service: ServiceName = self.fleet.services.keys().next().unwrap().clone();
        ServiceKey { system: self.fleet.system.clone(), service }
    }

    pub fn plan(&self) -> Plan {
        let service = self.fleet.services.values().next().unwrap();
        let policy = ServicePolicy::at(self.key(), service, self.now);
        let plan = decide(&self.wake, &self.seen, &policy, self.now);
        assert_eq!(check(&plan, &self.seen, &policy, self.now), Ok(()), "the checker refuses\n{plan}");
        plan
    }
}
