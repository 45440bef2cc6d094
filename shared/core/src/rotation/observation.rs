//! What was read of one secret: facts, and no values.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::document::DocumentProblem;
use super::plan::Deed;
use super::ports::{ClusterNow, LoginAnswer};
use super::readers::ReaderNow;
use super::record::RotationView;
use crate::ports::PortResult;

/// The label of the version that readers get.
pub(super) const CURRENT: &str = "AWSCURRENT";
/// The label of the version that is being made.
pub(super) const PENDING: &str = "AWSPENDING";

/// A secret without its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretNow {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Whether Secrets Manager rotates it.
    pub rotation_enabled: bool,
    /// The function that Secrets Manager calls for it.
    pub rotation_function: Option<String>,
    /// Secrets Manager's rule, such as rate(30 days).
    pub rotation_rule: Option<String>,
    /// When the last rotation ended.
    pub last_rotated_at: Option<Timestamp>,
    /// When the next one begins at the latest.
    pub next_rotation_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Whether it is a copy of a secret in another region, which cannot be changed here.
    pub is_replica: bool,
    /// Whether it is about to be deleted.
    pub is_deleted: bool,
    /// The labels of each version.
    pub versions: BTreeMap<String, BTreeSet<String>>,
}

impl SecretNow {
    /// Whether a version has a label.
    pub fn has(&self, version: &str, stage: &str) -> bool {
        self.versions.get(version).is_some_and(|stages| stages.contains(stage))
    }

    /// The version that readers get.
    pub fn current(&self) -> Option<&str> {
        self.versions.iter().find(|(_, stages)| stages.contains(CURRENT)).map(|(version, _)| version.as_str())
    }

    /// The version of a rotation that has not ended: AWSPENDING on any other than the current one.
    pub fn unfinished(&self) -> Option<&str> {
        let is_unfinished = |stages: &BTreeSet<String>| stages.contains(PENDING) && !stages.contains(CURRENT);
        self.versions.iter().find(|(_, stages)| is_unfinished(stages)).map(|(version, _)| version.as_str())
    }
}

/// What the version that is being made is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PendingNow {
    /// It has no value, or none that can be read yet.
    Absent,
    /// Its value cannot be read as what it should be.
    Unreadable(DocumentProblem),
    /// It does not go on from the current version, which perhaps was changed meanwhile.
    Differs(DocumentProblem),
    /// It goes on from the current version.
    Good {
        /// Whom it logs in.
        user: Option<String>,
    },
}

/// What the current version is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurrentNow {
    /// It has no value.
    Absent,
    /// Its value cannot be read as what it should be.
    Unreadable(DocumentProblem),
    /// It can be used.
    Good {
        /// Whom it logs in.
        user: Option<String>,
        /// When the version was made.
        created_at: Option<Timestamp>,
    },
}

/// Whose credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// That of the version that is being made.
    Pending,
    /// That of the version that readers get.
    Current,
    /// That of the version before.
    Previous,
    /// That of the user who may change others.
    Admin,
}

impl Who {
    /// The word in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Current => "current",
            Self::Previous => "previous",
            Self::Admin => "admin's",
        }
    }
}

/// All that is known so far in one invocation. What is `None` was not read.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The secret.
    pub secret: Option<PortResult<SecretNow>>,
    /// What the ledger remembers.
    pub record: Option<PortResult<RotationView>>,
    /// The version that is being made.
    pub pending: Option<PortResult<PendingNow>>,
    /// The version that readers get.
    pub current: Option<PortResult<CurrentNow>>,
    /// What came of trying credentials; there is none where the version has no value.
    pub logins: BTreeMap<Who, PortResult<LoginAnswer>>,
    /// The cluster.
    pub cluster: Option<PortResult<ClusterNow>>,
    /// The readers.
    pub readers: Option<PortResult<Vec<ReaderNow>>>,
    /// What this invocation has done, the newest last.
    pub done: Vec<Deed>,
    /// Whether what does not show yet may still be waited for in this invocation.
    pub is_patient: bool,
}

impl Seen {
    /// Whether this was done in this invocation.
    pub fn has_done(&self, deed: &Deed) -> bool {
        self.done.contains(deed)
    }

    /// What a deed makes stale is forgotten, so that it is read again.
    pub fn after(&mut self, deed: Deed) {
        match &deed {
            Deed::PutPending => self.pending = None,
            // What was known of the version is why it was given up.
            Deed::DropPending { .. } => {}
            Deed::MakeCurrent { .. } => {
                self.secret = None;
                self.pending = None;
                self.current = None;
                self.logins.clear();
            }
            Deed::SetPassword { .. } | Deed::SetTwin | Deed::SetBoth { .. } | Deed::KeepNew { .. } => self.logins.clear(),
            Deed::ChangeCluster | Deed::SettleCluster => {
                self.cluster = None;
                self.logins.clear();
            }
            Deed::WakeReaders | Deed::StartReadersAgain => self.readers = None,
        }
        self.done.push(deed);
    }
}
