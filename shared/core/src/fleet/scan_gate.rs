//! The scan gate: what the scan of an image may find for the image to pass.
//!
//! Field documentation here becomes the JSON schema's, so it speaks to the person who writes the file. Owns shapes;
//! counting findings against them is the release's.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::amount::Seconds;
use super::limits::needed_instant;

/// What the image's scan may find.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ScanGate {
    /// The most findings of each severity. A severity that is not named may have any number, so whoever limits one also limits
    /// those that are worse; `undefined` stands apart.
    #[cfg_attr(
        feature = "schema",
        schemars(extend("propertyNames" = { "enum": ["critical", "high", "medium", "low", "informational", "undefined"] }))
    )]
    pub most: BTreeMap<FindingSeverity, u32>,
    /// Findings that are known and do not count, each until a day.
    #[serde(default)]
    pub allow: Vec<AllowedFinding>,
    /// How long a scan may take before it counts as late; at least 10 s.
    #[serde(default = "usual_patience")]
    pub patience: Seconds,
    /// What to do when the scan has failed, is late, or the image cannot be scanned.
    #[serde(default)]
    pub without_result: WithoutResult,
}

/// ECR's basic scan takes seconds to a few minutes; Inspector's first scan of an image up to a quarter of an hour.
fn usual_patience() -> Seconds {
    Seconds::new(15 * 60)
}

/// A severity as ECR and Inspector name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FindingSeverity {
    /// CRITICAL.
    Critical,
    /// HIGH.
    High,
    /// MEDIUM.
    Medium,
    /// LOW.
    Low,
    /// INFORMATIONAL.
    Informational,
    /// UNDEFINED (basic scan) and UNTRIAGED (Inspector).
    Undefined,
}

impl FindingSeverity {
    /// The severities that can be compared, the worst first; UNDEFINED says that nobody knows.
    pub const WORST_FIRST: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Informational];

    /// The severity of AWS's word; words that are new count as undefined.
    pub fn from_aws(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "CRITICAL" => Self::Critical,
            "HIGH" => Self::High,
            "MEDIUM" => Self::Medium,
            "LOW" => Self::Low,
            "INFORMATIONAL" => Self::Informational,
            _ => Self::Undefined,
        }
    }

    /// The word in fleet files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Informational => "informational",
            Self::Undefined => "undefined",
        }
    }
}

impl fmt::Display for FindingSeverity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A finding that is known and does not count for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AllowedFinding {
    /// Its name as the scan reports it, such as CVE-2026-12345; named once.
    pub cve: String,
    /// Until this instant, such as 2026-12-31T00:00:00Z; it counts again from then on.
    #[serde(deserialize_with = "needed_instant")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub until: Timestamp,
    /// Why it does not count; it is shown with the release.
    pub why: String,
}

/// What to do without a scan result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WithoutResult {
    /// Go on waiting until the release expires.
    Wait,
    /// Refuse the release.
    #[default]
    Refuse,
    /// Ask the approvers of the first stage that has any.
    Ask,
}
