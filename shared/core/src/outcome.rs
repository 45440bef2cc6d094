//! What came of one service in one invocation: the plan, what became of each step, what went wrong around it.
//!
//! The log line, the metric line, the ledger's history, the notice and the function's answer are all rendered from this value.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fleet::TaskCount;
use crate::ledger::HistoryEntry;
use crate::ports::PortError;
use crate::scale::{Decision, Observation, Plan, Step, Wake};

/// Whether steps are taken or only told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everything but the act.
    Observe,
    /// Everything.
    Act,
}

impl Mode {
    /// The mode's name, as in `NIGHTSHIFT_MODE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Act => "act",
        }
    }
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum StepResult {
    /// It was taken.
    Done,
    /// It would have been taken; the mode is `observe`.
    WouldHaveDone,
    /// The value was no longer the one that was planned on.
    WorldMoved {
        /// What it was by then.
        now: TaskCount,
    },
    /// AWS refused or did not answer.
    Failed {
        /// How.
        error: PortError,
    },
    /// An earlier step was not taken, or somebody else holds the lease.
    NotTried {
        /// Why.
        why: String,
    },
    /// The invocation's time was nearly up.
    OutOfTime,
}

/// A step and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// The step.
    pub step: Step,
    /// What became of it.
    #[serde(flatten)]
    pub result: StepResult,
}

/// What came of one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// When it was decided.
    pub at: Timestamp,
    /// Whether steps were taken or only told.
    pub mode: Mode,
    /// What woke us.
    pub wake: Wake,
    /// The plan.
    pub plan: Plan,
    /// Its steps and what became of them.
    pub steps: Vec<StepOutcome>,
    /// When the next look is arranged; none if none is, or if arranging failed.
    pub look_again_at: Option<Timestamp>,
    /// What failed beside the steps: ledger, schedule, notice. The first that is nobody's but a person's decides the class.
    pub troubles: Vec<PortError>,
}

/// A step that was not taken is tried again after this, if time can mend it.
const RETRY_SOON: SignedDuration = SignedDuration::from_mins(1);
/// And after this, if a person has to.
const RETRY_LATER: SignedDuration = SignedDuration::from_mins(15);

/// How it ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every step was taken.
    Acted,
    /// Every step would have been taken.
    WouldHaveActed,
    /// Nothing was to be done.
    Held,
    /// A step was not taken; it is tried again.
    Unfinished,
}

impl Outcome {
    /// How it ended.
    pub fn ending(&self) -> Ending {
        let all = |wanted: fn(&StepResult) -> bool| self.steps.iter().all(|step| wanted(&step.result));
        if self.steps.is_empty() {
            Ending::Held
        } else if all(|result| matches!(result, StepResult::Done)) {
            Ending::Acted
        } else if all(|result| matches!(result, StepResult::WouldHaveDone)) {
            Ending::WouldHaveActed
        } else {
            Ending::Unfinished
        }
    }

    /// When to look again: as planned, or for a step that was not taken as soon as time, or a person, may have mended it.
    pub fn next_look(&self, now: Timestamp) -> Option<Timestamp> {
        let later = |wait: SignedDuration| now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        match self.ending() {
            Ending::Unfinished if self.errors().any(|error| !error.kind.may_pass()) => Some(later(RETRY_LATER)),
            Ending::Unfinished => Some(later(RETRY_SOON)),
            Ending::Acted | Ending::WouldHaveActed | Ending::Held => self.plan.look_again_at,
        }
    }

    /// Every error in it: of steps, then of what is around them.
    pub fn errors(&self) -> impl Iterator<Item = &PortError> {
        let of_steps = self.steps.iter().filter_map(|step| match &step.result {
            StepResult::Failed { error } => Some(error),
            _ => None,
        });
        of_steps.chain(&self.troubles)
    }

    /// Whether a tick found nothing to do: that is not worth a line anywhere.
    pub fn is_routine(&self) -> bool {
        let is_tick = matches!(self.wake.kind, crate::scale::WakeKind::Tick);
        is_tick && self.plan.decision == Decision::Hold && self.plan.reason_code() == "quiet" && self.troubles.is_empty()
    }

    /// The function's answer for this service: `decision`, `reason`, `steps`, `plan_id` and what explains them.
    pub fn to_answer(&self) -> Value {
        json!({
            "system": self.plan.key.system,
            "service": self.plan.key.service,
            "decision": self.plan.decision,
            "ending": self.ending(),
            "reason": self.plan.reason_code(),
            "text": self.plan.reason_text(),
            "steps": self.steps,
            "withheld": self.plan.withheld,
            "warnings": self.plan.warnings,
            "plan_id": self.plan.id,
            "mode": self.mode,
            "look_again_at": self.look_again_at,
            "errors": self.errors().collect::<Vec<_>>(),
        })
    }

    /// The line of the history, with the observation that the plan rests on, for replay.
    pub fn to_history(&self, seen: &Observation) -> HistoryEntry {
        let mut outcome = self.to_answer();
        if let Some(fields) = outcome.as_object_mut() {
            fields.insert("wake".into(), json!(self.wake));
            fields.insert("observation".into(), json!(seen));
        }
        HistoryEntry {
            at: self.at,
            plan_id: self.plan.id.clone(),
            decision: self.plan.decision.as_str().to_owned(),
            reason: self.plan.reason_code().to_owned(),
            text: self.sentence(),
            mode: self.mode.as_str().to_owned(),
            outcome,
        }
    }

    /// What was done and why, in one sentence.
    pub fn sentence(&self) -> String {
        match self.steps.is_empty() {
            true => format!("nothing done: {}", self.plan.reason_text()),
            false => {
                let steps = self.steps.iter().map(StepOutcome::sentence).collect::<Vec<_>>();
                format!("{}; {}", steps.join(", "), self.plan.reason_text())
            }
        }
    }
}

impl StepOutcome {
    /// The step and what became of it, in a few words.
    pub fn sentence(&self) -> String {
        let Step { target, from, to, .. } = &self.step;
        match &self.result {
            StepResult::Done => format!("{target} {from} -> {to}"),
            StepResult::WouldHaveDone => format!("would have set {target} {from} -> {to}"),
            StepResult::WorldMoved { now } => format!("{target} not set to {to}: it is {now} by now, not {from}"),
            StepResult::Failed { error } => format!("{target} not set to {to}: {error}"),
            StepResult::NotTried { why } => format!("{target} not set to {to}: {why}"),
            StepResult::OutOfTime => format!("{target} not set to {to}: no time left in this invocation"),
        }
    }
}
