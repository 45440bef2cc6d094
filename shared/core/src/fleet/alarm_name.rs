//! The names of alarms: which one a rule stands on, and whose an alarm is.
//!
//! Everything that starts with our prefix is ours to make, change and remove, so no existing alarm may be named like that.

use super::condition::Condition;
use super::names::{RuleName, ServiceName, SystemName};
use super::rule::Rule;

/// What the name of every alarm that Nightshift makes begins with.
pub const ALARM_PREFIX: &str = "nightshift-";

/// The name of the alarm that Nightshift makes for a rule: `nightshift-<system>-<service>-<rule>`.
pub fn alarm_name(system: &SystemName, service: &ServiceName, rule: &RuleName) -> String {
    format!("{ALARM_PREFIX}{system}-{service}-{rule}")
}

/// The alarm that a rule stands on: the existing one that it names, else the one that Nightshift makes for it.
pub fn alarm_for_rule(system: &SystemName, service: &ServiceName, rule: &Rule) -> String {
    match &rule.when {
        Condition::ExistingAlarm(name) => name.clone(),
        Condition::Metric(_) => alarm_name(system, service, &rule.name),
    }
}

/// Whether a rule stands on the alarm of this name; the same as comparing with `alarm_for_rule`, without building the name.
pub(super) fn is_alarm_of(name: &str, system: &SystemName, service: &ServiceName, rule: &Rule) -> bool {
    match &rule.when {
        Condition::ExistingAlarm(existing) => existing == name,
        Condition::Metric(_) => {
            let rest = name.strip_prefix(ALARM_PREFIX).and_then(|rest| rest.strip_prefix(system.as_str()));
            let rest = rest.and_then(|rest| rest.strip_prefix('-')).and_then(|rest| rest.strip_prefix(service.as_str()));
            rest.and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| rest == rule.name.as_str())
        }
    }
}
