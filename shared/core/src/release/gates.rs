//! What a release has to pass: its scan, and people's approval, as they are remembered.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fleet::{ApprovalRule, ApproverName, FindingSeverity};

/// The scan gate of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "gate")]
pub enum Gate {
    /// The path has none.
    None,
    /// The scan's result is awaited.
    Waiting {
        /// Since when.
        since: Timestamp,
    },
    /// There is no result, and a person is asked; the approval under [`Gate::stage`] decides.
    Asking {
        /// Why there is no result.
        why: String,
    },
    /// Passed.
    Passed {
        /// When.
        at: Timestamp,
        /// What the scan found, in words.
        summary: String,
    },
}

impl Gate {
    /// Whether the image may go on.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::None | Self::Passed { .. })
    }

    /// The name under which the question about a missing scan result stands among the approvals: no stage may have it.
    pub const SCAN: &str = "scan";
}

/// A question to people, and their answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// Who may answer, how many must, for how long it stands.
    pub rule: ApprovalRule,
    /// When it was asked; none while the messages may not have gone out.
    pub asked_at: Option<Timestamp>,
    /// Until when it stands.
    pub expires_at: Timestamp,
    /// The revision that ran where the stage begins when people were asked, if it could be read.
    #[serde(default)]
    pub running: Option<String>,
    /// The answers.
    pub answers: BTreeMap<ApproverName, Answer>,
    /// When enough had agreed.
    pub granted_at: Option<Timestamp>,
}

/// One approver's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether the approver agrees.
    pub verdict: Verdict,
    /// When.
    pub at: Timestamp,
    /// How: `page` or `command line`, with the caller's address or identity where it is known.
    pub via: String,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes.
    Approve,
    /// No.
    Reject,
}

/// How many findings of each severity a scan has, without those that are allowed.
pub type FindingCounts = BTreeMap<FindingSeverity, u32>;

/// A scan as ECR or Inspector tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "scan")]
pub enum ScanNow {
    /// There is a result.
    Complete {
        /// When it was completed.
        at: Option<Timestamp>,
        /// The findings by name; a name twice (two packages) is two findings.
        findings: Vec<Finding>,
    },
    /// It runs, or has not begun.
    Pending {
        /// ECR's word.
        status: String,
    },
    /// There will be none.
    Failed {
        /// ECR's words.
        why: String,
    },
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its name, such as CVE-2026-12345.
    pub name: String,
    /// How bad it is.
    pub severity: FindingSeverity,
}
