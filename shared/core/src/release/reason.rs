//! Why nothing more is done for a release now: typed, with the figures in it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ports::PortErrorKind;
use crate::scale::clock;

/// Why nothing more is done now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Hold {
    /// There is no release to be made.
    Quiet,
    /// Another invocation acts on the service.
    Leased {
        /// Until when at most.
        until: Timestamp,
    },
    /// A person has paused it.
    Paused {
        /// Who.
        by: String,
        /// Why.
        why: String,
        /// Until when.
        until: Timestamp,
    },
    /// A freeze window holds.
    Frozen {
        /// Why.
        why: String,
        /// Until when.
        until: Timestamp,
    },
    /// The pushed image has no tag that counts.
    TagDoesNotCount {
        /// Its tags.
        tags: Vec<String>,
    },
    /// A newer image, or this one, was taken up already.
    NotNewer {
        /// The image that came.
        image: String,
        /// When it was pushed.
        pushed_at: Timestamp,
        /// The time of the newest that was taken up.
        newest: Timestamp,
    },
    /// The image that was named is not in the repository.
    NoSuchImage {
        /// Which.
        image: String,
    },
    /// A release is in hand; the new one waits for its end.
    AnotherInHand {
        /// Which.
        release: String,
    },
    /// The release that a person named is not known, or cannot be stopped any more.
    NotStoppable {
        /// Why.
        why: String,
    },
    /// Pushes are taken up in the path's first region.
    OtherRegionBegins {
        /// Which.
        region: String,
    },
    /// The scan's result is awaited.
    WaitingForScan {
        /// ECR's word for it.
        status: String,
    },
    /// People are asked.
    WaitingForApproval {
        /// The stage, or `scan`.
        stage: String,
        /// Until when.
        until: Timestamp,
    },
    /// The image has not been replicated to this region yet.
    WaitingForImage,
    /// Another region's turn.
    WaitingForRegion {
        /// Which.
        regions: Vec<String>,
    },
    /// Somebody else's deployment goes on.
    OtherRollout {
        /// Which.
        handle: String,
    },
    /// An alarm of the path is in ALARM before anything has begun.
    AlarmBefore {
        /// Which.
        alarm: String,
    },
    /// The roll-out goes on.
    Rolling {
        /// In words.
        words: String,
    },
    /// The new revision is watched.
    Baking {
        /// Until when.
        until: Timestamp,
    },
    /// It goes back.
    RollingBack,
    /// Rotated secrets settle before their readers are started anew.
    Settling {
        /// Until when.
        until: Timestamp,
    },
    /// Something could not be read.
    Unreadable {
        /// What.
        what: String,
        /// How.
        kind: PortErrorKind,
        /// What AWS said.
        message: String,
    },
}

impl Hold {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Leased { .. } => "leased",
            Self::Paused { .. } => "paused",
            Self::Frozen { .. } => "frozen",
            Self::TagDoesNotCount { .. } => "tag_does_not_count",
            Self::NotNewer { .. } => "not_newer",
            Self::NoSuchImage { .. } => "no_such_image",
            Self::AnotherInHand { .. } => "another_in_hand",
            Self::NotStoppable { .. } => "not_stoppable",
            Self::OtherRegionBegins { .. } => "other_region_begins",
            Self::WaitingForScan { .. } => "waiting_for_scan",
            Self::WaitingForApproval { .. } => "waiting_for_approval",
            Self::WaitingForImage => "waiting_for_image",
            Self::WaitingForRegion { .. } => "waiting_for_region",
            Self::OtherRollout { .. } => "other_rollout",
            Self::AlarmBefore { .. } => "alarm_before",
            Self::Rolling { .. } => "rolling",
            Self::Baking { .. } => "baking",
            Self::RollingBack => "rolling_back",
            Self::Settling { .. } => "settling",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// Whether it is a matter for people: told once, until something changes.
    pub fn is_worth_telling(&self) -> bool {
        match self {
            Self::Paused { .. } | Self::Frozen { .. } | Self::AlarmBefore { .. } | Self::OtherRollout { .. } => true,
            Self::Unreadable { kind, .. } => !kind.may_pass(),
            _ => false,
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quiet => out.write_str("there is no release to be made"),
            Self::Leased { until } => write!(out, "another invocation acts on the service, until {} at most", clock(*until)),
            Self::Paused { by, why, until } => write!(out, "paused by {by} until {} ({why})", clock(*until)),
            Self::Frozen { why, until } => write!(out, "frozen until {} ({why})", clock(*until)),
            Self::TagDoesNotCount { tags } if tags.is_empty() => {
                out.write_str("the image was pushed without a tag, as parts of multi-architecture images are")
            }
            Self::TagDoesNotCount { tags } => write!(out, "no tag of the image counts on this path: {}", tags.join(", ")),
            Self::NotNewer { image, pushed_at, newest } => {
                write!(out, "{image} was pushed at {} and an image of {} was taken up already", clock(*pushed_at), clock(*newest))
            }
            Self::NoSuchImage { image } => write!(out, "there is no image {image} in the repository"),
            Self::AnotherInHand { release } => write!(out, "release {release} is in hand; this one waits for its end"),
            Self::NotStoppable { why } => out.write_str(why),
            Self::OtherRegionBegins { region } => write!(out, "a push is taken up in {region}, where the path begins"),
            Self::WaitingForScan { status } => write!(out, "waiting for the image's scan ({status})"),
            Self::WaitingForApproval { stage, until } => write!(out, "waiting for approval of {stage}, until {}", clock(*until)),
            Self::WaitingForImage => out.write_str("waiting for the image to be replicated to this region"),
            Self::WaitingForRegion { regions } => write!(out, "waiting for {}", regions.join(", ")),
            Self::OtherRollout { handle } => write!(out, "somebody else's deployment is under way ({handle})"),
            Self::AlarmBefore { alarm } => write!(out, "alarm {alarm} is in ALARM; nothing is begun until it is quiet"),
            Self::Rolling { words } if words.is_empty() => out.write_str("rolling"),
            Self::Rolling { words } => write!(out, "rolling: {words}"),
            Self::Baking { until } => write!(out, "running and watched until {}", clock(*until)),
            Self::RollingBack => out.write_str("going back"),
            Self::Settling { until } => write!(out, "waiting until {} for further rotations", clock(*until)),
            Self::Unreadable { what, kind, message } => write!(out, "{what} could not be read: {kind} ({message})"),
        }
    }
}
