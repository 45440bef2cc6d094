//! The four steps: a new value, set where it is used, tried, and made current.
//!
//! Owns what each step may do from what is there. Must never set a credential that readers still have, nor one that does not
//! follow on the current version.

use super::decide::{Desk, SOON, Turned, done, stop};
use super::document::DocumentProblem;
use super::ending::{Done, Ending, Stop, Wait, tried};
use super::hand_over::{READERS_AT_MOST, unready};
use super::observation::{CURRENT, CurrentNow, PendingNow, SecretNow, Who};
use super::plan::{Deed, Need, Turn};
use super::request::StepName;
use crate::fleet::{Issued, Postgresql, PostgresqlUsers, SecretKind};

impl Desk<'_> {
    pub(super) fn one(&self, step: StepName, secret: &SecretNow, token: &str) -> Turned {
        match step {
            StepName::Create => self.create(secret, token),
            StepName::Set => self.set(token),
            StepName::Test => self.test(token),
            StepName::Finish => self.finish(secret, token),
        }
    }

    fn create(&self, secret: &SecretNow, token: &str) -> Turned {
        self.together(&[Need::Record, Need::Pending, Need::Current])?;
        match (self.pending()?, &self.policy.secret.kind) {
            (PendingNow::Good { .. }, _) if self.seen.has_done(&Deed::PutPending) => Ok(done(Done::ValueMade)),
            (PendingNow::Good { .. }, _) => Ok(done(Done::ValueThere)),
            (PendingNow::Unreadable(problem), _) => self.give_up(token, Stop::PendingDropped { problem: problem.clone() }),
            (PendingNow::Differs(problem), SecretKind::Keys(_) | SecretKind::Issued(_)) => {
                self.give_up(token, Stop::PendingDropped { problem: problem.clone() })
            }
            (PendingNow::Differs(problem), _) => match self.is_good(Who::Pending)? {
                // It was set before the current version was changed: the way on is the safe one.
                Ok(()) => Ok(done(Done::ValueThere)),
                Err(_) => self.give_up(token, Stop::PendingDropped { problem: problem.clone() }),
            },
            (PendingNow::Absent, _) if self.seen.has_done(&Deed::PutPending) => {
                self.unless_patient(Need::Pending, self.wait(Wait::ValueNotReadable))
            }
            (PendingNow::Absent, SecretKind::Issued(_)) => self.give_up(token, Stop::NeedsAPerson),
            (PendingNow::Absent, _) => self.make_value(secret, token),
        }
    }

    fn make_value(&self, secret: &SecretNow, token: &str) -> Turned {
        if let Some(pause) = self.pause() {
            let look_at = pause.until.min(self.later(READERS_AT_MOST));
            return Ok(Turn::End(Ending::Wait { wait: Wait::Paused { until: pause.until }, look_at }));
        }
        if let CurrentNow::Unreadable(problem) = self.current()? {
            return Ok(stop(Stop::CurrentUnusable { problem: problem.clone() }));
        }
        if matches!(self.current()?, CurrentNow::Absent) {
            let problem = DocumentProblem::NoValue;
            return self.unless_patient(Need::Current, stop(Stop::CurrentUnusable { problem }));
        }
        if self.makes_older_useless() {
            // What is not known is no proof: without the record nobody's credential is taken away.
            let over = self.record()?.hand_over.as_ref().filter(|over| secret.has(&over.version, CURRENT));
            let is_proven = over.is_none_or(|over| over.proven_at.is_some());
            let unready = if is_proven { String::new() } else { unready(self.readers()?) };
            let is_over = over.is_some_and(|over| self.now.duration_since(over.since) > READERS_AT_MOST);
            match (unready.is_empty(), is_over) {
                (true, _) => {}
                (false, true) => return self.give_up(token, Stop::ReadersNeverReady { readers: unready }),
                (false, false) => return Ok(self.wait(Wait::ReadersNotReady { readers: unready, is_late: true })),
            }
        }
        Ok(Turn::Do(Deed::PutPending))
    }

    /// Whether setting the next credential takes away the one before the current: readers must have left that.
    fn makes_older_useless(&self) -> bool {
        !matches!(
            self.policy.secret.kind,
            SecretKind::Postgresql(Postgresql { users: PostgresqlUsers::Single, .. }) | SecretKind::Issued(_)
        )
    }

    /// The version that is being made is of no use: without its label the next rotation can begin.
    fn give_up(&self, token: &str, why: Stop) -> Turned {
        let deed = Deed::DropPending { version: token.to_owned() };
        Ok(if self.seen.has_done(&deed) { stop(why) } else { Turn::Do(deed) })
    }

    fn set(&self, token: &str) -> Turned {
        match &self.policy.secret.kind {
            SecretKind::Keys(_) | SecretKind::Issued(_) => {
                self.needs_value()?;
                Ok(done(Done::NothingToSet))
            }
            SecretKind::Elasticache(_) => {
                self.together(&[Need::Pending, Need::Current, Need::Cluster])?;
                self.needs_value()?;
                self.set_cluster()
            }
            kind => {
                self.together(&[Need::Pending, Need::Current])?;
                self.needs_value()?;
                self.set_server(kind, token)
            }
        }
    }

    fn set_server(&self, kind: &SecretKind, token: &str) -> Turned {
        let Err(why) = self.is_good(Who::Pending)? else {
            let has_set = self.seen.done.iter().any(Deed::sets_credential);
            // From here on readers of a single user cannot log in: should nobody take the next step, we do.
            let look_at = (has_set && self.has_gap()).then(|| self.later(SOON));
            let done = if has_set { Done::CredentialSet } else { Done::CredentialThere };
            return Ok(Turn::End(Ending::Done { done, look_at }));
        };
        // A version that does not go on from the current one must not be set: the user may be the one that readers have.
        if let PendingNow::Differs(problem) = self.pending()? {
            return self.give_up(token, Stop::PendingDropped { problem: problem.clone() });
        }
        let deed = match kind {
            SecretKind::Postgresql(Postgresql { users: PostgresqlUsers::Alternating, .. }) => {
                self.needs_admin()?;
                Deed::SetTwin
            }
            SecretKind::Redis(_) if kind.admin_secret().is_some() => {
                self.needs_admin()?;
                Deed::SetBoth { via: Who::Admin }
            }
            SecretKind::Redis(_) => Deed::SetBoth { via: self.way_in()? },
            _ => Deed::SetPassword { via: self.way_in()? },
        };
        Ok(if self.seen.has_done(&deed) { stop(Stop::NoEffect { why }) } else { Turn::Do(deed) })
    }

    /// As whom to log in to change the user: as itself with what is good, else as the admin.
    fn way_in(&self) -> Turned<Who> {
        let mut whys = Vec::new();
        for who in [Who::Current, Who::Previous] {
            match self.is_good(who)? {
                Ok(()) => return Ok(who),
                Err(why) => whys.push(why),
            }
        }
        if self.policy.secret.kind.admin_secret().is_some() {
            self.needs_admin()?;
            return Ok(Who::Admin);
        }
        let why = whys.into_iter().next().unwrap_or_default();
        Err(stop(Stop::LockedOut { tried: tried(&[Who::Pending, Who::Current, Who::Previous]), why }))
    }

    pub(super) fn needs_admin(&self) -> Turned<()> {
        match self.is_good(Who::Admin)? {
            Ok(()) => Ok(()),
            Err(why) => Err(stop(Stop::AdminUnusable { why })),
        }
    }

    fn set_cluster(&self) -> Turned {
        let cluster = self.cluster()?;
        let has_changed = self.seen.has_done(&Deed::ChangeCluster);
        match self.is_good(Who::Pending)? {
            Ok(()) if cluster.is_settled && has_changed => Ok(done(Done::CredentialSet)),
            Ok(()) if cluster.is_settled => Ok(done(Done::CredentialThere)),
            _ if !cluster.is_settled => Ok(self.wait(Wait::ClusterChanging { status: cluster.status.clone() })),
            Err(why) if has_changed => Ok(self.wait(Wait::CredentialRefused { why })),
            Ok(()) | Err(_) => Ok(Turn::Do(Deed::ChangeCluster)),
        }
    }

    fn test(&self, token: &str) -> Turned {
        self.needs_value()?;
        match &self.policy.secret.kind {
            SecretKind::Keys(_) | SecretKind::Issued(Issued { probe: None, .. }) => Ok(done(Done::Tested)),
            SecretKind::Issued(_) => match self.is_good(Who::Pending)? {
                Ok(()) => Ok(done(Done::Tested)),
                Err(why) => self.give_up(token, Stop::KeyRefused { why }),
            },
            _ => match self.is_good(Who::Pending)? {
                Ok(()) => Ok(done(Done::Tested)),
                Err(why) => self.unless_patient(Need::Login(Who::Pending), self.wait(Wait::CredentialRefused { why })),
            },
        }
    }

    fn finish(&self, secret: &SecretNow, token: &str) -> Turned {
        let from = secret.current().map(str::to_owned);
        let deed = Deed::MakeCurrent { from, to: token.to_owned() };
        // After it the secret is read again and shows the version as current; a description that lags behind is read again.
        if self.seen.has_done(&deed) {
            return self.unless_patient(Need::Secret, self.wait(Wait::ValueNotReadable));
        }
        // Whoever asks for the last step without the others must not get a version for the current one that is empty, or that logs
        // in nowhere yet: readers would be started anew with it.
        self.together(&[Need::Pending, Need::Current])?;
        match self.test(token)? {
            Turn::End(Ending::Done { .. }) => Ok(Turn::Do(deed)),
            other => Ok(other),
        }
    }
}
