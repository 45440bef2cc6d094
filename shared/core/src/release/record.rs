//! What the ledger knows of a service's releases: the book, the release in hand with its legs, what was proven, what ended.
//!
//! Pure values. A leg belongs to its region: only that region moves it, everybody else hears of it by report. The book is
//! written whole against the version that was read, so two invocations never both win.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::aside::Aside;
use super::gates::{Approval, Gate};
use super::handed::{Handed, Rotated};
use super::image::{Image, short_digest};
use super::legs::Leg;
use crate::fleet::StageName;
use crate::ledger::{Lease, Pause};

/// A release's name within its service: the order in time and the digest, such as 20261120t203000z-1a2b3c4d5e6f.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseId(String);

impl ReleaseId {
    /// The id of what became due at `at`.
    pub fn new(at: Timestamp, what: &str) -> Self {
        Self(format!("{}-{}", at.strftime("%Y%m%dt%H%M%Sz"), short_digest(what)))
    }

    /// An id as it was written down.
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Everything that the ledger remembers of one service's releases in one region.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    /// Counts writes; 0 is "never written".
    pub version: u64,
    /// Who acts on the service now.
    #[serde(default)]
    pub lease: Option<Lease>,
    /// The one release in hand.
    #[serde(default)]
    pub active: Option<Release>,
    /// The one that was in hand, while readers of a rotated secret are started anew first.
    #[serde(default)]
    pub aside: Option<Aside>,
    /// The newest that waits for its turn.
    #[serde(default)]
    pub next: Option<Release>,
    /// Rotated secrets whose readers wait to be started anew.
    #[serde(default)]
    pub rotated: Option<Rotated>,
    /// What became of each rotated secret that is read here, by its ARN where that was told, else by its name.
    #[serde(default)]
    pub handed: BTreeMap<String, Handed>,
    /// The time of the newest image that was ever taken up: what is older comes too late.
    #[serde(default)]
    pub newest: Option<Timestamp>,
    /// The last revision that was proven healthy, by target.
    #[serde(default)]
    pub proven: BTreeMap<String, Proven>,
    /// Releases that have ended, the newest first; at most [`ENDED_KEPT`].
    #[serde(default)]
    pub ended: Vec<Release>,
    /// Regions that have not heard yet of what changed here.
    #[serde(default)]
    pub unheard: BTreeMap<String, BTreeSet<ReleaseId>>,
    /// What people were told last about why nothing is done; told once, until something changes.
    #[serde(default)]
    pub told: Option<String>,
    /// The next arranged look.
    #[serde(default)]
    pub recheck_at: Option<Timestamp>,
}

/// How many ended releases the book keeps; each has about 2 KB, an item of DynamoDB 400 KB at most.
pub const ENDED_KEPT: usize = 10;

impl Book {
    /// The lease that holds now.
    pub fn leased(&self, now: Timestamp) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| lease.until > now)
    }

    /// Every release that is remembered: in hand, put aside, waiting for its turn, ended.
    pub fn releases(&self) -> impl Iterator<Item = &Release> {
        let aside = self.aside.iter().map(|aside| &aside.release);
        self.active.iter().chain(aside).chain(&self.next).chain(&self.ended)
    }

    /// A release by its id.
    pub fn release(&self, id: &ReleaseId) -> Option<&Release> {
        self.releases().find(|release| release.id == *id)
    }
}

/// The book with what else the ledger says about the service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BookView {
    /// The book; the default one if there is none yet.
    pub book: Book,
    /// A pause that holds for the service, its system or everything.
    pub pause: Option<Pause>,
}

/// A revision that ran without complaint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proven {
    /// The task definition's ARN, or `<launch template id>:<version>`.
    pub revision: String,
    /// The release that brought it.
    pub release: ReleaseId,
    /// When it was proven.
    pub at: Timestamp,
}

/// One release: a change on its way through the legs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// Its id.
    pub id: ReleaseId,
    /// What changes.
    pub change: Change,
    /// Who or what started it.
    pub started_by: StartedBy,
    /// Its place in the order of releases: when its image was pushed, or when a person asked for it.
    pub ordered_at: Timestamp,
    /// When it was detected.
    pub detected_at: Timestamp,
    /// When it expires if it still waits then.
    pub expires_at: Timestamp,
    /// The scan gate; kept by the region of the first leg.
    pub gate: Gate,
    /// The stages' approvals; each kept by the region of its stage's first leg.
    #[serde(default)]
    pub approvals: BTreeMap<StageName, Approval>,
    /// The way, as it stood in the fleet file when the release was detected.
    pub legs: Vec<Leg>,
    /// Since when this region has seen the present wave as the one whose turn it is.
    #[serde(default)]
    pub turn: Option<Turn>,
    /// That it is to be undone, and why.
    #[serde(default)]
    pub unwind: Option<Unwind>,
    /// How it ended.
    #[serde(default)]
    pub end: Option<End>,
    /// Whether a task definition that was changed by hand is taken over.
    #[serde(default)]
    pub accepts_drift: bool,
    /// What happened, the oldest first; at most [`LOG_KEPT`].
    #[serde(default)]
    pub log: Vec<LogLine>,
}

/// How many lines a release's log keeps.
pub const LOG_KEPT: usize = 60;

/// What a release changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Another image.
    Image(Image),
    /// The same revision, started anew, because its secrets were rotated.
    Restart {
        /// Which secrets.
        secrets: BTreeSet<String>,
        /// Their versions when it was taken in hand, as far as they were told.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        versions: BTreeMap<String, String>,
    },
}

impl Change {
    /// The image, if it is about one.
    pub fn image(&self) -> Option<&Image> {
        match self {
            Self::Image(image) => Some(image),
            Self::Restart { .. } => None,
        }
    }
}

/// Who or what started a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartedBy {
    /// The event of a push.
    Push,
    /// The sweep, which found a push whose event never came.
    Sweep,
    /// A person.
    Hand {
        /// Who.
        by: String,
    },
    /// A rotated secret.
    Rotation,
}

impl fmt::Display for StartedBy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push => out.write_str("a push"),
            Self::Sweep => out.write_str("the sweep (the push's event never came)"),
            Self::Hand { by } => write!(out, "{by}"),
            Self::Rotation => out.write_str("a rotated secret"),
        }
    }
}

/// The wave whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Its stage.
    pub stage: StageName,
    /// Its number in the stage.
    pub wave: u32,
    /// Since when, as this region sees it.
    pub since: Timestamp,
}

/// That a release is to be undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwind {
    /// Why.
    pub why: String,
    /// Who wants it; none where Nightshift itself does.
    pub by: Option<String>,
    /// When.
    pub at: Timestamp,
    /// How much goes back.
    pub scope: Scope,
}

/// How much of a release goes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One region's leg.
    Leg {
        /// Its stage.
        stage: StageName,
        /// Its region.
        region: String,
    },
    /// Every leg of a stage.
    Stage {
        /// Which.
        stage: StageName,
    },
    /// Every leg.
    Everything,
    /// Only what is under way; what has passed stays.
    Unfinished,
}

impl Scope {
    /// Whether a leg goes back.
    pub fn covers(&self, leg: &Leg) -> bool {
        match self {
            Self::Leg { stage, region } => leg.stage == *stage && leg.region == *region,
            Self::Stage { stage } => leg.stage == *stage,
            Self::Everything => true,
            Self::Unfinished => leg.state.is_moving(),
        }
    }
}

/// How a release ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// In a word.
    pub kind: EndKind,
    /// In words.
    pub why: String,
    /// Who ended it, if a person did.
    pub by: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// How a release ended, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndKind {
    /// Through the whole path.
    Done,
    /// Not let in: by its scan, by a person, or because something that it needs is missing.
    Refused,
    /// It went back.
    RolledBack,
    /// A newer one took its place.
    Superseded,
    /// It waited for too long.
    Expired,
    /// It could not be finished, and stays as it is.
    Failed,
    /// A person ended it.
    Aborted,
}

impl EndKind {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::RolledBack => "rolled back",
            Self::Superseded => "superseded",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// In which region.
    pub region: String,
    /// What.
    pub text: String,
}

/// What one region tells the others: the release as it knows it. Of each part only what that region owns is believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The system.
    pub system: String,
    /// The service.
    pub service: String,
    /// Who tells.
    pub region: String,
    /// The release.
    pub release: Release,
}
