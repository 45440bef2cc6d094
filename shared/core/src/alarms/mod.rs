//! The alarms that a fleet file means: one CloudWatch alarm for each rule on a metric.
//!
//! Owns the mapping from rules to alarms and the mark by which our alarms are known again. Pure: what exists is told to
//! `diff`, what to do about it is data. Must never claim an alarm that does not carry both our name and our mark.

mod diff;
mod metric;
mod words;

pub use diff::{AlarmChange, AlarmDiff, FieldChange, diff};
pub use metric::{MetricQuery, metric_query};
pub use words::{condition_sentence, rule_in_words};

pub use crate::fleet::{ALARM_PREFIX, alarm_for_rule, alarm_name};

use serde::{Deserialize, Serialize};

use crate::fleet::{Comparison, Direction, Fleet, Metric, MetricCondition, Rule, RuleName, Service, ServiceName, Statistic, SystemName};

/// A CloudWatch metric alarm, in the terms of PutMetricAlarm; no unit is set, so that samples of any unit count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlarmDefinition {
    /// AlarmName: `nightshift-<system>-<service>-<rule>`.
    pub name: String,
    /// AlarmDescription: the rule in words, and the mark that Nightshift made it.
    pub description: String,
    /// Namespace.
    pub namespace: String,
    /// MetricName.
    pub metric_name: String,
    /// Dimensions as (name, value).
    pub dimensions: Vec<(String, String)>,
    /// Statistic or ExtendedStatistic.
    pub statistic: AlarmStatistic,
    /// Period.
    pub period_seconds: u32,
    /// EvaluationPeriods.
    pub evaluation_periods: u32,
    /// DatapointsToAlarm; ours is always the number of evaluation periods.
    pub datapoints_to_alarm: u32,
    /// Threshold.
    pub threshold: f64,
    /// ComparisonOperator.
    pub comparison: AlarmComparison,
    /// TreatMissingData.
    pub treat_missing_data: MissingData,
    /// AlarmActions, as ARNs.
    pub alarm_actions: Vec<String>,
    /// OKActions, as ARNs.
    pub ok_actions: Vec<String>,
    /// Tags as (key, value). DescribeAlarms does not return them, so `diff` does not look at them.
    pub tags: Vec<(String, String)>,
}

/// How samples become one number, in CloudWatch's two parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmStatistic {
    /// Statistic: Average, Sum, Minimum, Maximum, SampleCount.
    Standard(String),
    /// ExtendedStatistic: p95, p99.9, tm90 and others.
    Extended(String),
}

impl AlarmStatistic {
    /// The word that CloudWatch has for it; GetMetricData's `Stat` takes both kinds.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Standard(word) | Self::Extended(word) => word,
        }
    }
}

impl From<Statistic> for AlarmStatistic {
    fn from(statistic: Statistic) -> Self {
        let standard = match statistic {
            Statistic::Average => "Average",
            Statistic::Sum => "Sum",
            Statistic::Minimum => "Minimum",
            Statistic::Maximum => "Maximum",
            Statistic::SampleCount => "SampleCount",
            Statistic::Percentile(_) => return Self::Extended(statistic.to_string()),
        };
        Self::Standard(standard.to_owned())
    }
}

macro_rules! cloudwatch_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// One that Nightshift never sets, as CloudWatch has it.
            Other(String),
        }

        impl $name {
            /// CloudWatch's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self::from(word.as_str())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }
    };
}

cloudwatch_words!(
    /// ComparisonOperator.
    AlarmComparison {
        /// Above the threshold.
        Greater = "GreaterThanThreshold",
        /// Below the threshold.
        Less = "LessThanThreshold",
    }
);

cloudwatch_words!(
    /// TreatMissingData.
    MissingData {
        /// INSUFFICIENT_DATA while nothing comes.
        Missing = "missing",
        /// No data is quiet.
        NotBreaching = "notBreaching",
        /// No data is an alarm.
        Breaching = "breaching",
        /// No data changes nothing.
        Ignore = "ignore",
    }
);

/// The alarms of a fleet file in one of its regions; both transitions are sent to `alarm_topic_arn`. Rules on existing
/// alarms make none.
pub fn alarm_definitions(fleet: &Fleet, region: &str, alarm_topic_arn: &str) -> Vec<AlarmDefinition> {
    if !fleet.regions.iter().any(|known| known == region) {
        return Vec::new();
    }
    let rules = fleet.services.iter().flat_map(|(name, service)| service.rules.iter().map(move |rule| (name, service, rule)));
    rules.filter_map(|(name, service, rule)| alarm_definition(&fleet.system, name, service, rule, alarm_topic_arn)).collect()
}

fn alarm_definition(
    system: &SystemName,
    name: &ServiceName,
    service: &Service,
    rule: &Rule,
    alarm_topic_arn: &str,
) -> Option<AlarmDefinition> {
    let (condition, query) = (rule.metric()?, metric_query(service, rule)?);
    let periods = condition.evaluation_periods();
    let tags = [("nightshift:system", system.as_str()), ("nightshift:service", name.as_str()), ("nightshift:rule", rule.name.as_str())];
    Some(AlarmDefinition {
        name: alarm_name(system, name, &rule.name),
        description: format!("{}. {}", rule_in_words(rule), mark(system, name, &rule.name)),
        namespace: query.namespace,
        metric_name: query.name,
        dimensions: query.dimensions,
        statistic: query.statistic.into(),
        period_seconds: query.period.get(),
        evaluation_periods: periods,
        datapoints_to_alarm: periods,
        threshold: condition.threshold,
        comparison: match condition.comparison {
            Comparison::Above => AlarmComparison::Greater,
            Comparison::Below => AlarmComparison::Less,
        },
        treat_missing_data: missing_data(condition, rule.direction()),
        alarm_actions: vec![alarm_topic_arn.to_owned()],
        ok_actions: vec![alarm_topic_arn.to_owned()],
        tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
    })
}

/// A load balancer publishes its counts only while there is traffic: without data there is nothing to grow for. Everything
/// else that sends no data is not known to be quiet. No rule that shrinks may ever alarm on missing data; neither does.
fn missing_data(condition: &MetricCondition, direction: Direction) -> MissingData {
    match (&condition.metric, direction) {
        (Metric::RequestCountPerTarget | Metric::ResponseTime | Metric::Http5xx, _) => MissingData::NotBreaching,
        (Metric::Cpu | Metric::Memory | Metric::QueueDepth { .. } | Metric::Cloudwatch { .. }, _) => MissingData::Missing,
    }
}

const MARK_BEFORE: &str = "Made by Nightshift from ";
const MARK_AFTER: &str = "; change the fleet file, not this alarm.";

/// The end of the description of every alarm that Nightshift makes.
fn mark(system: &SystemName, service: &ServiceName, rule: &RuleName) -> String {
    format!("{MARK_BEFORE}{system}/{service}/{rule}{MARK_AFTER}")
}

/// Whether name and mark say the same: that Nightshift made this alarm for a rule of this system.
fn is_made_by(system: &SystemName, found: &AlarmDefinition) -> bool {
    let Some((_, rest)) = found.description.rsplit_once(MARK_BEFORE) else { return false };
    let Some(path) = rest.strip_suffix(MARK_AFTER) else { return false };
    let [marked_system, service, rule] = path.split('/').collect::<Vec<&str>>()[..] else { return false };
    marked_system == system.as_str() && found.name == format!("{ALARM_PREFIX}{marked_system}-{service}-{rule}")
}
