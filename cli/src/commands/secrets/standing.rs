//! How a secret stands, in one word and one sentence, from what was read of it.
//!
//! Pure. Owns the words of the table's STATE and what each rests on. Knows facts and no values; what is to be done about it is
//! the function's to decide.

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{Seconds, SecretKind};
use nightshift_core::ports::PortErrorKind;
use nightshift_core::rotation::{HandOver, RotationRecord, SecretNow};

use super::facts::Facts;
use crate::times::minute;

/// A rotation that lasts longer is stuck. The longest, of an ElastiCache cluster, takes some twenty-five minutes.
const STUCK_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// How a secret stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing is to be done.
    Fine,
    /// A rotation is under way.
    Rotating,
    /// A rotation has not ended for too long.
    Stuck,
    /// Readers are being moved to the current version, or the old credential is not yet useless.
    HandingOver,
    /// It should have been rotated, or replaced, by now.
    Due,
    /// The fleet file wants a schedule that Secrets Manager does not have.
    NotScheduled,
    /// It is a copy of another region's secret.
    Copy,
    /// Its system lives in another region in the first place, and it is not here.
    Elsewhere,
    /// It has no current version.
    Empty,
    /// It is about to be deleted.
    Deleted,
    /// Secrets Manager does not have it.
    NotThere,
    /// It could not be read.
    Unknown,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Rotating => "rotating",
            Self::Stuck => "stuck",
            Self::HandingOver => "handing over",
            Self::Due => "due",
            Self::NotScheduled => "not scheduled",
            Self::Copy => "copy",
            Self::Elsewhere => "elsewhere",
            Self::Empty => "empty",
            Self::Deleted => "deleted",
            Self::NotThere => "not there",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it stays so until a person does something.
    pub(crate) fn needs_somebody(self) -> bool {
        matches!(self, Self::Stuck | Self::Empty | Self::Deleted | Self::NotThere | Self::Unknown)
    }
}

/// How a secret stands and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub state: State,
    /// One sentence without its full stop; empty where there is nothing to say.
    pub why: String,
}

fn stands(state: State, why: impl Into<String>) -> Standing {
    Standing { state, why: why.into() }
}

/// How it stands at `now`.
pub(crate) fn standing(facts: &Facts<'_>, now: Timestamp) -> Standing {
    let secret = match &facts.secret {
        Ok((secret, _)) => secret,
        Err(error) if error.kind == PortErrorKind::NotFound && !facts.is_home => {
            return stands(State::Elsewhere, format!("{} has it in {}", facts.key.system, facts.home()));
        }
        Err(error) if error.kind == PortErrorKind::NotFound => {
            return stands(State::NotThere, "Secrets Manager has no such secret here; create it, or take it out of the fleet file");
        }
        Err(error) => return stands(State::Unknown, crate::trouble::sentence(error)),
    };
    if secret.is_deleted {
        return stands(State::Deleted, "it is about to be deleted; restore it, or take it out of the fleet file");
    }
    if secret.is_replica {
        return stands(State::Copy, "it is a copy of another region's secret, which is rotated there");
    }
    if let Some(version) = secret.unfinished() {
        return unfinished(facts, version, now);
    }
    let Some(current) = secret.current() else {
        return stands(State::Empty, "it has no value; store a first one, from which every rotation goes on");
    };
    if let Some(over) = facts.record().and_then(|record| open_hand_over(facts, record, current)) {
        return stands(State::HandingOver, hand_over_in_words(over));
    }
    quiet(facts, secret, now)
}

fn unfinished(facts: &Facts<'_>, version: &str, now: Timestamp) -> Standing {
    let Some(since) = facts.pending_since(version) else {
        return stands(State::Rotating, format!("the version {version} is being made, since when is not known"));
    };
    match now.duration_since(since) > STUCK_AFTER {
        true => stands(
            State::Stuck,
            format!("the version {version} is being made since {}; see: nightshift secrets unstick {}", minute(since), facts.key),
        ),
        false => stands(State::Rotating, format!("the version {version} is being made since {}", minute(since))),
    }
}

/// The current version's hand-over, if it has not ended. Of these kinds alone the old credential is taken away before the next
/// rotation.
pub(super) fn open_hand_over<'r>(facts: &Facts<'_>, record: &'r RotationRecord, current: &str) -> Option<&'r HandOver> {
    let retires = matches!(facts.secret_file.kind, SecretKind::Redis(_) | SecretKind::Elasticache(_));
    let is_open = |over: &&HandOver| over.proven_at.is_none() || (retires && over.retired_at.is_none() && !facts.keeps_the_old());
    record.hand_over.as_ref().filter(|over| over.version == current).filter(is_open)
}

fn hand_over_in_words(over: &HandOver) -> String {
    let since = minute(over.since);
    match (over.told_readers_at, over.proven_at) {
        (None, None) => format!("the version is current since {since}, and its readers were not told yet"),
        (Some(told), None) => {
            format!("the version is current since {since}; its readers were told at {} and are not proven healthy on it yet", minute(told))
        }
        (_, Some(proven)) => format!("its readers are healthy on it since {}; the old credential still works", minute(proven)),
    }
}

/// Neither a rotation nor a hand-over is under way.
fn quiet(facts: &Facts<'_>, secret: &SecretNow, now: Timestamp) -> Standing {
    if let SecretKind::Issued(issued) = &facts.secret_file.kind {
        let warned_from = facts.due_at().and_then(|due| due.checked_sub(length(issued.warn_before)).ok());
        return match (facts.due_at(), warned_from) {
            (Some(due), Some(from)) if from <= now => {
                let words = format!("the key must be replaced by {}; with the new one: nightshift secret put {}", minute(due), facts.key);
                stands(State::Due, words)
            }
            _ => stands(State::Fine, ""),
        };
    }
    if let Some(schedule) = &facts.secret_file.rotate {
        let how = "set it with: nightshift secrets sync";
        match facts.setup() {
            None => {
                return stands(
                    State::NotScheduled,
                    format!("Secrets Manager does not rotate it, and it should be rotated {schedule}; {how}"),
                );
            }
            Some(setup) if setup.schedule != schedule.expression() || setup.window != schedule.duration() => {
                let has =
                    setup.window.as_ref().map_or_else(|| setup.schedule.clone(), |window| format!("{} within {window}", setup.schedule));
                return stands(State::NotScheduled, format!("Secrets Manager has {has}, and it should be rotated {schedule}; {how}"));
            }
            Some(_) => {}
        }
    }
    match secret.next_rotation_at {
        Some(next) if next < now => stands(State::Due, format!("Secrets Manager should have rotated it by {}", minute(next))),
        _ => stands(State::Fine, ""),
    }
}

pub(super) fn length(seconds: Seconds) -> SignedDuration {
    SignedDuration::from_secs(i64::from(seconds.get()))
}
