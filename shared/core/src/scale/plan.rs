//! A plan is data: ordered steps with their reasons, what was withheld and why, when to look again, what it rests on.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fleet::{Direction, EcsService, GroupName, RuleName, TaskCount};
use crate::ledger::ServiceKey;
use crate::scale::reason::{HoldReason, StepReason};
use crate::signal::AlarmState;

/// What woke us, for one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wake {
    /// Logical key of the signal: the same for the same alarm transition, whichever way it came.
    pub key: String,
    /// Which kind of signal.
    pub kind: WakeKind,
}

/// The kinds of signals that wake `scale`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WakeKind {
    /// An alarm changed its state.
    Alarm {
        /// The rules that stand on this alarm.
        rules: Vec<RuleName>,
        /// The alarm.
        alarm: String,
        /// The state that the event tells of.
        state: AlarmState,
        /// When it changed, if the event says so.
        changed_at: Option<Timestamp>,
    },
    /// Our own one-time schedule.
    Recheck {
        /// How many times in a row.
        attempt: u32,
    },
    /// Our own recurring schedule.
    Tick,
}

/// What is to be done with one service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The same for the same wake, observation and policy.
    pub id: String,
    /// Which service.
    pub key: ServiceKey,
    /// Up, down, or nothing.
    pub decision: Decision,
    /// The size that was seen; none if the target could not be read.
    pub seen: Option<TaskCount>,
    /// The size that the rules wish for, before bounds and limits.
    pub wish: Option<TaskCount>,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// What is not done, and why; the first is the plan's own reason if there are no steps.
    pub withheld: Vec<HoldReason>,
    /// When to look again.
    pub look_again_at: Option<Timestamp>,
    /// What people should know although the plan goes ahead.
    pub warnings: Vec<Warning>,
    /// Whether the room on the instances must be read and the plan made again with it.
    pub needs_placement: bool,
}

/// Which way a plan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// More tasks or instances.
    Grow,
    /// Fewer.
    Shrink,
    /// Nothing.
    Hold,
}

impl Decision {
    /// The decision's name, as in history and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grow => "grow",
            Self::Shrink => "shrink",
            Self::Hold => "hold",
        }
    }
}

/// One absolute, guarded action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What is set.
    pub target: StepTarget,
    /// The value that was seen; if it is another by now, the step is not taken.
    pub from: TaskCount,
    /// The value to set.
    pub to: TaskCount,
    /// Why.
    pub reason: StepReason,
}

/// What a step sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepTarget {
    /// The desired count of an ECS service.
    Tasks(EcsService),
    /// The desired capacity of an Auto Scaling group.
    Group(GroupName),
}

/// What people should know although the plan goes ahead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "code")]
#[allow(missing_docs, reason = "the variant says what its fields are")]
pub enum Warning {
    /// Growing without memory: no cooldown, no budget, once.
    WithoutLedger,
    /// Growing while a rollout goes on.
    DuringRollout { rollout: String },
    /// The group cannot grow as far as the tasks need.
    GroupAtBound { needed: TaskCount, bound: TaskCount },
    /// The metric could not be read: one was added instead of going to the target.
    WithoutMetric { rule: RuleName },
    /// The alarm could not be read: the event was believed.
    WithoutAlarm { rule: RuleName },
}

impl Warning {
    /// The stable code, as in docs/operations.md.
    pub fn code(&self) -> &'static str {
        match self {
            Self::WithoutLedger => "without_ledger",
            Self::DuringRollout { .. } => "during_rollout",
            Self::GroupAtBound { .. } => "group_at_bound",
            Self::WithoutMetric { .. } => "without_metric",
            Self::WithoutAlarm { .. } => "without_alarm",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WithoutLedger => write!(out, "the ledger cannot be reached: grown once, without cooldown and budget"),
            Self::DuringRollout { rollout } => write!(out, "grown although {rollout} is in progress"),
            Self::GroupAtBound { needed, bound } => write!(out, "the tasks need {needed} instances, the group may have {bound}"),
            Self::WithoutMetric { rule } => write!(out, "the metric of {rule} could not be read: one was added"),
            Self::WithoutAlarm { rule } => write!(out, "the alarm of {rule} could not be read: the event was believed"),
        }
    }
}

impl Plan {
    /// The stable code of why this is the plan: the first step's, else the first withheld reason's.
    pub fn reason_code(&self) -> &'static str {
        let of_step = self.main_step().map(|step| step.reason.code());
        of_step.or_else(|| self.withheld.first().map(HoldReason::code)).unwrap_or("quiet")
    }

    /// Why this is the plan, in words.
    pub fn reason_text(&self) -> String {
        let of_step = self.main_step().map(|step| step.reason.to_string());
        of_step.or_else(|| self.withheld.first().map(HoldReason::to_string)).unwrap_or_else(|| HoldReason::Quiet.to_string())
    }

    /// The step that people mean when they ask what was done: the tasks' where there are tasks.
    pub fn main_step(&self) -> Option<&Step> {
        let of_tasks = self.steps.iter().find(|step| matches!(step.target, StepTarget::Tasks(_)));
        of_tasks.or_else(|| self.steps.first())
    }

    /// The direction of a plan that does something.
    pub fn direction(&self) -> Option<Direction> {
        match self.decision {
            Decision::Grow => Some(Direction::Grow),
            Decision::Shrink => Some(Direction::Shrink),
            Decision::Hold => None,
        }
    }

    /// The plan with all steps taken out, for the reason given.
    pub fn held(mut self, reason: HoldReason, look_again_at: Option<Timestamp>) -> Self {
        self.decision = Decision::Hold;
        self.steps.clear();
        self.withheld.insert(0, reason);
        self.look_again_at = look_again_at;
        self
    }
}

impl fmt::Display for StepTarget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tasks(service) => write!(out, "tasks of {}/{}", service.cluster, service.service),
            Self::Group(group) => write!(out, "instances of {group}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {} -> {} because {}", self.target, self.from, self.to, self.reason)
    }
}

impl fmt::Display for Plan {
    /// The plan as the CLI and the tests show it; ids are left to those who need them.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}: {} ({})", self.key, self.decision.as_str(), self.reason_code())?;
        for step in &self.steps {
            writeln!(out, "  do    {step}")?;
        }
        if let (Some(wish), Some(step)) = (self.wish, self.main_step())
            && wish != step.to
        {
            writeln!(out, "  wish  {wish}, within bounds and limits {}", step.to)?;
        }
        for reason in &self.withheld {
            writeln!(out, "  hold  {}: {reason}", reason.code())?;
        }
        for warning in &self.warnings {
            writeln!(out, "  warn  {}: {warning}", warning.code())?;
        }
        match self.look_again_at {
            Some(at) => writeln!(out, "  next  look again at {}", at.strftime("%Y-%m-%dT%H:%M:%SZ")),
            None => writeln!(out, "  next  wait for the next signal"),
        }
    }
}
