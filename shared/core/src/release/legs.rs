//! One target in one region, and where it stands on its way.
//!
//! A leg belongs to its region: only that region changes its state, and counts the changes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fleet::{DeployTarget, Seconds, StageName};

/// One target in one region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// The stage.
    pub stage: StageName,
    /// The wave's number in its stage, from 0.
    pub wave: u32,
    /// The region.
    pub region: String,
    /// What is changed there.
    pub target: DeployTarget,
    /// How long it is watched.
    pub bake: Seconds,
    /// The alarms that must be quiet.
    #[serde(default)]
    pub alarms: Vec<String>,
    /// Where it stands.
    pub state: LegState,
    /// Counts the changes of `state` by the leg's own region: the higher one is newer.
    #[serde(default)]
    pub revision: u32,
}

/// Where a leg stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum LegState {
    /// Its turn has not come, or something is awaited.
    Waiting,
    /// The new revision is about to be made.
    Preparing {
        /// The revision that runs.
        from: String,
        /// Since when.
        since: Timestamp,
    },
    /// The new revision is there and about to be rolled out.
    Starting(Move),
    /// ECS or Auto Scaling rolls.
    Rolling(Move),
    /// It runs, and is watched.
    Baking {
        /// What moved.
        #[serde(flatten)]
        moved: Move,
        /// Until when.
        until: Timestamp,
    },
    /// Proven.
    Passed {
        /// What moved.
        #[serde(flatten)]
        moved: Move,
        /// When.
        at: Timestamp,
    },
    /// The target already ran this image.
    AlreadyThere {
        /// The revision that runs.
        running: String,
        /// When.
        at: Timestamp,
    },
    /// About to go back, or going back.
    RollingBack {
        /// From the new revision (`from`) to the old one (`to`).
        #[serde(flatten)]
        moved: Move,
        /// Whether ECS or Auto Scaling was told, or did so by itself.
        is_begun: bool,
        /// Why.
        why: String,
    },
    /// Gone back.
    RolledBack {
        /// From the new revision to the old one.
        #[serde(flatten)]
        moved: Move,
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
    },
    /// Given up, as it is.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
    },
    /// Its region was not heard of in time; the others went on.
    Skipped {
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
    },
}

/// From one revision to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The revision before: a task definition's ARN, or `<launch template id>:<version>`.
    pub from: String,
    /// The revision after.
    pub to: String,
    /// The deployment or instance refresh that does it, once it is known.
    #[serde(default)]
    pub handle: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

impl LegState {
    /// Whether the next wave may go.
    pub fn is_past(&self) -> bool {
        matches!(self, Self::Passed { .. } | Self::AlreadyThere { .. } | Self::Skipped { .. })
    }

    /// Whether something is under way there.
    pub fn is_moving(&self) -> bool {
        matches!(self, Self::Preparing { .. } | Self::Starting(_) | Self::Rolling(_) | Self::Baking { .. } | Self::RollingBack { .. })
    }

    /// What was moved and could go back.
    pub fn moved(&self) -> Option<&Move> {
        match self {
            Self::Starting(moved) | Self::Rolling(moved) | Self::Baking { moved, .. } | Self::Passed { moved, .. } => Some(moved),
            _ => None,
        }
    }

    /// Since when it is on its way, as far as it is.
    pub fn since(&self) -> Option<Timestamp> {
        match self {
            Self::Preparing { since, .. } => Some(*since),
            Self::Starting(moved) | Self::Rolling(moved) | Self::Baking { moved, .. } | Self::RollingBack { moved, .. } => {
                Some(moved.since)
            }
            _ => None,
        }
    }

    /// The state in a word or two.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Preparing { .. } => "preparing",
            Self::Starting(_) => "starting",
            Self::Rolling(_) => "rolling",
            Self::Baking { .. } => "baking",
            Self::Passed { .. } => "passed",
            Self::AlreadyThere { .. } => "already there",
            Self::RollingBack { .. } => "rolling back",
            Self::RolledBack { .. } => "rolled back",
            Self::Failed { .. } => "failed",
            Self::Skipped { .. } => "skipped",
        }
    }
}

/// `family:7` of a task definition's ARN; a launch template's version as it is.
pub fn revision_name(revision: &str) -> &str {
    revision.rsplit_once('/').map_or(revision, |(_, name)| name)
}
