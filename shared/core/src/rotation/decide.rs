//! What to do next about one secret: something is to be read, one thing is to be done, or the look has ended.
//!
//! Pure and total. Sees facts, never values. Whatever was done before, by whom and how often, the same rules go on from what
//! is there: a step that is repeated finds its work done. One rule stands above all: at every instant one of the pending, the
//! current and the previous version holds a credential that is good.

use jiff::{SignedDuration, Timestamp};

use super::document::DocumentProblem;
use super::ending::{Done, Ending, Stop, Wait};
use super::observation::{CURRENT, PENDING, Seen};
use super::plan::{Deed, Need, SecretPolicy, Turn};
use super::request::{Request, StepEvent, StepName, Why};
use crate::ports::{PortError, PortErrorKind};

/// A rotation that nobody goes on with is taken up after this: longer than Secrets Manager's own attempts are apart.
const ABANDONED_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// Something that changes by itself is looked at again after this.
pub(super) const SOON: SignedDuration = SignedDuration::from_mins(2);

/// What comes next, from what is known.
pub fn decide(request: &Request, seen: &Seen, policy: &SecretPolicy<'_>, now: Timestamp) -> Turn {
    let desk = Desk { request, seen, policy, now };
    let turn = match request {
        Request::Step(event) => desk.step(event),
        Request::Carry { why } => desk.carry(*why == Why::Sweep),
    };
    turn.unwrap_or_else(|turn| turn)
}

/// What a deed that failed means; none if the look goes on as if it were done.
pub fn failed_deed(deed: &Deed, request: &Request, error: &PortError, now: Timestamp) -> Option<Ending> {
    match (deed, request, error.kind) {
        // The version has another value by now: ours is forgotten, and that one is read.
        (Deed::PutPending, _, PortErrorKind::Conflict) => None,
        // The version is current. Secrets Manager's own event wakes the readers too, and the next look finds them untold.
        (Deed::WakeReaders, Request::Step(_), _) => {
            let look_at = failed(error, now).look_at().unwrap_or(now);
            Some(Ending::Done { done: Done::Finished, look_at: Some(look_at) })
        }
        _ => Some(failed(error, now)),
    }
}

/// How a look ends when something could not be done or read.
pub fn failed(error: &PortError, now: Timestamp) -> Ending {
    let error = error.clone();
    match error.kind.may_pass() {
        true => Ending::Wait { wait: Wait::Unavailable { error }, look_at: now.saturating_add(SOON).unwrap_or(Timestamp::MAX) },
        false => Ending::Stop(Stop::Denied { error }),
    }
}

/// One decision being made. `Err` is a turn that ends it early: something has to be read or done first.
pub(super) struct Desk<'a> {
    pub(super) request: &'a Request,
    pub(super) seen: &'a Seen,
    pub(super) policy: &'a SecretPolicy<'a>,
    pub(super) now: Timestamp,
}

pub(super) type Turned<T = Turn> = Result<T, Turn>;

pub(super) fn done(done: Done) -> Turn {
    Turn::End(Ending::Done { done, look_at: None })
}

pub(super) fn stop(stop: Stop) -> Turn {
    Turn::End(Ending::Stop(stop))
}

impl<'a> Desk<'a> {
    /// One step of Secrets Manager's, and no other.
    fn step(&self, event: &StepEvent) -> Turned {
        let secret = self.usable_secret()?;
        if !secret.rotation_enabled {
            return self.unless_patient(Need::Secret, stop(Stop::RotationNotEnabled));
        }
        if !secret.versions.contains_key(&event.token) {
            // RotateSecret makes the version just before the first step; descriptions may lag behind.
            return self.unless_patient(Need::Secret, stop(Stop::VersionUnknown));
        }
        match (secret.has(&event.token, CURRENT), secret.has(&event.token, PENDING), event.step) {
            (true, _, StepName::Finish) => self.hand_over(secret, &event.token),
            (true, ..) => Ok(done(Done::AlreadyCurrent)),
            (false, false, _) => self.unless_patient(Need::Secret, stop(Stop::NotPending)),
            (false, true, step) => self.one(step, secret, &event.token),
        }
    }

    /// Whatever is left to do.
    fn carry(&self, is_sweep: bool) -> Turned {
        let secret = self.secret()?;
        if secret.is_replica {
            return Ok(done(Done::Replica));
        }
        let secret = self.usable_secret()?;
        match (secret.unfinished(), secret.current()) {
            (Some(token), _) => {
                if is_sweep && self.is_fresh(token)? {
                    return Ok(done(Done::LeftToSecretsManager));
                }
                for step in StepName::ALL {
                    match self.one(step, secret, token)? {
                        Turn::End(Ending::Done { .. }) => {}
                        other => return Ok(other),
                    }
                }
                Ok(done(Done::Quiet))
            }
            (None, Some(current)) => self.hand_over(secret, current),
            (None, None) => Ok(stop(Stop::CurrentUnusable { problem: DocumentProblem::NoValue })),
        }
    }

    /// Whether Secrets Manager may still be at it.
    fn is_fresh(&self, token: &str) -> Turned<bool> {
        let seen = self.record()?.pending.as_ref().filter(|pending| pending.token == token);
        Ok(seen.is_none_or(|pending| self.now.duration_since(pending.since) < ABANDONED_AFTER))
    }
}
