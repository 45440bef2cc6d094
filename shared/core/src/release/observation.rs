//! What a decision on a release looks at, and what it needs to be read. Each part is a reading of its own: an outage is
//! never taken for "nothing there".

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::gates::{Answer, ScanNow};
use super::image::{Image, ImageRef};
use super::record::{BookView, Report};
use crate::fleet::{ApproverName, DeployTarget};
use crate::ports::PortError;
use crate::scale::{AlarmNow, Reading};

/// What woke the function, as far as one service is concerned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "wake")]
pub enum Wake {
    /// An image was pushed to the service's repository.
    Pushed {
        /// Which.
        image: ImageRef,
        /// Under which tag, if the push had one.
        tag: Option<String>,
    },
    /// A person asks for a release.
    Deploy {
        /// Which image.
        image: ImageRef,
        /// Who.
        by: String,
        /// When it was asked.
        at: Timestamp,
        /// Whether a task definition changed by hand is taken over.
        accepts_drift: bool,
        /// Whether the other regions are left out.
        only_here: bool,
    },
    /// A person ends or undoes a release.
    Stop {
        /// Which; a command that names none does nothing.
        release: Option<String>,
        /// What becomes of what was changed already.
        how: StopHow,
        /// Who.
        by: String,
        /// Why.
        why: String,
    },
    /// Another region tells of a release.
    Reported {
        /// What.
        report: Box<Report>,
    },
    /// A secret was rotated.
    Rotated {
        /// Its name or ARN.
        secret: String,
        /// The version that is current now, if it was told.
        #[serde(default)]
        version: Option<String>,
        /// Since when.
        at: Option<Timestamp>,
    },
    /// Something may have changed: a scan, a deployment, an answer, an arranged look.
    Look {
        /// What called, as a stable code.
        because: String,
    },
    /// The sweep, which also looks for pushes whose event never came.
    Sweep,
}

impl Wake {
    /// What called, for people.
    pub fn in_words(&self) -> &'static str {
        match self {
            Self::Pushed { .. } => "a push",
            Self::Deploy { .. } => "a release by hand",
            Self::Stop { .. } => "a command to end a release",
            Self::Reported { .. } => "another region's report",
            Self::Rotated { .. } => "a rotated secret",
            Self::Look { .. } => "a look",
            Self::Sweep => "the sweep",
        }
    }
}

/// What becomes of what a release has changed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopHow {
    /// What is under way goes back; what has passed stays.
    Abort,
    /// Everything goes back.
    RollBack,
}

/// Everything that the decision looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When reading began.
    pub at: Timestamp,
    /// What is remembered.
    pub book: Reading<BookView>,
    /// Images that may become a release: the pushed one, the one asked for, or the newest of the repository.
    pub candidates: Reading<Vec<Image>>,
    /// What was read because an earlier plan of the same invocation wanted it, since the last step.
    pub known: Vec<Known>,
}

/// Something that was wanted, and what was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// What was wanted.
    pub need: Need,
    /// What was found.
    pub found: Found,
}

/// What was found for a [`Need`] of the same name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The image in this region; none inside if it is not there.
    Image(Reading<Option<Image>>),
    /// Its scan.
    Scan(Reading<ScanNow>),
    /// The answers to the question, by approver.
    Answers(Reading<BTreeMap<ApproverName, Answer>>),
    /// The target.
    Target(Reading<TargetNow>),
    /// What the target's tasks or instances are made from.
    Blueprint(Reading<Blueprint>),
    /// Whether everything is there that the new revision will need.
    Checks(Vec<Check>),
    /// The roll-out.
    Rollout(Reading<RolloutNow>),
    /// The alarms that exist.
    Alarms(Reading<Vec<AlarmNow>>),
    /// Which of the targets read one of the secrets.
    Readers(Reading<Vec<DeployTarget>>),
}

/// What is to be read for a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// The image in this region.
    Image {
        /// The repository.
        repository: String,
        /// The digest.
        digest: String,
    },
    /// The image's scan.
    Scan {
        /// The repository.
        repository: String,
        /// The digest.
        digest: String,
    },
    /// The answers to a question.
    Answers {
        /// The release.
        release: super::ReleaseId,
        /// The stage, or [`Gate::SCAN`](super::Gate::SCAN).
        stage: String,
        /// Who may answer.
        approvers: Vec<ApproverName>,
    },
    /// The target as it is now.
    Target(DeployTarget),
    /// What the target is made from, with the last proven revision for comparison.
    Blueprint {
        /// The target.
        target: DeployTarget,
        /// The revision that it has.
        running: String,
        /// The last proven revision.
        proven: Option<String>,
    },
    /// Whether what a new revision names is there.
    Checks {
        /// The target.
        target: DeployTarget,
        /// The new revision's content.
        body: Value,
    },
    /// A roll-out.
    Rollout {
        /// The target.
        target: DeployTarget,
        /// Its deployment or instance refresh.
        handle: String,
        /// The revision that it brings.
        to: String,
        /// When it began: deaths of tasks before that do not count.
        since: Timestamp,
    },
    /// Alarms.
    Alarms(Vec<String>),
    /// Which of these targets read one of these secrets.
    Readers {
        /// The targets.
        targets: Vec<DeployTarget>,
        /// The secrets.
        secrets: Vec<String>,
    },
}

/// A target as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetNow {
    /// The revision that it is set to: a task definition's ARN, or `<launch template id>:<version>`.
    pub revision: String,
    /// How many tasks or instances are wanted.
    pub desired: u32,
    /// How many run and are healthy.
    pub running: u32,
    /// The newest deployment or instance refresh, if there is any.
    pub newest: Option<RolloutId>,
    /// Why Nightshift cannot deploy to it at all (CodeDeploy or something else has it), if so.
    pub unusable: Option<String>,
}

/// A deployment or an instance refresh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutId {
    /// Its id.
    pub handle: String,
    /// The revision that it brings, if it is told.
    pub revision: Option<String>,
    /// When it began.
    pub began_at: Option<Timestamp>,
    /// Whether it still goes on.
    pub is_moving: bool,
}

/// A roll-out as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolloutNow {
    /// How far it is.
    pub status: RolloutStatus,
    /// What ECS or Auto Scaling says of it, in words; may be empty.
    pub words: String,
    /// How many tasks or instances are wanted.
    pub desired: u32,
    /// How many of the new revision run and are healthy.
    pub running: u32,
    /// How many tasks of the new revision died after they had started.
    pub died: u32,
}

/// How far a roll-out is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutStatus {
    /// It goes on.
    Moving,
    /// ECS or Auto Scaling calls it successful.
    Succeeded,
    /// It has failed and nothing takes it back by itself.
    Failed,
    /// ECS or Auto Scaling takes it back by itself.
    RollingBack,
    /// ECS or Auto Scaling has taken it back by itself.
    RolledBack,
    /// Somebody stopped it, or put something else in its place.
    Replaced,
}

/// What a target's tasks or instances are made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blueprint {
    /// What runs.
    pub running: BlueprintVersion,
    /// The newest of the same family or template: perhaps the one that is wanted, made just before a crash.
    pub latest: BlueprintVersion,
    /// The last one that was proven, if it is another one than what runs and still exists.
    pub proven: Option<BlueprintVersion>,
}

/// One revision of a task definition, or one version of a launch template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlueprintVersion {
    /// The task definition's ARN, or `<launch template id>:<version>`.
    pub revision: String,
    /// A task definition as RegisterTaskDefinition takes it, with `tags`; or a launch template's data, its UserData decoded.
    pub body: Value,
}

/// One thing that was looked at before acting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What, such as `secret shop/db`.
    pub what: String,
    /// How it stands.
    pub result: CheckResult,
}

/// How one thing stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// As it should be.
    Fine,
    /// Not as it should be, and what to do.
    Wrong(String),
    /// It could not be seen.
    Unreadable(PortError),
}
