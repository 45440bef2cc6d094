//! What each rule wishes for, given its alarm and its metric as they are now.
//!
//! Growing may go ahead on thin knowledge; a rule that shrinks says no to everything that is not certain.

use jiff::SignedDuration;

use crate::alarms::alarm_for_rule;
use crate::fleet::{Action, Direction, Rule, TaskCount};
use crate::scale::decide::Situation;
use crate::scale::plan::{WakeKind, Warning};
use crate::scale::policy::{EVENT_FRESH, FLIGHT_PATIENCE, GROW_DATA_AGE, SHRINK_DATA_AGE};
use crate::scale::reason::HoldReason;
use crate::signal::AlarmState;

/// What one rule says.
pub(super) struct Verdict<'a> {
    pub rule: &'a Rule,
    pub direction: Direction,
    /// Whether the rule's alarm stands, whatever comes of it.
    pub in_alarm: bool,
    pub wish: Result<Wish, HoldReason>,
}

/// A size that a rule wishes for, other than the present one.
pub(super) struct Wish {
    pub count: TaskCount,
    pub value: Option<f64>,
    /// Whether the load was seen in the metric just now, or is vouched for by an alarm of somebody else's.
    pub is_confirmed: bool,
    pub warning: Option<Warning>,
}

/// Whether an alarm stands.
enum Standing {
    InAlarm(Option<Warning>),
    Not(HoldReason),
}

impl<'a> Situation<'a> {
    pub(super) fn verdicts(&self) -> Vec<Verdict<'a>> {
        self.policy.service.rules.iter().map(|rule| self.verdict(rule)).collect()
    }

    fn verdict(&self, rule: &'a Rule) -> Verdict<'a> {
        let direction = rule.direction();
        match self.standing(rule, direction) {
            Standing::Not(reason) => Verdict { rule, direction, in_alarm: false, wish: Err(reason) },
            Standing::InAlarm(warning) => {
                let wish = match direction {
                    Direction::Grow => self.grow_wish(rule, warning),
                    Direction::Shrink => self.shrink_wish(rule),
                };
                Verdict { rule, direction, in_alarm: true, wish }
            }
        }
    }

    fn standing(&self, rule: &Rule, direction: Direction) -> Standing {
        let alarm = || alarm_for_rule(&self.policy.key.system, &self.policy.key.service, rule);
        let alarms = match &self.seen.alarms {
            Ok(alarms) => alarms,
            Err(_) if direction == Direction::Grow && self.event_vouches_for(rule) => {
                return Standing::InAlarm(Some(Warning::WithoutAlarm { rule: rule.name.clone() }));
            }
            Err(error) => return Standing::Not(HoldReason::Unreadable { what: alarm(), kind: error.kind }),
        };
        match alarms.get(&rule.name) {
            None => Standing::Not(HoldReason::AlarmMissing { alarm: alarm() }),
            Some(now) => match now.state {
                AlarmState::Alarm => match &now.suppressed_by {
                    None => Standing::InAlarm(None),
                    Some(by) => Standing::Not(HoldReason::AlarmSuppressed { alarm: now.name.clone(), by: by.clone() }),
                },
                AlarmState::InsufficientData => Standing::Not(HoldReason::AlarmHasNoData { alarm: now.name.clone() }),
                AlarmState::Ok if self.woken_by(rule) == Some(AlarmState::Alarm) => {
                    Standing::Not(HoldReason::AlarmCleared { alarm: now.name.clone(), since: now.since })
                }
                AlarmState::Ok => Standing::Not(HoldReason::Quiet),
            },
        }
    }

    /// The state that the waking event tells of this rule's alarm, if it is about that.
    fn woken_by(&self, rule: &Rule) -> Option<AlarmState> {
        match &self.wake.kind {
            WakeKind::Alarm { rules, state, .. } if rules.contains(&rule.name) => Some(*state),
            _ => None,
        }
    }

    fn event_vouches_for(&self, rule: &Rule) -> bool {
        let WakeKind::Alarm { changed_at: Some(changed_at), .. } = &self.wake.kind else { return false };
        let age = self.now.duration_since(*changed_at);
        self.woken_by(rule) == Some(AlarmState::Alarm) && age >= -EVENT_FRESH && age <= EVENT_FRESH
    }

    fn grow_wish(&self, rule: &Rule, warning: Option<Warning>) -> Result<Wish, HoldReason> {
        let (value, is_confirmed) = match (rule.metric(), &self.seen.metrics) {
            (None, _) => (None, true),
            (Some(_), Err(_)) => (None, false),
            (Some(condition), Ok(values)) => {
                let newest = values.get(&rule.name).filter(|newest| self.age(newest.period_end) <= GROW_DATA_AGE);
                let newest = newest.ok_or_else(|| HoldReason::MetricMissing { rule: rule.name.clone() })?;
                if !condition.is_crossed_by(newest.value) {
                    return Err(metric_back(rule, newest.value, condition.threshold));
                }
                (Some(newest.value), self.age(newest.period_end) <= SHRINK_DATA_AGE)
            }
        };
        let base = self.growing_base();
        let (count, warning) = match (rule.then, value) {
            (Action::ToTarget(target), Some(value)) => (proportional(base, value, target), warning),
            (Action::ToTarget(_), None) => (plus(base, 1), Some(Warning::WithoutMetric { rule: rule.name.clone() })),
            (Action::Add(amount) | Action::Remove(amount), _) => (plus(base, amount.of(base)), warning),
        };
        if count <= self.desired {
            return Err(HoldReason::CapacityInFlight { wished: self.desired, in_service: self.target.in_service() });
        }
        Ok(Wish { count, value, is_confirmed, warning })
    }

    fn shrink_wish(&self, rule: &Rule) -> Result<Wish, HoldReason> {
        let mut value = None;
        if let Some(condition) = rule.metric() {
            let what = || format!("the metric of {}", rule.name);
            let values = self.seen.metrics.as_ref().map_err(|error| HoldReason::Unreadable { what: what(), kind: error.kind })?;
            let newest = values.get(&rule.name).ok_or_else(|| HoldReason::MetricMissing { rule: rule.name.clone() })?;
            if self.age(newest.period_end) > SHRINK_DATA_AGE {
                return Err(HoldReason::MetricOld { rule: rule.name.clone(), period_end: newest.period_end });
            }
            if !condition.is_crossed_by(newest.value) {
                return Err(metric_back(rule, newest.value, condition.threshold));
            }
            value = Some(newest.value);
        }
        let count = match (rule.then, value) {
            (Action::ToTarget(target), Some(value)) => proportional(self.desired, value, target),
            (Action::ToTarget(_), None) => self.desired,
            (Action::Add(amount) | Action::Remove(amount), _) => {
                TaskCount::saturating(u64::from(self.desired.get().saturating_sub(amount.of(self.desired))))
            }
        };
        match count < self.desired {
            true => Ok(Wish { count, value, is_confirmed: true, warning: None }),
            false if self.desired == TaskCount::saturating(0) => Err(self.at_bound(Direction::Shrink)),
            false => Err(HoldReason::Quiet),
        }
    }

    /// What growing starts from. While capacity that we asked for is still arriving, the load is measured on what works, so
    /// that is counted; what has not arrived for long is counted as wished, or one stuck task would stop all growing.
    fn growing_base(&self) -> TaskCount {
        let in_service = self.target.in_service();
        let asked_lately = self.record.as_ref().and_then(|record| record.last_grow).is_some_and(|mark| {
            let age = self.now.duration_since(mark.at);
            age < FLIGHT_PATIENCE
        });
        match in_service < self.desired && asked_lately {
            true => in_service,
            false => self.desired,
        }
    }

    fn age(&self, at: jiff::Timestamp) -> SignedDuration {
        self.now.duration_since(at)
    }
}

fn metric_back(rule: &Rule, value: f64, threshold: f64) -> HoldReason {
    HoldReason::MetricBack { rule: rule.name.clone(), value, threshold }
}

fn plus(base: TaskCount, more: u32) -> TaskCount {
    TaskCount::saturating(u64::from(base.get()) + u64::from(more))
}

/// ceil(current x metric / target), with a hair's breadth of tolerance so that 3 x 60 / 60 stays 3 in floating point.
fn proportional(current: TaskCount, value: f64, target: f64) -> TaskCount {
    let wish = (f64::from(current.get().max(1)) * value / target - 1e-9).ceil();
    TaskCount::saturating(if wish.is_finite() { wish.max(0.0) as u64 } else { u64::from(current.get()) })
}
