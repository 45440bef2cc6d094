//! What is known, as a decision asks for it: what was not read yet, or could not be read, ends the decision with that.

use jiff::{SignedDuration, Timestamp};

use super::decide::{Desk, SOON, Turned, done, failed, stop};
use super::ending::{Done, Ending, Stop, Wait};
use super::observation::{CurrentNow, PendingNow, SecretNow, Who};
use super::plan::{Need, Turn};
use super::ports::{ClusterNow, LoginAnswer};
use super::readers::ReaderNow;
use super::record::RotationRecord;
use super::request::Request;
use crate::ledger::Pause;
use crate::outcome::Mode;
use crate::ports::{PortError, PortErrorKind};

/// What says that a secret is not there.
const DESCRIBE_SECRET: &str = "secretsmanager:DescribeSecret";

impl<'a> Desk<'a> {
    /// Everything that is missing of these is read together.
    pub(super) fn together(&self, needs: &[Need]) -> Turned<()> {
        let is_missing = |need: &Need| match need {
            Need::Secret => self.seen.secret.is_none(),
            Need::Record => self.seen.record.is_none(),
            Need::Pending => self.seen.pending.is_none(),
            Need::Current => self.seen.current.is_none(),
            Need::Login(who) => !self.seen.logins.contains_key(who),
            Need::Cluster => self.seen.cluster.is_none(),
            Need::Readers => self.seen.readers.is_none(),
        };
        let missing: Vec<Need> = needs.iter().copied().filter(is_missing).collect();
        if missing.is_empty() { Ok(()) } else { Err(Turn::Read(missing)) }
    }

    /// What was read, or the end that a failed reading brings.
    pub(super) fn known<T>(&self, need: Need, reading: Option<&'a Result<T, PortError>>) -> Turned<&'a T> {
        match reading {
            None => Err(Turn::Read(vec![need])),
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(self.trouble(error)),
        }
    }

    pub(super) fn trouble(&self, error: &PortError) -> Turn {
        match error.kind {
            PortErrorKind::NotFound if error.operation == DESCRIBE_SECRET && self.policy.is_home => stop(Stop::SecretMissing),
            PortErrorKind::NotFound if error.operation == DESCRIBE_SECRET => done(Done::Replica),
            _ => Turn::End(failed(error, self.now)),
        }
    }

    pub(super) fn secret(&self) -> Turned<&'a SecretNow> {
        self.together(&[Need::Secret, Need::Record])?;
        self.known(Need::Secret, self.seen.secret.as_ref())
    }

    pub(super) fn usable_secret(&self) -> Turned<&'a SecretNow> {
        let secret = self.secret()?;
        match (secret.is_deleted, self.policy.mode) {
            (true, _) => Err(stop(Stop::SecretDeleted)),
            // Nothing may be changed, and a step that is answered with success counts as done.
            (false, Mode::Observe) if matches!(self.request, Request::Step(_)) || secret.unfinished().is_some() => Err(stop(Stop::Observe)),
            (false, _) => Ok(secret),
        }
    }

    pub(super) fn record(&self) -> Turned<&'a RotationRecord> {
        self.known(Need::Record, self.seen.record.as_ref()).map(|view| &view.record)
    }

    pub(super) fn pause(&self) -> Option<&'a Pause> {
        self.seen.record.as_ref()?.as_ref().ok()?.pause.as_ref().filter(|pause| pause.until > self.now)
    }

    pub(super) fn pending(&self) -> Turned<&'a PendingNow> {
        self.known(Need::Pending, self.seen.pending.as_ref())
    }

    pub(super) fn current(&self) -> Turned<&'a CurrentNow> {
        self.known(Need::Current, self.seen.current.as_ref())
    }

    pub(super) fn cluster(&self) -> Turned<&'a ClusterNow> {
        self.known(Need::Cluster, self.seen.cluster.as_ref())
    }

    pub(super) fn readers(&self) -> Turned<&'a [ReaderNow]> {
        self.known(Need::Readers, self.seen.readers.as_ref()).map(Vec::as_slice)
    }

    /// The new value must be there; one that was put a moment ago may not show yet.
    pub(super) fn needs_value(&self) -> Turned<()> {
        match self.pending()? {
            PendingNow::Good { .. } | PendingNow::Differs(_) => Ok(()),
            PendingNow::Absent => Err(self.unless_patient(Need::Pending, self.wait(Wait::ValueNotReadable)).unwrap_or_else(|turn| turn)),
            PendingNow::Unreadable(problem) => Err(stop(Stop::PendingDropped { problem: problem.clone() })),
        }
    }

    /// Whether a credential is good; the server's words if it is not. A server that does not answer ends the look.
    pub(super) fn is_good(&self, who: Who) -> Turned<Result<(), String>> {
        match self.known(Need::Login(who), self.seen.logins.get(&who))? {
            LoginAnswer::Accepted => Ok(Ok(())),
            LoginAnswer::Refused { why } => Ok(Err(why.clone())),
        }
    }

    pub(super) fn unless_patient(&self, need: Need, otherwise: Turn) -> Turned {
        Ok(if self.seen.is_patient { Turn::Again(need) } else { otherwise })
    }

    pub(super) fn wait(&self, wait: Wait) -> Turn {
        Turn::End(Ending::Wait { wait, look_at: self.later(SOON) })
    }

    pub(super) fn later(&self, length: SignedDuration) -> Timestamp {
        self.now.saturating_add(length).unwrap_or(Timestamp::MAX)
    }
}
