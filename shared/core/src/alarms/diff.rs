//! What has to be done so that the alarms that exist are those that are wanted.
//!
//! Owns what counts as a difference; must never remove an alarm that name and mark do not both call this system's.

use std::fmt;

use super::{AlarmDefinition, is_made_by};
use crate::fleet::SystemName;

/// What to create, change, remove and leave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlarmDiff {
    /// Wanted and not there.
    pub create: Vec<AlarmDefinition>,
    /// There, but not as wanted.
    pub change: Vec<AlarmChange>,
    /// There and made by Nightshift for this system, but no longer wanted.
    pub remove: Vec<AlarmDefinition>,
    /// There as wanted.
    pub same: Vec<AlarmDefinition>,
}

/// An alarm that is not as wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmChange {
    /// As it shall be.
    pub wanted: AlarmDefinition,
    /// What differs; never empty.
    pub fields: Vec<FieldChange>,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// The field's name.
    pub field: &'static str,
    /// As it is.
    pub old: String,
    /// As it shall be.
    pub new: String,
}

impl AlarmDiff {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.create.is_empty() && self.change.is_empty() && self.remove.is_empty()
    }
}

/// Compares the alarms wanted for one system in one region with those found there; `found` may hold anybody's alarms.
pub fn diff(system: &SystemName, wanted: &[AlarmDefinition], found: &[AlarmDefinition]) -> AlarmDiff {
    let mut result = AlarmDiff::default();
    for alarm in wanted {
        match found.iter().find(|candidate| candidate.name == alarm.name) {
            None => result.create.push(alarm.clone()),
            Some(existing) => match changes(existing, alarm) {
                fields if fields.is_empty() => result.same.push(alarm.clone()),
                fields => result.change.push(AlarmChange { wanted: alarm.clone(), fields }),
            },
        }
    }
    let is_wanted = |alarm: &AlarmDefinition| wanted.iter().any(|other| other.name == alarm.name);
    result.remove = found.iter().filter(|alarm| !is_wanted(alarm) && is_made_by(system, alarm)).cloned().collect();
    result
}

/// Field by field; the order of dimensions and actions means nothing.
fn changes(old: &AlarmDefinition, new: &AlarmDefinition) -> Vec<FieldChange> {
    let texts = |alarm: &AlarmDefinition| {
        [
            ("description", alarm.description.clone()),
            ("namespace", alarm.namespace.clone()),
            ("metric", alarm.metric_name.clone()),
            ("dimensions", dimensions(alarm)),
            ("statistic", alarm.statistic.as_str().to_owned()),
            ("period", format!("{} s", alarm.period_seconds)),
            ("evaluation periods", alarm.evaluation_periods.to_string()),
            ("datapoints to alarm", alarm.datapoints_to_alarm.to_string()),
            ("threshold", alarm.threshold.to_string()),
            ("comparison", alarm.comparison.as_str().to_owned()),
            ("missing data", alarm.treat_missing_data.as_str().to_owned()),
            ("alarm actions", sorted(&alarm.alarm_actions).join(", ")),
            ("OK actions", sorted(&alarm.ok_actions).join(", ")),
        ]
    };
    let both = texts(old).into_iter().zip(texts(new));
    let differing = both.filter(|((_, old), (_, new))| old != new);
    differing.map(|((field, old), (_, new))| FieldChange { field, old, new }).collect()
}

fn sorted<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort();
    items
}

fn dimensions(alarm: &AlarmDefinition) -> String {
    let named = sorted(&alarm.dimensions).into_iter().map(|(name, value)| format!("{name}={value}"));
    named.collect::<Vec<String>>().join(", ")
}

/// The condition of an alarm in one line.
struct Line<'a>(&'a AlarmDefinition);

impl fmt::Display for Line<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alarm = self.0;
        let sign = match &alarm.comparison {
            super::AlarmComparison::Greater => ">",
            super::AlarmComparison::Less => "<",
            super::AlarmComparison::Other(word) => word,
        };
        let (metric, statistic, threshold) = (&alarm.metric_name, alarm.statistic.as_str(), alarm.threshold);
        write!(out, "{}: {} {metric} [{}]", alarm.name, alarm.namespace, dimensions(alarm))?;
        write!(out, " {statistic} {sign} {threshold} for {} x {} s", alarm.evaluation_periods, alarm.period_seconds)
    }
}

impl fmt::Display for AlarmDiff {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for alarm in &self.create {
            writeln!(out, "+ {}", Line(alarm))?;
        }
        for change in &self.change {
            writeln!(out, "~ {}", change.wanted.name)?;
            for FieldChange { field, old, new } in &change.fields {
                let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
                writeln!(out, "    {field}: {} -> {}", shown(old), shown(new))?;
            }
        }
        for alarm in &self.remove {
            writeln!(out, "- {}", Line(alarm))?;
        }
        let (create, change, remove, same) = (self.create.len(), self.change.len(), self.remove.len(), self.same.len());
        match self.is_empty() {
            true => write!(out, "nothing to do: {same} alarms are as wanted"),
            false => write!(out, "{create} to create, {change} to change, {remove} to remove, {same} as wanted"),
        }
    }
}
