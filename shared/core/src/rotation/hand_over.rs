//! The hand-over of a version to its readers: they are told, followed, and the old credential goes once they do without it.
//!
//! Owns what is proof enough to take something away, and how long readers may take. Keys that are issued elsewhere are watched
//! here too: their hand-over ends with a person.

use jiff::SignedDuration;

use super::decide::{Desk, SOON, Turned, done, stop};
use super::ending::{Done, Ending, Stop, Wait};
use super::observation::{CurrentNow, SecretNow, Who};
use super::plan::{Deed, Need, Turn};
use super::readers::{ReaderNow, ReaderState};
use super::record::HandOver;
use super::request::{Request, Why};
use crate::fleet::{Issued, Postgresql, PostgresqlUsers, SecretKind};
use crate::outcome::Mode;

/// What has not changed for an hour is looked at again after this.
const LATER: SignedDuration = SignedDuration::from_mins(15);
/// Readers have this long before a person is told.
const READERS_MAY_TAKE: SignedDuration = SignedDuration::from_mins(45);
/// A rotation waits for the readers of the last one for this long, then it is given up.
pub(super) const READERS_AT_MOST: SignedDuration = SignedDuration::from_hours(24);

impl Desk<'_> {
    /// The version is current: readers are told, followed, and the old credential is taken away once they do without it.
    pub(super) fn hand_over(&self, secret: &SecretNow, version: &str) -> Turned {
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
            let is_asked = matches!(self.request, Request::Carry { why: Why::Asked });
            if has_failed && is_asked && !self.seen.has_done(&Deed::StartReadersAgain) {
                return Ok(Turn::Do(Deed::StartReadersAgain));
            }
            if !unready.is_empty() {
                return Ok(self.wait_for_readers(&over, unready, has_failed));
            }
        }
        let is_news = over.proven_at.is_none();
        match self.policy.secret.kind {
            SecretKind::Redis(_) | SecretKind::Elasticache(_) if over.retired_at.is_none() && self.policy.mode == Mode::Act => {
                self.retire(secret)
            }
            _ if is_news => Ok(done(Done::HandedOver { gap_seconds: self.gap_seconds(&over)? })),
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

    /// From when the old credential was refused until the last reader was healthy with the new one.
    fn gap_seconds(&self, over: &HandOver) -> Turned<Option<i64>> {
        let Some(set_at) = over.set_at.filter(|_| self.has_gap()) else { return Ok(None) };
        let last = self.readers()?.iter().filter_map(|reader| reader.state.proven_at()).max();
        Ok(last.map(|last| last.duration_since(set_at).as_secs().max(0)))
    }

    /// Whether the old credential is refused as soon as the new one is set.
    pub(super) fn has_gap(&self) -> bool {
        matches!(self.policy.secret.kind, SecretKind::Postgresql(Postgresql { users: PostgresqlUsers::Single, .. }))
    }
}

/// Who is not ready, and why; empty if all are.
pub(super) fn unready(readers: &[ReaderNow]) -> String {
    let unready = readers.iter().filter(|reader| !reader.state.is_ready());
    unready.map(|reader| format!("{} {}", reader.key.service, reader.state.word())).collect::<Vec<_>>().join(", ")
}
