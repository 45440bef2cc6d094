//! The decision on a front end: wait for the end of the upload, make the invalidation, follow it.
//!
//! Pure. The batch is written down before CloudFront is asked, so that whoever comes after a crash asks for the same one.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::paths::fewest_paths;
use super::tell::FrontEndNote;
use super::{Batch, FrontEndKey, FrontEndSeen, FrontEndView, InvalidationNow, InvalidationStatus, Made, Pending, Work, later, settle_of};
use crate::fleet::FrontEnd;
use crate::ports::{PortError, PortErrorKind};
use crate::scale::{Reading, clock};

/// CloudFront's invalidations take seconds to a few minutes; after this people are told, and it is not followed further.
const LATE_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// The first look at a new invalidation; each further one after as long again, but at most after the next figure.
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(30);
const LONGEST_LOOK: SignedDuration = SignedDuration::from_mins(5);
/// What time can mend is tried again after this, what a person has to mend after the next figure, and given up after the last.
const RETRY_SOON: SignedDuration = SignedDuration::from_mins(1);
const RETRY_LATER: SignedDuration = SignedDuration::from_mins(15);
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// A pause may be ended early; it is looked for again after this at the latest.
const PAUSE_LOOK: SignedDuration = SignedDuration::from_mins(15);

/// What is to be done for a front end now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontEndPlan {
    /// Deterministic: the same front end, state and time have the same id.
    pub id: String,
    /// Which front end.
    pub key: FrontEndKey,
    /// The work as it is to be before the step is taken; none if it stays as it was read.
    pub work: Option<Work>,
    /// What the new batch takes out of what waits.
    pub takes: Option<Takes>,
    /// What is to be done.
    pub step: Option<Invalidate>,
    /// Why nothing more is done now.
    pub hold: Option<FrontEndHold>,
    /// What has come about and is told.
    pub notes: Vec<FrontEndNote>,
    /// When to look again.
    pub look_again_at: Option<Timestamp>,
}

/// How a new batch takes its paths out of what waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// All of them, if nothing arrived since they were counted.
    Quiet {
        /// The count that was seen.
        count: u64,
    },
    /// These, whatever arrived since: what arrived again is covered all the same, for CloudFront is asked only now.
    Overdue {
        /// The paths that were seen.
        paths: BTreeSet<String>,
        /// From when on the rest has waited.
        now: Timestamp,
    },
}

/// The one step: an invalidation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invalidate {
    /// Of which distribution.
    pub distribution: String,
    /// The batch's reference.
    pub reference: String,
    /// The paths.
    pub paths: Vec<String>,
}

/// Why nothing more is done now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum FrontEndHold {
    /// Nothing waits.
    Quiet,
    /// Files still arrive.
    Settling {
        /// When the upload counts as complete if no more arrive.
        until: Timestamp,
    },
    /// CloudFront tells its edges.
    InProgress {
        /// Since when.
        since: Timestamp,
    },
    /// A person has paused it.
    Paused {
        /// Who.
        by: String,
        /// Why.
        why: String,
        /// Until when.
        until: Timestamp,
    },
    /// Another invocation was first.
    Busy,
    /// Something could not be read.
    Unreadable {
        /// What.
        what: String,
        /// What AWS said.
        error: PortError,
    },
}

impl FrontEndHold {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Settling { .. } => "settling",
            Self::InProgress { .. } => "invalidation_in_progress",
            Self::Paused { .. } => "paused",
            Self::Busy => "busy",
            Self::Unreadable { .. } => "unreadable",
        }
    }
}

impl fmt::Display for FrontEndHold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quiet => out.write_str("no file has arrived"),
            Self::Settling { until } => write!(out, "files still arrive; the upload counts as complete at {}", clock(*until)),
            Self::InProgress { since } => write!(out, "CloudFront's invalidation is in progress since {}", clock(*since)),
            Self::Paused { by, why, until } => write!(out, "paused by {by} until {} ({why})", clock(*until)),
            Self::Busy => out.write_str("another invocation was first, or files arrived meanwhile"),
            Self::Unreadable { what, error } => write!(out, "{what} could not be read: {error}"),
        }
    }
}

/// What is to be done.
pub fn decide_front_end(key: &FrontEndKey, front_end: &FrontEnd, seen: &FrontEndSeen, now: Timestamp) -> FrontEndPlan {
    let mut plan = FrontEndPlan {
        id: format!("front-end-{}-{}-{}", key.system, key.name, now.as_millisecond()),
        key: key.clone(),
        work: None,
        takes: None,
        step: None,
        hold: None,
        notes: Vec::new(),
        look_again_at: None,
    };
    match &seen.view {
        Err(error) => plan.unreadable("the ledger", error, now),
        Ok(view) => {
            plan.with_batch(front_end, view, seen.invalidation.as_ref(), now);
            if plan.hold.is_none() && plan.step.is_none() {
                plan.with_pending(front_end, view, now);
            }
        }
    }
    plan
}

impl FrontEndPlan {
    /// What becomes of the batch in hand; neither hold nor step afterwards means that there is none any more.
    fn with_batch(&mut self, front_end: &FrontEnd, view: &FrontEndView, reading: Option<&Reading<InvalidationNow>>, now: Timestamp) {
        let Some(batch) = &view.work.batch else { return };
        let Some(made) = &batch.made else { return self.make(front_end, view, batch, now) };
        let waited = now.duration_since(made.at);
        match reading {
            Some(Ok(InvalidationNow { status: InvalidationStatus::Completed, .. })) => {
                self.end(&view.work, FrontEndNote::completed(batch, made, now));
            }
            Some(Err(error)) if error.kind == PortErrorKind::NotFound => {
                self.end(&view.work, FrontEndNote::lost(batch, made, error));
            }
            _ if waited >= LATE_AFTER => self.end(&view.work, FrontEndNote::late(batch, made)),
            Some(Err(error)) => self.unreadable("the invalidation", error, now),
            Some(Ok(_)) | None => {
                let wait = waited.clamp(FIRST_LOOK, LONGEST_LOOK);
                self.hold = Some(FrontEndHold::InProgress { since: made.at });
                self.look_again_at = Some(later(now, wait).min(later(made.at, LATE_AFTER)));
            }
        }
    }

    /// The invalidation of a batch that was written down and, as far as is known, not made.
    fn make(&mut self, front_end: &FrontEnd, view: &FrontEndView, batch: &Batch, now: Timestamp) {
        if now.duration_since(batch.taken_at) >= GIVE_UP_AFTER {
            return self.end(&view.work, FrontEndNote::given_up(batch));
        }
        if !self.is_paused(view, now) {
            self.step = Some(step_of(front_end, batch));
        }
    }

    /// What arrived becomes the next batch once the upload is complete.
    fn with_pending(&mut self, front_end: &FrontEnd, view: &FrontEndView, now: Timestamp) {
        let Some(pending) = &view.uploads.pending else {
            self.hold = Some(FrontEndHold::Quiet);
            return;
        };
        let due = pending.due(front_end);
        if due > now {
            self.hold = Some(FrontEndHold::Settling { until: due });
            self.look_again_at = Some(due);
        } else if !self.is_paused(view, now) {
            let batch = self.batch_of(pending, now);
            let is_quiet = later(pending.last, settle_of(front_end)) <= now;
            self.takes = Some(match is_quiet {
                true => Takes::Quiet { count: view.uploads.count },
                false => Takes::Overdue { paths: pending.paths.clone(), now },
            });
            self.step = Some(step_of(front_end, &batch));
            self.work = Some(Work { version: view.work.version + 1, batch: Some(batch), told: None });
        }
    }

    fn batch_of(&self, pending: &Pending, now: Timestamp) -> Batch {
        let reference = format!("nightshift-{}-{}-{}", self.key.system, self.key.name, now.as_millisecond());
        Batch { reference, paths: fewest_paths(&pending.paths), first: pending.first, taken_at: now, made: None }
    }

    fn end(&mut self, work: &Work, note: FrontEndNote) {
        self.notes.push(note);
        self.work = Some(Work { version: work.version + 1, batch: None, told: None });
    }

    fn is_paused(&mut self, view: &FrontEndView, now: Timestamp) -> bool {
        let Some(pause) = view.pause.as_ref().filter(|pause| pause.until > now) else { return false };
        self.hold = Some(FrontEndHold::Paused { by: pause.by.clone(), why: pause.why.clone(), until: pause.until });
        self.look_again_at = Some(pause.until.min(later(now, PAUSE_LOOK)));
        true
    }

    fn unreadable(&mut self, what: &str, error: &PortError, now: Timestamp) {
        self.hold = Some(FrontEndHold::Unreadable { what: what.to_owned(), error: error.clone() });
        self.look_again_at = Some(later(now, retry_after(error)));
    }

    /// The plan after the ledger refused it: somebody was first, or another file arrived.
    #[must_use]
    pub fn contended(self, now: Timestamp) -> Self {
        let look_again_at = Some(later(now, FIRST_LOOK));
        Self { work: None, takes: None, step: None, hold: Some(FrontEndHold::Busy), notes: Vec::new(), look_again_at, ..self }
    }
}

fn step_of(front_end: &FrontEnd, batch: &Batch) -> Invalidate {
    // The distribution of today's fleet file: a wrong one that was corrected is made good by the next look.
    Invalidate { distribution: front_end.distribution.clone(), reference: batch.reference.clone(), paths: batch.paths.clone() }
}

fn retry_after(error: &PortError) -> SignedDuration {
    if error.kind.may_pass() { RETRY_SOON } else { RETRY_LATER }
}

/// What became of the step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum Taken {
    /// CloudFront has it.
    Done {
        /// As it was then.
        invalidation: InvalidationNow,
    },
    /// It would have been made; the mode is `observe`.
    WouldHaveDone,
    /// CloudFront refused or did not answer.
    Failed {
        /// How.
        error: PortError,
    },
}

/// What follows from the step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct After {
    /// The work as it is to be now; none if it stays.
    pub work: Option<Work>,
    /// What has come about and is told.
    pub notes: Vec<FrontEndNote>,
    /// When to look again.
    pub look_again_at: Option<Timestamp>,
}

/// The work after the step: `work` is how it was written, or read, before it.
pub fn after_step(front_end: &FrontEnd, plan: &FrontEndPlan, work: &Work, taken: &Taken, now: Timestamp) -> After {
    let Some(batch) = &work.batch else { return After { work: None, notes: Vec::new(), look_again_at: plan.look_again_at } };
    let next = |batch: Option<Batch>, told: Option<String>| Some(Work { version: work.version + 1, batch, told });
    // What arrived while an overdue batch was taken found a look arranged that has been by now.
    let rest = matches!(plan.takes, Some(Takes::Overdue { .. })).then(|| later(now, settle_of(front_end)));
    match taken {
        Taken::WouldHaveDone => {
            After { work: next(None, None), notes: vec![FrontEndNote::would_have(batch, front_end)], look_again_at: rest }
        }
        Taken::Done { invalidation } => {
            let made = Made { distribution: front_end.distribution.clone(), invalidation: invalidation.id.clone(), at: now };
            match invalidation.status {
                InvalidationStatus::Completed => {
                    After { work: next(None, None), notes: vec![FrontEndNote::completed(batch, &made, now)], look_again_at: rest }
                }
                InvalidationStatus::InProgress => {
                    let batch = Batch { made: Some(made), ..batch.clone() };
                    After { work: next(Some(batch), None), notes: Vec::new(), look_again_at: Some(later(now, FIRST_LOOK)) }
                }
            }
        }
        Taken::Failed { error } => {
            let token = format!("{}:{}", error.operation, error.kind);
            let is_news = work.told.as_deref() != Some(token.as_str());
            let is_worth_telling = !error.kind.may_pass() || now.duration_since(batch.taken_at) >= LATE_AFTER;
            let look_again_at = Some(later(now, retry_after(error)));
            match is_news && is_worth_telling {
                true => {
                    After { work: next(Some(batch.clone()), Some(token)), notes: vec![FrontEndNote::failed(batch, error)], look_again_at }
                }
                false => After { work: None, notes: Vec::new(), look_again_at },
            }
        }
    }
}
