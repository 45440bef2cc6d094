//! What is to be done for a service's releases: at most one step at a time, the book as it is to be written before it, what
//! people are told, and when to look again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::{Book, Report};
use super::{Hold, Need, ReleaseId};
use crate::fleet::{ApprovalRule, DeployTarget, Replacement};
use crate::ledger::ServiceKey;
use crate::notice::Severity;

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Deterministic: the same service, book and step have the same id.
    pub id: String,
    /// Which service.
    pub key: ServiceKey,
    /// The book as it is to be before the step is taken; none if it stays as it was read.
    pub book: Option<Book>,
    /// What is to be read before this is final: read it, add it to the observation, decide again. There is no step then.
    pub wants: Vec<Need>,
    /// What is to be done.
    pub step: Option<Step>,
    /// Why nothing more is done now.
    pub holds: Vec<Hold>,
    /// What has come about and is told.
    pub notes: Vec<Note>,
    /// When to look again.
    pub look_again_at: Option<Timestamp>,
}

/// One effect. Safe to repeat: what it would do is looked for first, or AWS takes a token for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// Makes a new task definition revision or launch template version.
    MakeRevision {
        /// For which target.
        target: DeployTarget,
        /// The revision that it is a copy of.
        from: String,
        /// Its whole content.
        body: Value,
        /// Names it for AWS and in its description.
        release: ReleaseId,
    },
    /// Has the target move to a revision.
    RollOut {
        /// Which target.
        target: DeployTarget,
        /// The revision that was seen; the step is not taken if it is another by then.
        seen: String,
        /// The revision that it is to have.
        to: String,
        /// How instances are replaced.
        replacement: Replacement,
    },
    /// Has ECS or Auto Scaling itself take a roll-out back that is under way.
    TakeBack {
        /// Which target.
        target: DeployTarget,
        /// The deployment or instance refresh.
        handle: String,
        /// The revision that it goes back to.
        to: String,
    },
    /// Sends the question, and to each approver a link and a code.
    Ask {
        /// The release.
        release: ReleaseId,
        /// Its digest.
        digest: String,
        /// The stage, or [`Gate::SCAN`](super::Gate::SCAN).
        stage: String,
        /// Who is asked.
        rule: ApprovalRule,
        /// Until when the question stands.
        expires_at: Timestamp,
    },
    /// Tells other regions.
    Tell {
        /// Which.
        regions: Vec<String>,
        /// What.
        report: Box<Report>,
    },
}

impl Step {
    /// The step as a stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MakeRevision { .. } => "make_revision",
            Self::RollOut { .. } => "roll_out",
            Self::TakeBack { .. } => "take_back",
            Self::Ask { .. } => "ask",
            Self::Tell { .. } => "tell_regions",
        }
    }

    /// Whether it changes something that runs, and so is not taken while observing.
    pub fn changes_estate(&self) -> bool {
        matches!(self, Self::MakeRevision { .. } | Self::RollOut { .. } | Self::TakeBack { .. })
    }
}

/// What a step that was taken brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepDone {
    /// The revision that was made.
    Made {
        /// The task definition's ARN, or `<launch template id>:<version>`.
        revision: String,
    },
    /// The roll-out began.
    Begun {
        /// Its deployment or instance refresh.
        handle: Option<String>,
    },
    /// AWS cannot do this here; another way is to be taken (for [`Step::TakeBack`] only).
    NotPossible,
    /// The question went out.
    Asked,
    /// These regions have been told.
    Told {
        /// Which.
        regions: Vec<String>,
    },
}

/// Something that people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The release.
    pub release: ReleaseId,
    /// What came about, as a stable code: `detected`, `refused`, `rolling`, `passed`, `done`, …
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// The headline: at most 70 ASCII characters, without system and service.
    pub headline: String,
    /// The whole, in plain lines.
    pub text: String,
}
