//! What to do next about one secret: something is to be read, one thing is to be done, or the look has ended.
//!
//! Pure and total. Sees facts, never values. Whatever was done before, by whom and how often, the same rules go on from what
//! is there: a step that is repeated finds its work done. One rule stands above all: at every instant one of the pending, the
//! current and the previous version holds a credential that is good.

use jiff::{SignedDuration, Timestamp};

use super::document::DocumentProblem;
use super::ending::{Done, Ending, Stop, Wait, tried};
use super::observation::{CURRENT, CurrentNow, PENDING, PendingNow, SecretNow, Seen, Who};
use super::ports::{ClusterNow, LoginAnswer};
use super::readers::{ReaderNow, ReaderState};
use super::record::{HandOver, RotationRecord};
use super::request::{Request, StepEvent, StepName};
use crate::fleet::{Elasticache, Issued, ManagedSecret, Postgresql, PostgresqlUsers, SecretKind, SecretName, SystemName};
use crate::ledger::Pause;
use crate::outcome::Mode;
use crate::ports::{PortError, PortErrorKind};

/// A rotation that nobody goes on with is taken up after this: longer than Secrets Manager's own attempts are apart.
pub(super) const ABANDONED_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// Something that changes by itself is looked at again after this.
const SOON: SignedDuration = SignedDuration::from_mins(2);
/// What has not changed for an hour is looked at so often.
const LATER: SignedDuration = SignedDuration::from_mins(15);
/// Readers have this long before a person is told.
pub(super) const READERS_MAY_TAKE: SignedDuration = SignedDuration::from_mins(45);
/// A rotation waits for the readers of the last one for this long, then it is given up.
const READERS_AT_MOST: SignedDuration = SignedDuration::from_hours(24);

/// What says that a secret is not there.
const DESCRIBE_SECRET: &str = "secretsmanager:DescribeSecret";

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

/// What comes next, from what is known.
pub fn decide(request: &Request, seen: &Seen, policy: &SecretPolicy<'_>, now: Timestamp) -> Turn {
    let desk = Desk { request, seen, policy, now };
    let turn = match request {
        Request::Step(event) => desk.step(event),
        Request::Carry { is_sweep } => desk.carry(*is_sweep),
    };
    turn.unwrap_or_else(|turn| turn)
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
struct Desk<'a> {
    request: &'a Request,
    seen: &'a Seen,
    policy: &'a SecretPolicy<'a>,
    now: Timestamp,
}

type Turned<T = Turn> = Result<T, Turn>;

fn done(done: Done) -> Turn {
    Turn::End(Ending::Done { done, look_at: None })
}

fn stop(stop: Stop) -> Turn {
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

    fn one(&self, step: StepName, secret: &SecretNow, token: &str) -> Turned {
        match step {
            StepName::Create => self.create(secret, token),
            StepName::Set => self.set(token),
            StepName::Test => self.test(token),
            StepName::Finish => self.finish(secret, token),
        }
    }

    // ---- create ----------------------------------------------------------------------------------------------------

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

    // ---- set -------------------------------------------------------------------------------------------------------

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

    fn needs_admin(&self) -> Turned<()> {
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

    // ---- test and finish -------------------------------------------------------------------------------------------

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
        // Whoever asks for the last step without the others must not get an empty version for the current one.
        self.together(&[Need::Pending, Need::Current])?;
        self.needs_value()?;
        Ok(Turn::Do(deed))
    }

    // ---- the hand-over to the readers ------------------------------------------------------------------------------

    /// The version is current: readers are told, followed, and the old credential is taken away once they do without it.
    fn hand_over(&self, secret: &SecretNow, version: &str) -> Turned {
        self.together(&[Need::Record])?;
        let is_step = matches!(self.request, Request::Step(_));
        let Some(over) = self.present_hand_over(version, is_step)? else { return Ok(done(Done::Adopted)) };
        if self.policy.mode == Mode::Observe && over.proven_at.is_none() {
            return Ok(stop(Stop::Observe));
        }
        if over.told_readers_at.is_none() && !self.seen.has_done(&Deed::WakeReaders) {
            return Ok(Turn::Do(Deed::WakeReaders));
        }
        if is_step {
            return Ok(Turn::End(Ending::Done { done: Done::Finished, look_at: Some(self.later(SOON)) }));
        }
        if over.proven_at.is_none() {
            let readers = self.readers()?;
            let unready = unready(readers);
            let has_failed = readers.iter().any(|reader| matches!(reader.state, ReaderState::Failed { .. }));
            if !unready.is_empty() {
                return Ok(self.wait_for_readers(&over, unready, has_failed));
            }
        }
        let gap = over.set_at.filter(|_| self.has_gap()).map(|set| over.proven_at.unwrap_or(self.now).duration_since(set).as_secs());
        let is_news = over.proven_at.is_none();
        match self.policy.secret.kind {
            SecretKind::Redis(_) | SecretKind::Elasticache(_) if over.retired_at.is_none() && self.policy.mode == Mode::Act => {
                self.retire(secret)
            }
            _ if is_news => Ok(done(Done::HandedOver { gap_seconds: gap })),
            SecretKind::Issued(ref issued) => self.watch(issued),
            _ => Ok(done(Done::Quiet)),
        }
    }

    /// The hand-over of this version; none if the secret is seen for the first time and was not rotated by us.
    fn present_hand_over(&self, version: &str, is_step: bool) -> Turned<Option<HandOver>> {
        let begun_now = |set_at| HandOver { version: version.to_owned(), since: self.now, set_at, ..HandOver::default() };
        let record = match self.record() {
            Ok(record) => record,
            // Without memory readers are told all the same: doing it twice restarts them once.
            Err(Turn::End(_)) if is_step => return Ok(Some(begun_now(None))),
            Err(turn) => return Err(turn),
        };
        let ours = record.pending.as_ref().filter(|pending| pending.token == version);
        match (&record.hand_over, ours) {
            (Some(over), _) if over.version == version => Ok(Some(over.clone())),
            (None, None) if !is_step && self.seen.done.is_empty() => Ok(None),
            (_, ours) => Ok(Some(begun_now(ours.and_then(|pending| pending.set_at)))),
        }
    }

    fn wait_for_readers(&self, over: &HandOver, readers: String, has_failed: bool) -> Turn {
        let lasts = self.now.duration_since(over.since);
        let is_late = has_failed || lasts > READERS_MAY_TAKE;
        let look_at = self.later(if lasts > READERS_MAY_TAKE { LATER } else { SOON });
        Turn::End(Ending::Wait { wait: Wait::ReadersNotReady { readers, is_late }, look_at })
    }

    /// The old credential is made useless, where readers are known and proven to do without it.
    fn retire(&self, secret: &SecretNow) -> Turned {
        if self.readers()?.is_empty() {
            return Ok(done(Done::OldKept));
        }
        if let Some(pause) = self.pause() {
            return Ok(Turn::End(Ending::Wait { wait: Wait::Paused { until: pause.until }, look_at: pause.until }));
        }
        if secret.unfinished().is_some() {
            return Ok(done(Done::Quiet));
        }
        let retired = || Ok(done(Done::HandedOver { gap_seconds: None }));
        match &self.policy.secret.kind {
            SecretKind::Elasticache(_) => {
                self.together(&[Need::Current, Need::Cluster])?;
                let cluster = self.cluster()?;
                match (cluster.is_settled, self.seen.has_done(&Deed::SettleCluster)) {
                    (_, true) => retired(),
                    (false, false) => Ok(self.wait(Wait::ClusterChanging { status: cluster.status.clone() })),
                    (true, false) => match self.is_good(Who::Current)? {
                        Ok(()) => Ok(Turn::Do(Deed::SettleCluster)),
                        Err(why) => Ok(self.wait(Wait::CredentialRefused { why })),
                    },
                }
            }
            _ => {
                self.together(&[Need::Current])?;
                let via = match self.is_good(Who::Current)? {
                    Ok(()) if self.policy.secret.kind.admin_secret().is_none() => Who::Current,
                    Ok(()) => {
                        self.needs_admin()?;
                        Who::Admin
                    }
                    Err(why) => return Ok(self.wait(Wait::CredentialRefused { why })),
                };
                let has_kept = self.seen.done.iter().any(|deed| matches!(deed, Deed::KeepNew { .. }));
                if has_kept { retired() } else { Ok(Turn::Do(Deed::KeepNew { via })) }
            }
        }
    }

    /// A key that is issued elsewhere: is it good, and for how long yet?
    fn watch(&self, issued: &Issued) -> Turned {
        let created_at = match self.current()? {
            CurrentNow::Good { created_at, .. } => *created_at,
            CurrentNow::Absent => return Ok(stop(Stop::NeedsAPerson)),
            CurrentNow::Unreadable(problem) => return Ok(stop(Stop::CurrentUnusable { problem: problem.clone() })),
        };
        if issued.probe.is_some()
            && let Err(why) = self.is_good(Who::Current)?
        {
            return Ok(done(Done::KeyRefused { why }));
        }
        let length = |seconds: crate::fleet::Seconds| SignedDuration::from_secs(i64::from(seconds.get()));
        let due_at = created_at.and_then(|made| made.checked_add(length(issued.max_age)).ok());
        match due_at {
            Some(due_at) if self.later(length(issued.warn_before)) >= due_at => Ok(done(Done::KeyDue { due_at })),
            _ => Ok(done(Done::Quiet)),
        }
    }

    /// Whether the old credential is refused as soon as the new one is set.
    fn has_gap(&self) -> bool {
        matches!(self.policy.secret.kind, SecretKind::Postgresql(Postgresql { users: PostgresqlUsers::Single, .. }))
    }

    // ---- what is known ---------------------------------------------------------------------------------------------

    /// Everything that is missing of these is read together.
    fn together(&self, needs: &[Need]) -> Turned<()> {
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
    fn known<T>(&self, need: Need, reading: Option<&'a Result<T, PortError>>) -> Turned<&'a T> {
        match reading {
            None => Err(Turn::Read(vec![need])),
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(self.trouble(error)),
        }
    }

    fn trouble(&self, error: &PortError) -> Turn {
        match error.kind {
            PortErrorKind::NotFound if error.operation == DESCRIBE_SECRET && self.policy.is_home => stop(Stop::SecretMissing),
            PortErrorKind::NotFound if error.operation == DESCRIBE_SECRET => done(Done::Replica),
            _ => Turn::End(failed(error, self.now)),
        }
    }

    fn secret(&self) -> Turned<&'a SecretNow> {
        self.together(&[Need::Secret, Need::Record])?;
        self.known(Need::Secret, self.seen.secret.as_ref())
    }

    fn usable_secret(&self) -> Turned<&'a SecretNow> {
        let secret = self.secret()?;
        match (secret.is_deleted, self.policy.mode) {
            (true, _) => Err(stop(Stop::SecretDeleted)),
            // Nothing may be changed, and a step that is answered with success counts as done.
            (false, Mode::Observe) if matches!(self.request, Request::Step(_)) || secret.unfinished().is_some() => Err(stop(Stop::Observe)),
            (false, _) => Ok(secret),
        }
    }

    fn record(&self) -> Turned<&'a RotationRecord> {
        self.known(Need::Record, self.seen.record.as_ref()).map(|view| &view.record)
    }

    fn pause(&self) -> Option<&'a Pause> {
        self.seen.record.as_ref()?.as_ref().ok()?.pause.as_ref().filter(|pause| pause.until > self.now)
    }

    fn pending(&self) -> Turned<&'a PendingNow> {
        self.known(Need::Pending, self.seen.pending.as_ref())
    }

    fn current(&self) -> Turned<&'a CurrentNow> {
        self.known(Need::Current, self.seen.current.as_ref())
    }

    fn cluster(&self) -> Turned<&'a ClusterNow> {
        self.known(Need::Cluster, self.seen.cluster.as_ref())
    }

    fn readers(&self) -> Turned<&'a [ReaderNow]> {
        self.known(Need::Readers, self.seen.readers.as_ref()).map(Vec::as_slice)
    }

    /// The new value must be there; one that was put a moment ago may not show yet.
    fn needs_value(&self) -> Turned<()> {
        match self.pending()? {
            PendingNow::Good { .. } | PendingNow::Differs(_) => Ok(()),
            PendingNow::Absent => Err(self.unless_patient(Need::Pending, self.wait(Wait::ValueNotReadable)).unwrap_or_else(|turn| turn)),
            PendingNow::Unreadable(problem) => Err(stop(Stop::PendingDropped { problem: problem.clone() })),
        }
    }

    /// Whether a credential is good; the server's words if it is not. A server that does not answer ends the look.
    fn is_good(&self, who: Who) -> Turned<Result<(), String>> {
        match self.known(Need::Login(who), self.seen.logins.get(&who))? {
            LoginAnswer::Accepted => Ok(Ok(())),
            LoginAnswer::Refused { why } => Ok(Err(why.clone())),
        }
    }

    fn unless_patient(&self, need: Need, otherwise: Turn) -> Turned {
        Ok(if self.seen.is_patient { Turn::Again(need) } else { otherwise })
    }

    fn wait(&self, wait: Wait) -> Turn {
        Turn::End(Ending::Wait { wait, look_at: self.later(SOON) })
    }

    fn later(&self, length: SignedDuration) -> Timestamp {
        self.now.saturating_add(length).unwrap_or(Timestamp::MAX)
    }
}

fn unready(readers: &[ReaderNow]) -> String {
    let unready = readers.iter().filter(|reader| !reader.state.is_ready());
    unready.map(|reader| format!("{} {}", reader.key.service, reader.state.word())).collect::<Vec<_>>().join(", ")
}

impl Elasticache {
    /// Whether its AUTH token is what rotates.
    pub fn is_token(&self) -> bool {
        self.user_id.is_none()
    }
}
