//! What a decision says: what is to be read, what is to be done, or that the look has ended; and what people wrote down.
//!
//! Pure data, without a value of a secret in it.

use super::ending::Ending;
use super::observation::Who;
use crate::fleet::{ManagedSecret, SecretName, SystemName};
use crate::outcome::Mode;

/// What people wrote down about one secret.
#[derive(Clone, Copy, Debug)]
pub struct SecretPolicy<'a> {
    /// Its system.
    pub system: &'a SystemName,
    /// Its name.
    pub name: &'a SecretName,
    /// What the fleet file says of it.
    pub secret: &'a ManagedSecret,
    /// Whether to act.
    pub mode: Mode,
    /// Whether the system lives here in the first place; elsewhere its secrets may be missing.
    pub is_home: bool,
}

/// Something to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// The secret without its values.
    Secret,
    /// What the ledger remembers.
    Record,
    /// What the version that is being made is worth.
    Pending,
    /// What the current version is worth.
    Current,
    /// Whether a credential is good.
    Login(Who),
    /// The cluster.
    Cluster,
    /// The readers.
    Readers,
}

/// Something to be done; each is safe to repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Give the version that is being made a value.
    PutPending,
    /// Take AWSPENDING from a version.
    DropPending {
        /// Which.
        version: String,
    },
    /// Set a PostgreSQL user's password.
    SetPassword {
        /// Logged in as whom.
        via: Who,
    },
    /// Make the other of two PostgreSQL users like the first, with the new password.
    SetTwin,
    /// Give the Redis user the new password beside the current one.
    SetBoth {
        /// Logged in as whom.
        via: Who,
    },
    /// Have ElastiCache take the new password beside the current one.
    ChangeCluster,
    /// Make the new version current.
    MakeCurrent {
        /// In place of this one.
        from: Option<String>,
        /// The new one.
        to: String,
    },
    /// Tell those who start readers anew.
    WakeReaders,
    /// Have readers whose restart failed started once more.
    StartReadersAgain,
    /// Leave the Redis user its current password only.
    KeepNew {
        /// Logged in as whom.
        via: Who,
    },
    /// Have ElastiCache forget every password but the current one.
    SettleCluster,
}

impl Deed {
    /// Whether from now on the new credential is good.
    pub(super) fn sets_credential(&self) -> bool {
        matches!(self, Self::SetPassword { .. } | Self::SetTwin | Self::SetBoth { .. } | Self::ChangeCluster)
    }

    /// What it changes, in words that hold no value.
    pub fn word(&self) -> &'static str {
        match self {
            Self::PutPending => "made a new value",
            Self::DropPending { .. } => "gave up the version that was being made",
            Self::SetPassword { .. } => "set the user's password",
            Self::SetTwin => "set the other user's password and grants",
            Self::SetBoth { .. } => "gave the user the new password beside the current one",
            Self::ChangeCluster => "had ElastiCache take the new password beside the current one",
            Self::MakeCurrent { .. } => "made the new version current",
            Self::WakeReaders => "told those who start readers anew",
            Self::StartReadersAgain => "had the readers started once more",
            Self::KeepNew { .. } => "took the old password from the user",
            Self::SettleCluster => "had ElastiCache forget the old password",
        }
    }
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// These are to be read, together.
    Read(Vec<Need>),
    /// This was read and does not show yet what was written: once more, after a moment.
    Again(Need),
    /// This is to be done.
    Do(Deed),
    /// That is all.
    End(Ending),
}
