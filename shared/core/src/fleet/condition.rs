//! What must hold for a rule to act: a metric beyond a threshold for so long, or an alarm that exists already.
//!
//! Owns what CloudWatch can evaluate (periods, whole numbers of them); must never accept a condition that it would refuse.

use serde::{Deserialize, Serialize};

use super::amount::Seconds;
use super::metric::{Metric, Statistic};

/// What must hold for a rule to act: a metric over or under a threshold, or an alarm that exists already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "ConditionFile"))]
#[serde(try_from = "ConditionFile", into = "ConditionFile")]
pub enum Condition {
    /// A metric crosses a threshold; Nightshift makes the alarm.
    Metric(MetricCondition),
    /// An alarm that somebody else made and keeps, by name.
    ExistingAlarm(String),
}

/// A metric over or under a threshold for so long.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricCondition {
    /// Which metric.
    pub metric: Metric,
    /// How its samples become one number a period.
    pub statistic: Statistic,
    /// Above or below.
    pub comparison: Comparison,
    /// The number that is crossed, in the metric's own unit (per cent for cpu and memory, seconds for response_time).
    pub threshold: f64,
    /// For how long; a whole number of periods.
    pub over: Seconds,
    /// The length of one evaluated period.
    pub period: Seconds,
}

impl MetricCondition {
    /// How many periods in a row must cross the threshold.
    pub fn evaluation_periods(&self) -> u32 {
        (self.over.get() / self.period.get().max(1)).max(1)
    }

    /// Whether a value is on the acting side of the threshold.
    pub fn is_crossed_by(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::Above => value > self.threshold,
            Comparison::Below => value < self.threshold,
        }
    }
}

/// The acting side of a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Greater than the threshold.
    Above,
    /// Less than the threshold.
    Below,
}

/// `when` as it is written.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConditionFile {
    /// The metric to watch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metric: Option<Metric>,
    /// Instead of a metric: the name of an alarm that exists already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alarm: Option<String>,
    /// Act above this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    above: Option<f64>,
    /// Act below this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below: Option<f64>,
    /// For how long it must hold, such as 2m.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    over: Option<Seconds>,
    /// The length of one evaluated period; 1m unless written. CloudWatch takes 10s, 20s, 30s and multiples of 1m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    period: Option<Seconds>,
    /// average, sum, minimum, maximum, sample_count, or a percentile such as p95; each metric has its usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    statistic: Option<Statistic>,
}

impl TryFrom<ConditionFile> for Condition {
    type Error = String;
    fn try_from(file: ConditionFile) -> Result<Self, String> {
        let metric = match (file.metric, file.alarm) {
            (Some(metric), None) => metric,
            (None, Some(alarm)) => {
                let is_alone = file.above.is_none() && file.below.is_none() && file.over.is_none();
                let names_one = !alarm.trim().is_empty() && file.period.is_none() && file.statistic.is_none();
                return match is_alone && names_one {
                    true => Ok(Self::ExistingAlarm(alarm)),
                    false => Err("an existing alarm brings its own threshold and periods; write only alarm: <its name>".into()),
                };
            }
            (Some(_), Some(_)) => return Err("metric and alarm exclude each other; keep one of them".into()),
            (None, None) => {
                return Err("nothing to watch; write metric: cpu (or another metric), or alarm: <name of an existing alarm>".into());
            }
        };
        let (comparison, threshold) = match (file.above, file.below) {
            (Some(threshold), None) => (Comparison::Above, threshold),
            (None, Some(threshold)) => (Comparison::Below, threshold),
            (Some(_), Some(_)) => {
                return Err("above and below exclude each other; keep one of them, and write a second rule for the other".into());
            }
            (None, None) => return Err("there is no threshold; write above: 70 or below: 30".into()),
        };
        let over = file.over.ok_or("it is not said for how long it must hold; add for: 2m")?;
        let period = file.period.unwrap_or(Seconds::new(60));
        check_periods(over, period)?;
        let statistic = file.statistic.unwrap_or_else(|| metric.usual_statistic());
        Ok(Self::Metric(MetricCondition { metric, statistic, comparison, threshold, over, period }))
    }
}

/// CloudWatch's PutMetricAlarm: periods of 10, 20, 30 or a multiple of 60 seconds; all periods together at most a day
/// (a week for periods of an hour or more).
fn check_periods(over: Seconds, period: Seconds) -> Result<(), String> {
    let (total, each) = (over.get(), period.get());
    if !(matches!(each, 10 | 20 | 30) || (each >= 60 && each % 60 == 0)) {
        return Err(format!("a period of {period} is not possible in CloudWatch; write 10s, 20s, 30s or whole minutes"));
    }
    if total < each || total % each != 0 {
        return Err(format!(
            "for: {over} is not a whole number of periods of {period}; write a multiple of it, such as for: {}",
            Seconds::new(each.saturating_mul(2))
        ));
    }
    let most = if each >= 3_600 { 7 * 86_400 } else { 86_400 };
    if total > most {
        return Err(format!("for: {over} is longer than CloudWatch evaluates; write at most {}", Seconds::new(most)));
    }
    Ok(())
}

impl From<Condition> for ConditionFile {
    fn from(condition: Condition) -> Self {
        let nothing = Self { metric: None, alarm: None, above: None, below: None, over: None, period: None, statistic: None };
        match condition {
            Condition::ExistingAlarm(alarm) => Self { alarm: Some(alarm), ..nothing },
            Condition::Metric(metric) => Self {
                above: (metric.comparison == Comparison::Above).then_some(metric.threshold),
                below: (metric.comparison == Comparison::Below).then_some(metric.threshold),
                over: Some(metric.over),
                period: Some(metric.period),
                statistic: Some(metric.statistic),
                metric: Some(metric.metric),
                ..nothing
            },
        }
    }
}
