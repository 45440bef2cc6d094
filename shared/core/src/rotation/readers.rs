//! Readers of a secret, and whether they run healthily with its current version: read from the books of their releases.
//!
//! Owns what counts as proof. What is not known is never proof.

use jiff::Timestamp;

use crate::fleet::Service;
use crate::ledger::ServiceKey;
use crate::release::{Book, HandedState};

/// One service that reads the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderNow {
    /// The service.
    pub key: ServiceKey,
    /// How it stands.
    pub state: ReaderState,
}

/// How a reader stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReaderState {
    /// It was started anew on the current version and is healthy.
    Proven {
        /// Since when that is known.
        at: Timestamp,
    },
    /// The fleet file says that it takes a new value up by itself.
    TakesItUpItself,
    /// Its restart has not begun.
    Waiting,
    /// It is being started anew.
    Restarting,
    /// Its restart did not end well.
    Failed {
        /// Why.
        why: String,
    },
}

impl ReaderState {
    /// Whether it does without the old value.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Proven { .. } | Self::TakesItUpItself)
    }

    /// Since when it does, if it had to be started anew.
    pub fn proven_at(&self) -> Option<Timestamp> {
        match self {
            Self::Proven { at } => Some(*at),
            _ => None,
        }
    }

    /// In words.
    pub fn word(&self) -> String {
        match self {
            Self::Proven { .. } => "healthy".to_owned(),
            Self::TakesItUpItself => "takes it up by itself".to_owned(),
            Self::Waiting => "not yet started anew".to_owned(),
            Self::Restarting => "being started anew".to_owned(),
            Self::Failed { why } => format!("not healthy ({why})"),
        }
    }
}

/// How a service stands, by its book, with `version` of the secret (its ARN), which is current since `since`.
pub fn reader_state(service: &Service, book: &Book, secret: &str, version: &str, since: Timestamp) -> ReaderState {
    if !service.rotated_secrets.restart {
        return ReaderState::TakesItUpItself;
    }
    match book.hand_over(secret, version, since) {
        None | Some(HandedState::Waiting) => ReaderState::Waiting,
        Some(HandedState::Restarting { .. }) => ReaderState::Restarting,
        Some(HandedState::Proven { at, .. }) => ReaderState::Proven { at: *at },
        Some(HandedState::Failed { why, .. }) => ReaderState::Failed { why: why.clone() },
    }
}
