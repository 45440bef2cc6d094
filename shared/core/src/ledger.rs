//! What Nightshift remembers of a service: lease and intent, cooldown marks, budget, pause, override, history.
//!
//! Pure values and the transitions between them; storing them is the port's. A record is always written whole, against the
//! version that was read, so two invocations never both win.

use std::borrow::Cow;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fleet::{Bounds, Direction, ServiceName, SystemName, TaskCount};
use crate::outcome::{StepOutcome, StepResult};
use crate::ports::PortErrorKind;
use crate::scale::{Plan, Step, StepTarget};

/// Which service a record is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceKey {
    /// The system.
    pub system: SystemName,
    /// The service.
    pub service: ServiceName,
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.system, self.service)
    }
}

/// Everything that the ledger knows about a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LedgerView {
    /// The service's record; the default one if there is none yet.
    pub record: ServiceRecord,
    /// A pause that holds for the service, its system or everything: the one that lasts longest.
    pub pause: Option<Pause>,
    /// Bounds that a person set for a while.
    pub bounds_override: Option<BoundsOverride>,
}

/// The state of one service between invocations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceRecord {
    /// Counts writes; 0 is "never written".
    pub version: u64,
    /// Who acts on the service now.
    #[serde(default)]
    pub lease: Option<Lease>,
    /// What that one is about to do; left behind if it dies.
    #[serde(default)]
    pub intent: Option<Intent>,
    /// The last time that we grew it.
    #[serde(default)]
    pub last_grow: Option<Mark>,
    /// The last time that we shrank it.
    #[serde(default)]
    pub last_shrink: Option<Mark>,
    /// When we acted, in the last hour.
    #[serde(default)]
    pub acted_at: Vec<Timestamp>,
    /// Which signals were dealt with, newest last.
    #[serde(default)]
    pub handled: Vec<Handled>,
    /// What people were told last about why nothing is done; told once, until something changes.
    #[serde(default)]
    pub told: Option<String>,
    /// The next arranged look.
    #[serde(default)]
    pub recheck_at: Option<Timestamp>,
}

/// Sole right to act on a service for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Token of the invocation that holds it.
    pub owner: String,
    /// From when on anybody may take it.
    pub until: Timestamp,
}

/// What an invocation is about to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The plan.
    pub plan_id: String,
    /// Up or down.
    pub direction: Direction,
    /// What is about to be set.
    pub target: StepTarget,
    /// From this desired count.
    pub from: TaskCount,
    /// To this one.
    pub to: TaskCount,
    /// Written when.
    pub at: Timestamp,
    /// The mark that this intent replaced, to be put back if it turns out that nothing was done.
    pub replaced: Option<Mark>,
}

/// One action of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: Timestamp,
    /// From this desired count.
    pub from: TaskCount,
    /// To this one.
    pub to: TaskCount,
}

/// A signal that was dealt with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handled {
    /// The signal's logical key.
    pub key: String,
    /// When it was dealt with.
    pub at: Timestamp,
}

/// A kill switch, for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// What it covers, as it was given: `all`, a system, or `system/service`.
    pub scope: String,
    /// Who set it.
    pub by: String,
    /// Why.
    pub why: String,
    /// Until when; a pause always ends.
    pub until: Timestamp,
}

/// Bounds that a person set for a while, over those of fleet file and calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundsOverride {
    /// The bounds.
    pub bounds: Bounds,
    /// Who set them.
    pub by: String,
    /// Why.
    pub why: String,
    /// Until when.
    pub until: Timestamp,
}

/// One line of the history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// The plan's id.
    pub plan_id: String,
    /// `grow`, `shrink` or `hold`.
    pub decision: String,
    /// The stable code of the reason.
    pub reason: String,
    /// The reason in words.
    pub text: String,
    /// `act` or `observe`.
    pub mode: String,
    /// The whole outcome as JSON, with the observation it rests on, for replay.
    pub outcome: serde_json::Value,
}

/// How many handled signals are remembered; an alarm transition redelivered after so many others is judged afresh, which is safe.
const HANDLED_KEPT: usize = 32;

impl ServiceRecord {
    /// The lease that holds now; whoever decides has none of its own yet.
    pub fn leased(&self, now: Timestamp) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| lease.until > now)
    }

    /// When a signal with this key was dealt with.
    pub fn handled_at(&self, key: &str) -> Option<Timestamp> {
        self.handled.iter().find(|handled| handled.key == key).map(|handled| handled.at)
    }

    /// How many actions there were in the hour before `now`, and when the oldest of them leaves that hour.
    pub fn spent_budget(&self, now: Timestamp) -> (usize, Option<Timestamp>) {
        let hour = SignedDuration::from_hours(1);
        let recent = || self.acted_at.iter().filter(|at| now.duration_since(**at) < hour);
        (recent().count(), recent().min().and_then(|oldest| oldest.checked_add(hour).ok()))
    }

    /// The record as it is to be judged: an intent that its writer left behind without effect (the target still has the
    /// value it had) is taken back, with its mark and its share of the budget; one that took effect stays as done.
    pub fn settled(&self, desired_now: impl Fn(&StepTarget) -> Option<TaskCount>) -> Cow<'_, Self> {
        let without_effect = |intent: &&Intent| desired_now(&intent.target) == Some(intent.from) && intent.from != intent.to;
        match self.intent.as_ref().filter(without_effect) {
            None => Cow::Borrowed(self),
            Some(intent) => {
                let mut record = self.clone();
                record.take_back(intent);
                Cow::Owned(record)
            }
        }
    }

    /// This record with lease and intent, its marks set as if done: written before the act.
    pub fn begun(&self, lease: Lease, plan: &Plan, step: &Step, now: Timestamp) -> Self {
        let direction = if step.to > step.from { Direction::Grow } else { Direction::Shrink };
        let mut record = self.next_version();
        let replaced = record.mark_slot(direction).replace(Mark { at: now, from: step.from, to: step.to });
        record.intent = Some(Intent {
            plan_id: plan.id.clone(),
            direction,
            target: step.target.clone(),
            from: step.from,
            to: step.to,
            at: now,
            replaced,
        });
        record.lease = Some(lease);
        record.acted_at.retain(|at| now.duration_since(*at) < SignedDuration::from_hours(1));
        record.acted_at.push(now);
        record
    }

    /// This record with the lease alone, where what will be done is not known yet: steps on the group under the tasks are
    /// absolute by need, so dying between lease and act leaves nothing to take back.
    pub fn leased_by(&self, lease: Lease) -> Self {
        Self { lease: Some(lease), ..self.next_version() }
    }

    /// This record after an act without an intent.
    fn acted(mut self, step: &Step, now: Timestamp) -> Self {
        let direction = if step.to > step.from { Direction::Grow } else { Direction::Shrink };
        *self.mark_slot(direction) = Some(Mark { at: now, from: step.from, to: step.to });
        self.acted_at.push(now);
        self
    }

    /// This record after our lease, by what became of the steps. The marks of an intent stay where its own step was taken, and are
    /// taken back where it was not; where its answer was lost, the intent stays for the next look to judge.
    pub fn closed(&self, steps: &[StepOutcome], now: Timestamp) -> Self {
        let is_done = |step: &&StepOutcome| matches!(step.result, StepResult::Done | StepResult::WouldHaveDone);
        let Some(intent) = &self.intent else {
            let done = steps.iter().find(is_done);
            return done.map_or_else(|| self.finished(), |step| self.finished().acted(&step.step, now));
        };
        match steps.iter().find(|step| step.step.target == intent.target) {
            Some(step) if is_done(&step) => self.finished(),
            Some(StepOutcome { result: StepResult::Failed { error }, .. }) if error.kind == PortErrorKind::Unavailable => self.unresolved(),
            _ => self.withdrawn(),
        }
    }

    /// This record after the act: no lease, no intent.
    fn finished(&self) -> Self {
        Self { lease: None, intent: None, ..self.next_version() }
    }

    /// This record after an act whose answer was lost: the intent stays, and the next look judges by what it then sees.
    fn unresolved(&self) -> Self {
        Self { lease: None, ..self.next_version() }
    }

    /// This record after an act that did not take place.
    fn withdrawn(&self) -> Self {
        let mut record = self.finished();
        if let Some(intent) = &self.intent {
            record.take_back(intent);
        }
        record
    }

    /// Remembers that a signal was dealt with.
    pub fn with_handled(mut self, key: &str, now: Timestamp) -> Self {
        if self.handled_at(key).is_none() {
            self.handled.push(Handled { key: key.to_owned(), at: now });
            let surplus = self.handled.len().saturating_sub(HANDLED_KEPT);
            self.handled.drain(..surplus);
        }
        self
    }

    /// The same record, one version on.
    pub fn next_version(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    fn mark_slot(&mut self, direction: Direction) -> &mut Option<Mark> {
        match direction {
            Direction::Grow => &mut self.last_grow,
            Direction::Shrink => &mut self.last_shrink,
        }
    }

    fn take_back(&mut self, intent: &Intent) {
        *self.mark_slot(intent.direction) = intent.replaced;
        self.intent = None;
        self.acted_at.retain(|at| *at != intent.at);
    }
}
