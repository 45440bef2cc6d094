//! What is allowed of a wish: bounds, cooldown, budget, the largest step, rollouts. Clamped once, after the arithmetic.

use jiff::{SignedDuration, Timestamp};

use crate::fleet::{Direction, TaskCount};
use crate::ports::PortErrorKind;
use crate::scale::decide::Situation;
use crate::scale::plan::Warning;
use crate::scale::reason::HoldReason;

impl Situation<'_> {
    /// The reason that there is no more in this direction.
    pub(super) fn at_bound(&self, direction: Direction) -> HoldReason {
        let bound = match direction {
            Direction::Grow => self.bounds.bounds.max(),
            Direction::Shrink => self.bounds.bounds.min(),
        };
        HoldReason::AtBound { direction, bound, source: self.bounds.source.clone() }
    }

    /// The wish within bounds and the largest step; the reason if nothing is left of it.
    pub(super) fn allowed_size(&self, direction: Direction, wish: TaskCount) -> Result<TaskCount, HoldReason> {
        let most = self.policy.service.limits.largest_step.of(self.desired);
        let inside = self.bounds.bounds.clamp(wish).get();
        let here = self.desired.get();
        let size = match direction {
            Direction::Grow => inside.min(here.saturating_add(most)),
            Direction::Shrink => inside.max(here.saturating_sub(most)),
        };
        let moves = match direction {
            Direction::Grow => size > here,
            Direction::Shrink => size < here,
        };
        if moves { Ok(TaskCount::saturating(u64::from(size))) } else { Err(self.at_bound(direction)) }
    }

    /// Cooldown: growing waits for the last growth to show, shrinking for the last action of either kind.
    pub(super) fn cooldown(&self, direction: Direction) -> Result<(), HoldReason> {
        let Some(record) = &self.record else { return Ok(()) };
        let cooldown = self.policy.service.cooldown;
        let grown = record.last_grow.map(|mark| mark.at);
        let shrunk = record.last_shrink.map(|mark| mark.at);
        let (last, wait) = match direction {
            Direction::Grow => (grown, cooldown.grow),
            Direction::Shrink => (grown.max(shrunk), cooldown.shrink),
        };
        match last.and_then(|at| at.checked_add(SignedDuration::from_secs(wait.get().into())).ok()) {
            Some(until) if until > self.now => Err(HoldReason::InCooldown { direction, until }),
            _ => Ok(()),
        }
    }

    /// The hour's budget of actions.
    pub(super) fn budget(&self) -> Result<(), HoldReason> {
        let Some(record) = &self.record else { return Ok(()) };
        let limit = self.policy.service.limits.actions_per_hour;
        match record.spent_budget(self.now) {
            (spent, Some(until)) if spent >= limit as usize => Err(HoldReason::BudgetSpent { limit, until }),
            _ => Ok(()),
        }
    }

    /// A rollout stops everything but growing under load that was seen.
    pub(super) fn rollout(&self, is_growing_under_load: Option<()>) -> Result<Option<Warning>, HoldReason> {
        match (self.target.rollout(), is_growing_under_load) {
            (None, _) => Ok(None),
            (Some(rollout), Some(())) => Ok(Some(Warning::DuringRollout { rollout: rollout.to_owned() })),
            (Some(rollout), None) => Err(HoldReason::RolloutInProgress { rollout: rollout.to_owned() }),
        }
    }

    /// What taking away needs beyond a wish: the ledger, the certainty that nobody else scales, everything in service.
    pub(super) fn certain_enough_to_shrink(&self) -> Result<(), HoldReason> {
        if let Err(error) = &self.seen.ledger {
            return Err(HoldReason::LedgerUnavailable { kind: error.kind });
        }
        match &self.seen.other_scaler {
            // "Not found" is an answer: there is no Application Auto Scaling here that could own anything.
            Err(error) if error.kind != PortErrorKind::NotFound => {
                return Err(HoldReason::Unreadable { what: "who else scales it".into(), kind: error.kind });
            }
            _ => {}
        }
        self.rollout(None)?;
        let in_service = self.target.in_service();
        match in_service == self.desired {
            true => Ok(()),
            false => Err(HoldReason::CapacityInFlight { wished: self.desired, in_service }),
        }
    }

    /// A time from now on.
    pub(super) fn after(&self, wait: SignedDuration) -> Option<Timestamp> {
        self.now.checked_add(wait).ok()
    }
}
