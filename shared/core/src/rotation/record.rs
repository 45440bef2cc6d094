//! What the ledger remembers of one secret: the rotation that is under way, the hand-over to the readers, and what was told.
//!
//! Pure values. There is never a value of the secret in it, nor its length, nor a hash of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ending::{Done, Ending};
use super::observation::Seen;
use super::plan::Deed;
use super::readers::ReaderNow;
use crate::ledger::Pause;

/// What the ledger remembers of one secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationRecord {
    /// Counts writes; 0 is "never written".
    pub version: u64,
    /// The rotation that is under way.
    #[serde(default)]
    pub pending: Option<PendingSeen>,
    /// The hand-over of the current version to its readers.
    #[serde(default)]
    pub hand_over: Option<HandOver>,
    /// What came of it last.
    #[serde(default)]
    pub last: Option<LastOutcome>,
    /// What people were told last about what stands; told once, until something changes.
    #[serde(default)]
    pub told: Option<String>,
    /// When a look is arranged.
    #[serde(default)]
    pub look_at: Option<Timestamp>,
}

/// The record with what else the ledger says about the secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationView {
    /// The record; the default one if there is none yet.
    pub record: RotationRecord,
    /// A pause that holds for the secret's system, or for everything.
    pub pause: Option<Pause>,
}

/// A rotation that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingSeen {
    /// The version that is being made.
    pub token: String,
    /// Since when it is known.
    pub since: Timestamp,
    /// When the new credential was set: from then on a single user's old one is refused.
    #[serde(default)]
    pub set_at: Option<Timestamp>,
}

/// A version on its way to its readers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOver {
    /// The version.
    pub version: String,
    /// Since when it is current.
    pub since: Timestamp,
    /// When its credential was set.
    #[serde(default)]
    pub set_at: Option<Timestamp>,
    /// When the readers were to be told.
    #[serde(default)]
    pub told_readers_at: Option<Timestamp>,
    /// When all readers were healthy on it.
    #[serde(default)]
    pub proven_at: Option<Timestamp>,
    /// When the old credential was made useless; none where that comes with the next rotation.
    #[serde(default)]
    pub retired_at: Option<Timestamp>,
}

/// What came of a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastOutcome {
    /// When.
    pub at: Timestamp,
    /// Its stable code.
    pub code: String,
    /// In words.
    pub text: String,
}

impl RotationRecord {
    /// The record after a look; the same but for nothing if the look changed nothing that is worth keeping.
    #[must_use]
    pub fn after(&self, seen: &Seen, ending: &Ending, now: Timestamp) -> Self {
        let mut next = self.clone();
        let set_at = seen.done.iter().any(Deed::sets_credential).then_some(now);
        if let Some(Ok(secret)) = &seen.secret {
            let is_given_up = |token: &str| seen.has_done(&Deed::DropPending { version: token.to_owned() });
            match (secret.unfinished(), secret.current()) {
                (Some(token), _) if is_given_up(token) => next.pending = None,
                (Some(token), _) => next.pending_is(token, now),
                (None, Some(current)) => next.current_is(current, set_at, now),
                (None, None) => {}
            }
        }
        if let Some(pending) = &mut next.pending {
            pending.set_at = pending.set_at.or(set_at);
        }
        if let Some(over) = &mut next.hand_over {
            over.proceeds(seen, ending, now);
        }
        let is_news = !matches!(ending, Ending::Done { done: Done::Quiet | Done::LeftToSecretsManager | Done::AlreadyCurrent, .. });
        if is_news {
            next.last = Some(LastOutcome { at: now, code: ending.code().to_owned(), text: ending.to_string() });
        }
        next.look_at = ending.look_at();
        next
    }

    fn pending_is(&mut self, token: &str, now: Timestamp) {
        if self.pending.as_ref().is_none_or(|pending| pending.token != token) {
            self.pending = Some(PendingSeen { token: token.to_owned(), since: now, set_at: None });
        }
    }

    fn current_is(&mut self, version: &str, set_at: Option<Timestamp>, now: Timestamp) {
        let ours = self.pending.take().filter(|pending| pending.token == version);
        if self.hand_over.as_ref().is_none_or(|over| over.version != version) {
            let set_at = ours.and_then(|pending| pending.set_at).or(set_at);
            self.hand_over = Some(HandOver { version: version.to_owned(), since: now, set_at, ..HandOver::default() });
        }
    }
}

impl HandOver {
    fn proceeds(&mut self, seen: &Seen, ending: &Ending, now: Timestamp) {
        if seen.has_done(&Deed::WakeReaders) {
            self.told_readers_at = self.told_readers_at.or(Some(now));
        }
        let are_ready = |readers: &Vec<ReaderNow>| readers.iter().all(|reader| reader.state.is_ready());
        if matches!(&seen.readers, Some(Ok(readers)) if are_ready(readers)) && self.told_readers_at.is_some() {
            self.proven_at = self.proven_at.or(Some(now));
        }
        if seen.done.iter().any(|deed| matches!(deed, Deed::KeepNew { .. } | Deed::SettleCluster)) {
            self.retired_at = self.retired_at.or(Some(now));
        }
        if matches!(ending, Ending::Done { done: Done::Adopted, .. }) {
            let at = Some(now);
            (self.told_readers_at, self.proven_at, self.retired_at) = (at, at, at);
        }
    }
}
