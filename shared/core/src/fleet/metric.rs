//! The metrics that a rule can watch and how their samples become one number.
//!
//! Which CloudWatch metric each of them is stands in `alarms`; this module knows only what people write.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A metric that a rule can watch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Metric {
    /// CPU of the service's tasks, or of the group's instances, in per cent.
    Cpu,
    /// Memory of the service's tasks, or of the group's instances (CloudWatch agent), in per cent.
    Memory,
    /// Requests a target gets in one period.
    RequestCountPerTarget,
    /// Response time of the targets in seconds.
    ResponseTime,
    /// Answers of the targets with a status of 500 to 599, counted.
    #[serde(rename = "http_5xx")]
    Http5xx,
    /// Messages that wait in an SQS queue, by the queue's name.
    QueueDepth {
        /// The queue's name.
        queue: String,
    },
    /// Any CloudWatch metric.
    Cloudwatch {
        /// Its namespace, such as AWS/SQS.
        namespace: String,
        /// Its name.
        name: String,
        /// Its dimensions, by name.
        #[serde(default)]
        dimensions: BTreeMap<String, String>,
    },
}

impl Metric {
    /// The statistic that the metric is usually read with.
    pub fn usual_statistic(&self) -> Statistic {
        match self {
            Self::Cpu | Self::Memory | Self::ResponseTime | Self::Cloudwatch { .. } => Statistic::Average,
            Self::RequestCountPerTarget | Self::Http5xx => Statistic::Sum,
            Self::QueueDepth { .. } => Statistic::Maximum,
        }
    }

    /// Whether the metric is measured by the load balancer.
    pub fn needs_load_balancer(&self) -> bool {
        matches!(self, Self::RequestCountPerTarget | Self::ResponseTime | Self::Http5xx)
    }
}

/// How samples become one number a period.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("pattern" = r"^(average|sum|minimum|maximum|sample_count|p[0-9]{1,3}(\.[0-9])?)$")))]
#[serde(try_from = "String", into = "String")]
pub enum Statistic {
    /// The mean.
    Average,
    /// The total.
    Sum,
    /// The least.
    Minimum,
    /// The greatest.
    Maximum,
    /// How many samples.
    SampleCount,
    /// A percentile, in tenths of a per cent: 950 is p95, 999 is p99.9.
    Percentile(u16),
}

impl TryFrom<String> for Statistic {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "average" => return Ok(Self::Average),
            "sum" => return Ok(Self::Sum),
            "minimum" => return Ok(Self::Minimum),
            "maximum" => return Ok(Self::Maximum),
            "sample_count" => return Ok(Self::SampleCount),
            _ => {}
        }
        percentile_tenths(&text).map(Self::Percentile).ok_or_else(|| {
            format!("\"{text}\" is no statistic; write average, sum, minimum, maximum, sample_count, or a percentile such as p95 or p99.9")
        })
    }
}

/// CloudWatch takes p0.0 to p100; we keep one decimal, more would be rounded silently.
fn percentile_tenths(text: &str) -> Option<u16> {
    let number = text.strip_prefix('p')?;
    let (whole, tenth) = number.split_once('.').unwrap_or((number, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.chars().all(|digit| digit.is_ascii_digit());
    if !are_digits(whole) || !are_digits(tenth) || whole.len() > 3 || tenth.len() != 1 {
        return None;
    }
    let tenths = whole.parse::<u16>().ok()? * 10 + tenth.parse::<u16>().ok()?;
    (tenths <= 1000).then_some(tenths)
}

impl From<Statistic> for String {
    fn from(statistic: Statistic) -> Self {
        statistic.to_string()
    }
}

impl fmt::Display for Statistic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Average => out.write_str("average"),
            Self::Sum => out.write_str("sum"),
            Self::Minimum => out.write_str("minimum"),
            Self::Maximum => out.write_str("maximum"),
            Self::SampleCount => out.write_str("sample_count"),
            Self::Percentile(tenths) if tenths % 10 == 0 => write!(out, "p{}", tenths / 10),
            Self::Percentile(tenths) => write!(out, "p{}.{}", tenths / 10, tenths % 10),
        }
    }
}
