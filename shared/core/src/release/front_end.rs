//! Front ends: files that arrive in a bucket become one CloudFront invalidation for the whole upload, followed to its end.
//!
//! Owns what is remembered of a front end, the decision, and its words. One invalidation at a time: what arrives meanwhile is
//! the next one's. Never invalidates more than was written below the bucket's prefix, unless the list would get too long.

mod decide;
mod paths;
mod ports;
mod tell;

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use decide::{After, FrontEndHold, FrontEndPlan, Invalidate, Taken, Takes, after_step, decide_front_end};
pub use paths::{Arrival, EVERYTHING, Stale, arrival, covers, fewest_paths};
pub use ports::{FrontEndLedger, FrontEndTimer, Invalidator};
pub use tell::{FrontEndNote, FrontEndOutcome};

use crate::fleet::{FrontEnd, FrontEndName, SystemName};
use crate::ledger::Pause;
use crate::scale::Reading;

/// Which front end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FrontEndKey {
    /// The system.
    pub system: SystemName,
    /// The front end.
    pub name: FrontEndName,
}

impl fmt::Display for FrontEndKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.system, self.name)
    }
}

/// Everything that the ledger knows of a front end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FrontEndView {
    /// What has arrived.
    pub uploads: Uploads,
    /// What is being done about it.
    pub work: Work,
    /// A pause that holds for the system or everything.
    pub pause: Option<Pause>,
}

/// Files that have arrived. Written by every arrival on its own, without reading first: hundreds come at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uploads {
    /// How many arrivals were ever noted: another number means that something arrived.
    pub count: u64,
    /// What is in no batch yet.
    pub pending: Option<Pending>,
    /// The next arranged look.
    pub look_at: Option<Timestamp>,
}

/// Stale paths that are in no batch yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The paths.
    pub paths: BTreeSet<String>,
    /// When the first of them was noted.
    pub first: Timestamp,
    /// When the last of them was noted.
    pub last: Timestamp,
}

/// What is being done for a front end: written only by looks, against the version that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Counts writes; 0 is "never written".
    pub version: u64,
    /// The batch in hand.
    #[serde(default)]
    pub batch: Option<Batch>,
    /// What people were told last about why it does not get on; told once.
    #[serde(default)]
    pub told: Option<String>,
}

/// One upload on its way to the viewers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// What CloudFront knows it by: asking for it twice makes one invalidation.
    pub reference: String,
    /// The paths, as few as cover what arrived.
    pub paths: Vec<String>,
    /// When the first file had arrived.
    pub first: Timestamp,
    /// When the upload was taken for complete.
    pub taken_at: Timestamp,
    /// The invalidation, once CloudFront has made it.
    #[serde(default)]
    pub made: Option<Made>,
}

/// An invalidation that CloudFront has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Of which distribution: the fleet file may name another by now.
    pub distribution: String,
    /// Its id.
    pub invalidation: String,
    /// When.
    pub at: Timestamp,
}

/// How far an invalidation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvalidationStatus {
    /// The edges are still being told.
    InProgress,
    /// Every edge has forgotten the old files.
    Completed,
}

/// An invalidation as CloudFront tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidationNow {
    /// Its id.
    pub id: String,
    /// How far it is.
    pub status: InvalidationStatus,
}

/// Everything that a decision on a front end looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontEndSeen {
    /// When reading began.
    pub at: Timestamp,
    /// What is remembered.
    pub view: Reading<FrontEndView>,
    /// The invalidation that is followed, if one is.
    pub invalidation: Option<Reading<InvalidationNow>>,
}

impl Work {
    /// What is to be read before a decision: the invalidation that is followed.
    pub fn followed(&self) -> Option<&Made> {
        self.batch.as_ref().and_then(|batch| batch.made.as_ref())
    }
}

impl Pending {
    /// When the upload counts as complete: quiet for the settle time, but after ten times that it is not waited for longer.
    pub fn due(&self, front_end: &FrontEnd) -> Timestamp {
        let quiet = later(self.last, settle_of(front_end));
        quiet.min(later(self.first, settle_of(front_end) * LONGEST_UPLOAD))
    }
}

/// An upload that goes on is cut off after so many settle times.
const LONGEST_UPLOAD: i32 = 10;

/// When to look after an arrival at `now`: the same moment for all arrivals within one settle time, and at least one settle
/// time after each of them.
pub fn settle_look(front_end: &FrontEnd, now: Timestamp) -> Timestamp {
    let settle = i64::from(front_end.settle.get()).max(1);
    let window = now.as_second().div_euclid(settle);
    Timestamp::from_second((window + 2).saturating_mul(settle)).unwrap_or(Timestamp::MAX)
}

fn settle_of(front_end: &FrontEnd) -> SignedDuration {
    SignedDuration::from_secs(i64::from(front_end.settle.get()))
}

fn later(at: Timestamp, wait: SignedDuration) -> Timestamp {
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
