//! What became of a rotated secret: whether its readers in this region run on the version that is current.
//!
//! Owns which news are of the same rotation, and what of a restart is proof. Events come twice, late and out of order, so that
//! a version is told from another by its id, and where that is not known by the time.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::blueprint::is_same_secret;
use super::{Book, ReleaseId};
use crate::fleet::DeployTarget;

/// Events tell their time in whole seconds, and by another clock than ours.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(5);

/// Secrets Manager tells of a rotation that succeeded once the function's last step has answered, and so a moment after the new
/// version became current.
const SAME_ROTATION: SignedDuration = SignedDuration::from_mins(5);

/// The most secrets that a book remembers; what was proven longest ago goes first.
const HANDED_KEPT: usize = 60;

/// Secrets that were rotated and not yet handed to their readers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rotated {
    /// Their names or ARNs. Which versions they are is [`Book::handed`]'s.
    pub secrets: BTreeSet<String>,
    /// What reads them in this region.
    pub targets: BTreeSet<DeployTarget>,
    /// The first of them.
    pub since: Timestamp,
    /// The last of them.
    pub last: Timestamp,
}

impl Rotated {
    /// Whether a secret (its name or ARN) is among them.
    pub fn has(&self, secret: &str) -> bool {
        self.secrets.iter().any(|known| is_same_secret(known, secret))
    }

    pub(super) fn take_in(&mut self, secret: &str, readers: BTreeSet<DeployTarget>, at: Timestamp) {
        self.secrets.retain(|known| !is_same_secret(known, secret));
        self.secrets.insert(secret.to_owned());
        self.targets.extend(readers);
        (self.since, self.last) = (self.since.min(at), self.last.max(at));
    }
}

/// The newest version of a secret that was heard of, and how far its readers in this region are with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handed {
    /// The version, if it was told.
    pub version: Option<String>,
    /// Since when the secret is as it is, as far as was told. CloudTrail tells of a rotation a moment after its version is current.
    pub since: Timestamp,
    /// Since when the version is current, as it was told with it.
    #[serde(default)]
    pub version_since: Option<Timestamp>,
    /// How far it is.
    pub state: HandedState,
    /// The readers that are not proven on it yet.
    pub left: BTreeSet<DeployTarget>,
    /// When the first of those readers that need nothing more, or are being started anew, was started: they have what was current
    /// before that.
    #[serde(default)]
    pub began: Option<Timestamp>,
}

/// How far a version is on its way to its readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum HandedState {
    /// The restart has not begun.
    Waiting,
    /// The readers are being started anew.
    Restarting {
        /// By this release.
        release: ReleaseId,
    },
    /// All readers were started anew since it is current, and are healthy.
    Proven {
        /// When that was known.
        at: Timestamp,
        /// By the release that started the last of them.
        release: ReleaseId,
    },
    /// The restart did not end well, or never began.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        why: String,
        /// The release.
        release: ReleaseId,
    },
}

/// What news of a secret mean beside what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing new.
    Known,
    /// Nothing is to be done for it, but what is known is said better now.
    Clearer,
    /// Another version is current, and its readers do not have it.
    Rotation,
}

impl Handed {
    /// What it means that `version` is current since `at`.
    pub(super) fn heard(&self, version: Option<&str>, at: Option<Timestamp>) -> News {
        let is_before = |end: Timestamp| at.is_some_and(|at| at <= end);
        match (self.version.as_deref(), version) {
            (Some(own), Some(told)) if own == told => News::Known,
            // An older one that comes late: whoever was started for the newer one does not have it. Or the same one, told by its id.
            (_, Some(_)) if is_before(self.since) => match self.version_since >= at {
                true => News::Known,
                false => News::Clearer,
            },
            (_, Some(_)) if self.has_begun_after(at) => News::Clearer,
            (_, Some(_)) => News::Rotation,
            (_, None) if is_before(self.since) || self.has_begun_after(at) => News::Known,
            (Some(_), None) if is_before(later(self.since, SAME_ROTATION)) => News::Known,
            (_, None) => News::Rotation,
        }
    }

    /// Whether the readers were started anew when what became current at `at` was current.
    fn has_begun_after(&self, at: Option<Timestamp>) -> bool {
        self.state != HandedState::Waiting && at.is_some_and(|at| self.began.is_some_and(|began| later(at, CLOCKS_APART) <= began))
    }

    /// Takes over what is told better.
    pub(super) fn clear_up(&mut self, version: Option<&str>, at: Option<Timestamp>) {
        (self.version, self.version_since) = (version.map(str::to_owned), at);
        self.since = self.since.max(at.unwrap_or(self.since));
    }

    pub(super) fn begins(&mut self, at: Timestamp) {
        self.began = Some(self.began.map_or(at, |began| began.min(at)));
    }

    pub(super) fn is_of(&self, release: &ReleaseId) -> bool {
        matches!(&self.state, HandedState::Restarting { release: own } if own == release)
    }
}

impl Book {
    /// What is known of a secret, by its name or ARN.
    pub fn handed(&self, secret: &str) -> Option<&Handed> {
        self.handed.iter().find(|(known, _)| is_same_secret(known, secret)).map(|(_, handed)| handed)
    }

    /// How far this service's readers in this region are with `version` of a secret (its name or ARN), current since `since`;
    /// none where nothing was heard of that version, or nothing here reads it.
    pub fn hand_over(&self, secret: &str, version: &str, since: Timestamp) -> Option<&HandedState> {
        let handed = self.handed(secret)?;
        let is_it = handed.version.as_deref() == Some(version);
        // Told without its id, or a newer one is on its way already: whoever has that is past this one.
        let is_past_it = since <= handed.since || handed.has_begun_after(Some(since));
        (is_it || is_past_it).then_some(&handed.state)
    }

    pub(super) fn handed_mut(&mut self, secret: &str) -> Option<&mut Handed> {
        self.handed.iter_mut().find(|(known, _)| is_same_secret(known, secret)).map(|(_, handed)| handed)
    }

    /// Remembers a secret under what says most of it, its ARN once that is known; under which.
    pub(super) fn remember(&mut self, secret: &str, handed: Handed) -> String {
        let known = self.handed.keys().find(|known| is_same_secret(known, secret)).cloned();
        let arn = [Some(secret), known.as_deref()].into_iter().flatten().find(|name| name.starts_with("arn:"));
        let name = arn.unwrap_or(secret).to_owned();
        if let Some(known) = known {
            self.handed.remove(&known);
        }
        self.handed.insert(name.clone(), handed);
        while self.handed.len() > HANDED_KEPT {
            let proven = self.handed.iter().filter(|(_, handed)| matches!(handed.state, HandedState::Proven { .. }));
            let Some(oldest) = proven.min_by_key(|(_, handed)| handed.since).map(|(secret, _)| secret.clone()) else { break };
            self.handed.remove(&oldest);
        }
        name
    }
}

fn later(at: Timestamp, wait: SignedDuration) -> Timestamp {
    super::desk::later(at, wait)
}
