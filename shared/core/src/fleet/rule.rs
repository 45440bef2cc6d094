//! A scale rule: when something holds for so long, do this.
//!
//! Field documentation here becomes the JSON schema's, so it speaks to the person who writes the file.

use serde::{Deserialize, Serialize};

use super::amount::Amount;
use super::condition::{Comparison, Condition, MetricCondition};
use super::names::RuleName;

/// When something holds for so long, do this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The rule's name, unique in its service; part of the alarm's name.
    pub name: RuleName,
    /// What must hold.
    pub when: Condition,
    /// What to do then.
    pub then: Action,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Add so many, or so many per cent.
    Add(Amount),
    /// Remove so many, or so many per cent.
    Remove(Amount),
    /// Proportional: ceil(current x metric / target), so that the metric comes to the target.
    ToTarget(f64),
}

impl Rule {
    /// Whether the rule adds or removes.
    pub fn direction(&self) -> Direction {
        match (&self.then, &self.when) {
            (Action::Add(_), _) => Direction::Grow,
            (Action::Remove(_), _) => Direction::Shrink,
            (Action::ToTarget(_), Condition::Metric(metric)) if metric.comparison == Comparison::Below => Direction::Shrink,
            (Action::ToTarget(_), _) => Direction::Grow,
        }
    }

    /// The metric condition, unless the rule stands on an existing alarm.
    pub fn metric(&self) -> Option<&MetricCondition> {
        match &self.when {
            Condition::Metric(metric) => Some(metric),
            Condition::ExistingAlarm(_) => None,
        }
    }
}

/// Which way a rule or a plan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More.
    Grow,
    /// Fewer.
    Shrink,
}
