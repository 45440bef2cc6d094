//! The last look at a plan before anything is done: bounds, freeze, pause, step size, guards.
//!
//! Written apart from the decider and from the other end, so that a mistake there meets a second opinion here.

use std::fmt;

use jiff::Timestamp;

use crate::fleet::{RunsOn, TaskCount};
use crate::scale::observation::{Observation, TargetNow};
use crate::scale::plan::{Decision, Plan, Step, StepTarget};
use crate::scale::policy::{EffectiveBounds, ServicePolicy};
use crate::scale::reason::StepReason;

/// What is wrong with a plan; always a defect of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variant says what its fields are")]
pub enum Violation {
    /// A step although a freeze window holds or somebody paused the service.
    StepWhileStopped,
    /// A step on something that the service does not run on.
    ForeignTarget,
    /// The guard is not the value that was seen.
    WrongGuard,
    /// A step away from the bounds, or past them.
    OutOfBounds { to: TaskCount },
    /// A step that is larger than the largest.
    TooLarge { by: u32, most: u32 },
    /// A step against the plan's own direction, or none at all.
    WrongDirection,
    /// A plan that does something and one that does nothing at once.
    Contradiction,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StepWhileStopped => write!(out, "a step while frozen or paused"),
            Self::ForeignTarget => write!(out, "a step on something that the service does not run on"),
            Self::WrongGuard => write!(out, "a guard other than the value that was seen"),
            Self::OutOfBounds { to } => write!(out, "a step to {to}, out of bounds"),
            Self::TooLarge { by, most } => write!(out, "a step by {by}, more than {most}"),
            Self::WrongDirection => write!(out, "a step against the plan's direction"),
            Self::Contradiction => write!(out, "steps and decision contradict each other"),
        }
    }
}

/// Checks every step; the first violation found, if there is one.
pub fn check(plan: &Plan, seen: &Observation, policy: &ServicePolicy<'_>, now: Timestamp) -> Result<(), Violation> {
    if plan.steps.is_empty() != (plan.decision == Decision::Hold) {
        return Err(Violation::Contradiction);
    }
    let Ok(target) = &seen.target else {
        return if plan.steps.is_empty() { Ok(()) } else { Err(Violation::ForeignTarget) };
    };
    let view = seen.ledger.as_ref().ok();
    let is_paused = view.and_then(|view| view.pause.as_ref()).is_some_and(|pause| pause.until > now);
    if (is_paused || policy.frozen.is_some()) && !plan.steps.is_empty() {
        return Err(Violation::StepWhileStopped);
    }
    let set_by_hand = view.and_then(|view| view.bounds_override.as_ref());
    let bounds = EffectiveBounds::resolve(policy, set_by_hand, target, now);
    plan.steps.iter().try_for_each(|step| check_step(plan, step, target, policy, &bounds))
}

fn check_step(plan: &Plan, step: &Step, target: &TargetNow, policy: &ServicePolicy<'_>, bounds: &EffectiveBounds) -> Result<(), Violation> {
    let grows = step.to > step.from;
    if step.to == step.from || grows != (plan.decision == Decision::Grow) {
        return Err(Violation::WrongDirection);
    }
    let (seen, min, max, is_main) = match (&step.target, &policy.service.runs_on, target) {
        (StepTarget::Tasks(ours), RunsOn::Tasks(service) | RunsOn::TasksOnGroup { service, .. }, _) if ours == service => {
            (target.desired(), bounds.bounds.min(), bounds.bounds.max(), true)
        }
        (StepTarget::Group(ours), RunsOn::Group(group), TargetNow::Group(now)) if ours == group => {
            (now.desired, bounds.bounds.min(), bounds.bounds.max(), true)
        }
        (StepTarget::Group(ours), RunsOn::TasksOnGroup { group, bounds, .. }, TargetNow::TasksOnGroup(_, now)) if ours == group => {
            (now.desired, bounds.min(), bounds.max(), false)
        }
        _ => return Err(Violation::ForeignTarget),
    };
    if step.from != seen {
        return Err(Violation::WrongGuard);
    }
    let is_outside = if grows { step.to > max } else { step.to < min };
    if is_outside {
        return Err(Violation::OutOfBounds { to: step.to });
    }
    let most = policy.service.limits.largest_step.of(seen);
    let by = step.from.get().abs_diff(step.to.get());
    let is_limited = is_main && !matches!(step.reason, StepReason::BelowMinimum { .. });
    if is_limited && by > most { Err(Violation::TooLarge { by, most }) } else { Ok(()) }
}
