//! How a look at a secret ends: done, to be gone on with later, or stopped until a person has done something.
//!
//! Every ending has a stable code, an entry of docs/operations.md, and words that say what to do. None has a value in it.

use std::fmt;

use jiff::Timestamp;

use super::document::DocumentProblem;
use super::observation::Who;
use crate::ports::PortError;

/// How a look ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// What was asked for is done.
    Done {
        /// What.
        done: Done,
        /// When to look again, if there is more to come.
        look_at: Option<Timestamp>,
    },
    /// It goes on later, by itself.
    Wait {
        /// For what.
        wait: Wait,
        /// When to look again.
        look_at: Timestamp,
    },
    /// It does not go on before a person has done something; the hourly look tries again.
    Stop(Stop),
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The version is current already.
    AlreadyCurrent,
    /// The new value was made.
    ValueMade,
    /// The new value was there.
    ValueThere,
    /// The new credential was set.
    CredentialSet,
    /// The new credential was good already.
    CredentialThere,
    /// There is nothing to be set for this kind.
    NothingToSet,
    /// The new credential was used.
    Tested,
    /// The version is current, and its readers are told.
    Finished,
    /// The readers are healthy on the current version, and the old credential is useless where it can be.
    HandedOver {
        /// For how many seconds readers with the old credential could not log in, where there was such a time.
        gap_seconds: Option<i64>,
    },
    /// The same, but nobody is known to read it: the old credential stays good until the next rotation.
    OldKept,
    /// The secret is seen for the first time; what is current counts as handed over.
    Adopted,
    /// Secrets Manager is at work on it, or was a moment ago.
    LeftToSecretsManager,
    /// A key that is issued elsewhere is soon or already too old.
    KeyDue {
        /// Since when it is or from when on it will be.
        due_at: Timestamp,
    },
    /// The issuer refuses the current key.
    KeyRefused {
        /// The issuer's words.
        why: String,
    },
    /// It is a copy; its own region rotates it.
    Replica,
    /// Nothing is to be done.
    Quiet,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Something does not answer.
    Unavailable {
        /// What, and how.
        error: PortError,
    },
    /// The new value cannot be read yet.
    ValueNotReadable,
    /// A change of the cluster is under way.
    ClusterChanging {
        /// The cluster's state.
        status: String,
    },
    /// The new credential is not good yet.
    CredentialRefused {
        /// The server's words.
        why: String,
    },
    /// Readers are not yet healthy on the current version.
    ReadersNotReady {
        /// Which, and why.
        readers: String,
        /// Whether it takes longer than it should, or has failed.
        is_late: bool,
    },
    /// A person paused.
    Paused {
        /// Until when.
        until: Timestamp,
    },
}

/// Why it does not go on by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The mode is observe.
    Observe,
    /// No fleet file has the secret.
    SecretUnknown {
        /// Its ARN or name.
        secret: String,
    },
    /// Secrets Manager does not have the secret.
    SecretMissing,
    /// The secret is about to be deleted.
    SecretDeleted,
    /// Secrets Manager does not rotate this secret.
    RotationNotEnabled,
    /// The secret has no such version.
    VersionUnknown,
    /// The version is not the one that is being made.
    NotPending,
    /// The version that was being made could not be used and was given up.
    PendingDropped {
        /// Why.
        problem: DocumentProblem,
    },
    /// The current version cannot be used.
    CurrentUnusable {
        /// Why.
        problem: DocumentProblem,
    },
    /// The readers did not get healthy on the current version for a day: a further rotation would shut them out.
    ReadersNeverReady {
        /// Which, and why.
        readers: String,
    },
    /// Nobody's password is good, and there is no admin.
    LockedOut {
        /// Whose were tried.
        tried: String,
        /// The server's words to the last.
        why: String,
    },
    /// The admin's password is refused, or its secret cannot be used.
    AdminUnusable {
        /// How.
        why: String,
    },
    /// The credential was set and is still refused.
    NoEffect {
        /// The server's words.
        why: String,
    },
    /// Only a person can get a new key.
    NeedsAPerson,
    /// The issuer refuses the new key; it was given up.
    KeyRefused {
        /// The issuer's words.
        why: String,
    },
    /// AWS or a server refuses for good.
    Denied {
        /// What.
        error: PortError,
    },
}

impl Ending {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Done { done, .. } => done.code(),
            Self::Wait { wait, .. } => wait.code(),
            Self::Stop(stop) => stop.code(),
        }
    }

    /// When to look again.
    pub fn look_at(&self) -> Option<Timestamp> {
        match self {
            Self::Done { look_at, .. } => *look_at,
            Self::Wait { look_at, .. } => Some(*look_at),
            Self::Stop(_) => None,
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { done, .. } => done.fmt(out),
            Self::Wait { wait, .. } => wait.fmt(out),
            Self::Stop(stop) => stop.fmt(out),
        }
    }
}

impl Done {
    /// Every code, for the documentation's test.
    pub const CODES: [&str; 16] = [
        "already_current",
        "value_made",
        "value_there",
        "credential_set",
        "credential_there",
        "nothing_to_set",
        "tested",
        "finished",
        "handed_over",
        "old_kept",
        "adopted",
        "left_to_secrets_manager",
        "key_due",
        "key_refused",
        "replica",
        "quiet",
    ];

    fn code(&self) -> &'static str {
        match self {
            Self::AlreadyCurrent => "already_current",
            Self::ValueMade => "value_made",
            Self::ValueThere => "value_there",
            Self::CredentialSet => "credential_set",
            Self::CredentialThere => "credential_there",
            Self::NothingToSet => "nothing_to_set",
            Self::Tested => "tested",
            Self::Finished => "finished",
            Self::HandedOver { .. } => "handed_over",
            Self::OldKept => "old_kept",
            Self::Adopted => "adopted",
            Self::LeftToSecretsManager => "left_to_secrets_manager",
            Self::KeyDue { .. } => "key_due",
            Self::KeyRefused { .. } => "key_refused",
            Self::Replica => "replica",
            Self::Quiet => "quiet",
        }
    }
}

impl fmt::Display for Done {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyCurrent => out.write_str("this version is current already"),
            Self::ValueMade => out.write_str("a new value was made"),
            Self::ValueThere => out.write_str("the new value was there already"),
            Self::CredentialSet => out.write_str("the new credential was set and logs in"),
            Self::CredentialThere => out.write_str("the new credential logged in already"),
            Self::NothingToSet => out.write_str("there is nothing to be set for this kind"),
            Self::Tested => out.write_str("the new credential was used and is good"),
            Self::Finished => out.write_str("the new version is current, and its readers are told"),
            Self::HandedOver { gap_seconds: None } => {
                out.write_str("every reader is healthy on the current version; none was without a good credential")
            }
            Self::HandedOver { gap_seconds: Some(gap) } => {
                write!(out, "every reader is healthy on the current version, {gap} s after the old credential was refused")
            }
            Self::OldKept => out.write_str(
                "nobody is known to read it, so the old credential stays good until the next rotation; name readers in the fleet file",
            ),
            Self::Adopted => out.write_str("seen for the first time; what is current counts as handed over"),
            Self::LeftToSecretsManager => out.write_str("a rotation began a moment ago and is left to Secrets Manager"),
            Self::KeyDue { due_at } => write!(out, "the key must be replaced by {}", day(*due_at)),
            Self::KeyRefused { why } => write!(out, "its issuer refuses the current key: {why}"),
            Self::Replica => out.write_str("it is a copy of another region's secret, which is rotated there"),
            Self::Quiet => out.write_str("nothing is to be done"),
        }
    }
}

impl Wait {
    /// Every code, for the documentation's test.
    pub const CODES: [&str; 6] =
        ["unavailable", "value_not_readable", "cluster_changing", "credential_refused", "readers_not_ready", "paused"];

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "unavailable",
            Self::ValueNotReadable => "value_not_readable",
            Self::ClusterChanging { .. } => "cluster_changing",
            Self::CredentialRefused { .. } => "credential_refused",
            Self::ReadersNotReady { .. } => "readers_not_ready",
            Self::Paused { .. } => "paused",
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable { error } => write!(out, "{error}"),
            Self::ValueNotReadable => out.write_str("the new value cannot be read yet"),
            Self::ClusterChanging { status } => write!(out, "the cluster is {status}"),
            Self::CredentialRefused { why } => write!(out, "the new credential is not good yet: {why}"),
            Self::ReadersNotReady { readers, .. } => write!(out, "readers are not yet healthy on the current version: {readers}"),
            Self::Paused { until } => write!(out, "paused by a person until {}", crate::scale::clock(*until)),
        }
    }
}

impl Stop {
    /// Every code, for the documentation's test.
    pub const CODES: [&str; 16] = [
        "observe",
        "secret_unknown",
        "secret_missing",
        "secret_deleted",
        "rotation_not_enabled",
        "version_unknown",
        "not_pending",
        "pending_dropped",
        "current_unusable",
        "readers_never_ready",
        "locked_out",
        "admin_unusable",
        "no_effect",
        "needs_a_person",
        "new_key_refused",
        "denied",
    ];

    fn code(&self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::SecretUnknown { .. } => "secret_unknown",
            Self::SecretMissing => "secret_missing",
            Self::SecretDeleted => "secret_deleted",
            Self::RotationNotEnabled => "rotation_not_enabled",
            Self::VersionUnknown => "version_unknown",
            Self::NotPending => "not_pending",
            Self::PendingDropped { .. } => "pending_dropped",
            Self::CurrentUnusable { .. } => "current_unusable",
            Self::ReadersNeverReady { .. } => "readers_never_ready",
            Self::LockedOut { .. } => "locked_out",
            Self::AdminUnusable { .. } => "admin_unusable",
            Self::NoEffect { .. } => "no_effect",
            Self::NeedsAPerson => "needs_a_person",
            Self::KeyRefused { .. } => "new_key_refused",
            Self::Denied { .. } => "denied",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Observe => out.write_str("the mode is observe, in which no secret is changed; deploy with Mode=act"),
            Self::SecretUnknown { secret } => {
                write!(out, "no fleet file has the secret {secret}; add it under secrets, or let another function rotate it")
            }
            Self::SecretMissing => out.write_str("Secrets Manager has no such secret here; create it, or correct the fleet file"),
            Self::SecretDeleted => out.write_str("the secret is about to be deleted; restore it, or take it out of the fleet file"),
            Self::RotationNotEnabled => out.write_str("Secrets Manager does not rotate this secret; run nightshift secrets sync"),
            Self::VersionUnknown => out.write_str("the secret has no such version; start the rotation anew"),
            Self::NotPending => {
                out.write_str("the version has no label AWSPENDING: a later rotation took its place, or it was given up; start it anew")
            }
            Self::PendingDropped { problem } => {
                write!(out, "the version that was being made could not be used and was given up ({problem}); rotate again")
            }
            Self::CurrentUnusable { problem } => write!(out, "the current version cannot be used: {problem}"),
            Self::ReadersNeverReady { readers } => {
                write!(out, "not rotated, because readers are not healthy on the current version since a day: {readers}; mend them first")
            }
            Self::LockedOut { tried, why } => write!(
                out,
                "the {tried} password is refused ({why}) and there is no admin_secret; set the user's password to the current version's \
                 value as the database's master user, and the rotation goes on by itself"
            ),
            Self::AdminUnusable { why } => write!(out, "the admin secret cannot be used: {why}"),
            Self::NoEffect { why } => {
                write!(out, "the credential was set and is refused all the same ({why}); look at how the server checks passwords")
            }
            Self::NeedsAPerson => out.write_str("only its issuer can make a new one: get it there, then run nightshift secret put"),
            Self::KeyRefused { why } => write!(out, "its issuer refuses the new key ({why}), so it was given up; the current one stays"),
            Self::Denied { error } => write!(out, "{error}; grant what is missing"),
        }
    }
}

/// Whose passwords were tried, in words.
pub(super) fn tried(who: &[Who]) -> String {
    who.iter().map(|who| who.word()).collect::<Vec<_>>().join(", ")
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}
