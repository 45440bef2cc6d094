//! Instances under tasks: whether they have room for the tasks that are wished, and how many they should be.
//!
//! Growing the group rides in the same plan as growing the tasks; shrinking it follows them, when all that is wished runs.

use crate::fleet::{Direction, RunsOn, TaskCount};
use crate::scale::decide::Situation;
use crate::scale::observation::{GroupNow, InstanceRoom, Placement, TargetNow, TaskNeed};
use crate::scale::plan::{Decision, Plan, Step, StepTarget, Warning};
use crate::scale::reason::{HoldReason, StepReason};
use crate::scale::wish::Verdict;

/// What comes of the group under the tasks.
pub(super) enum GroupVerdict {
    /// The service has no such group, or the group is right as it is.
    NotNeeded,
    /// The room on the instances must be read first.
    NeedsPlacement,
    /// The group should change, but does not now.
    Withheld(HoldReason),
    /// The group changes.
    Step(Step, Option<Warning>),
}

impl Situation<'_> {
    pub(super) fn group_verdict(&self, plan: &Plan, tasks_wished: TaskCount, verdicts: &[Verdict<'_>]) -> GroupVerdict {
        let (TargetNow::TasksOnGroup(tasks, group), RunsOn::TasksOnGroup { .. }) = (self.target, &self.policy.service.runs_on) else {
            return GroupVerdict::NotNeeded;
        };
        let wants_room = tasks_wished > tasks.running && plan.decision != Decision::Shrink;
        let is_settled = tasks.running == tasks.desired && tasks.pending.get() == 0 && group.in_service == group.desired;
        let may_spare = is_settled && group.desired > self.group_bounds(group).0;
        if plan.decision == Decision::Shrink {
            return if may_spare { GroupVerdict::Withheld(HoldReason::GroupFollowsTasks) } else { GroupVerdict::NotNeeded };
        }
        if !wants_room && (!may_spare || plan.decision != Decision::Hold) {
            return GroupVerdict::NotNeeded;
        }
        if let Some(other) = &group.other_scaler {
            return GroupVerdict::Withheld(HoldReason::OwnedElsewhere { owner: other.name.clone() });
        }
        match &self.seen.placement {
            None => GroupVerdict::NeedsPlacement,
            Some(Err(error)) => {
                GroupVerdict::Withheld(HoldReason::Unreadable { what: "the room on the instances".into(), kind: error.kind })
            }
            Some(Ok(placement)) if wants_room => self.group_for(placement, group, tasks_wished, tasks.running),
            Some(Ok(placement)) => self.group_to_spare(placement, group, verdicts),
        }
    }

    /// Enough instances for the tasks that have no place yet.
    fn group_for(&self, placement: &Placement, group: &GroupNow, wished: TaskCount, running: TaskCount) -> GroupVerdict {
        let starting: u32 = placement.rooms.iter().map(|room| room.pending_tasks).sum();
        let to_place = wished.get().saturating_sub(running.get()).saturating_sub(starting);
        let room: u32 = placement.rooms.iter().map(|room| self.slots_left(room, &placement.need)).fold(0, u32::saturating_add);
        let Some(short) = to_place.checked_sub(room).filter(|short| *short > 0) else { return GroupVerdict::NotNeeded };
        let each = self.slots_of_new_instance(placement).max(1);
        let registered = u32::try_from(placement.rooms.len()).unwrap_or(u32::MAX);
        let needed = registered.saturating_add(short.div_ceil(each));
        let (_, most) = self.group_bounds(group);
        let to = TaskCount::saturating(needed.into()).min(most);
        let warning = (to.get() < needed).then_some(Warning::GroupAtBound { needed: TaskCount::saturating(needed.into()), bound: most });
        if to <= group.desired {
            return match warning {
                Some(_) => GroupVerdict::Withheld(HoldReason::AtBound {
                    direction: Direction::Grow,
                    bound: most,
                    source: format!("the group {}", group.name),
                }),
                None => GroupVerdict::NotNeeded,
            };
        }
        let reason = StepReason::NoRoomForTasks { tasks: to_place, room };
        GroupVerdict::Step(group_step(group, to, reason), warning)
    }

    /// Fewer instances, when all tasks run and the ones that stay have room for those of the ones that go.
    fn group_to_spare(&self, placement: &Placement, group: &GroupNow, verdicts: &[Verdict<'_>]) -> GroupVerdict {
        let is_growing = verdicts.iter().any(|verdict| verdict.direction == Direction::Grow && verdict.in_alarm);
        let registered = u32::try_from(placement.rooms.len()).unwrap_or(0);
        if is_growing || registered != group.desired.get() {
            return GroupVerdict::NotNeeded;
        }
        let running: u32 = placement.rooms.iter().map(|room| room.running_tasks).sum();
        let each = placement.rooms.iter().map(|room| room.running_tasks + self.slots_left(room, &placement.need)).min().unwrap_or(0);
        if each == 0 {
            return GroupVerdict::NotNeeded;
        }
        let (least, _) = self.group_bounds(group);
        let needed = TaskCount::saturating(running.div_ceil(each).into()).max(least);
        if needed >= group.desired {
            return GroupVerdict::NotNeeded;
        }
        let allowed = self.certain_enough_to_shrink().and_then(|()| self.cooldown(Direction::Shrink)).and_then(|()| self.budget());
        match allowed {
            Err(reason) => GroupVerdict::Withheld(reason),
            // One at a time: each that goes moves its tasks first, and the next look sees the truth.
            Ok(()) => {
                let to = TaskCount::saturating(u64::from(group.desired.get().saturating_sub(1)));
                GroupVerdict::Step(group_step(group, to, StepReason::RoomToSpare { instances_needed: needed.get() }), None)
            }
        }
    }

    /// The group's bounds: those of the fleet file within the group's own.
    pub(super) fn group_bounds(&self, group: &GroupNow) -> (TaskCount, TaskCount) {
        match &self.policy.service.runs_on {
            RunsOn::TasksOnGroup { bounds, .. } => (bounds.min().max(group.min), bounds.max().min(group.max)),
            RunsOn::Tasks(_) | RunsOn::Group(_) => (group.min, group.max),
        }
    }

    fn interfaces_per_instance(&self) -> Option<u32> {
        match &self.policy.service.runs_on {
            RunsOn::TasksOnGroup { task_enis_per_instance, .. } => *task_enis_per_instance,
            RunsOn::Tasks(_) | RunsOn::Group(_) => None,
        }
    }

    /// How many more tasks fit on an instance: CPU, memory, host ports and network interfaces counted.
    fn slots_left(&self, room: &InstanceRoom, need: &TaskNeed) -> u32 {
        let by_cpu = room.cpu_left.checked_div(need.cpu).unwrap_or(u32::MAX);
        let by_memory = room.memory_left.checked_div(need.memory).unwrap_or(u32::MAX);
        let by_interface = match self.interfaces_per_instance().filter(|_| need.has_own_interface) {
            Some(most) => most.saturating_sub(room.interfaces_taken),
            None => u32::MAX,
        };
        let by_port = match need.host_ports.is_empty() {
            true => u32::MAX,
            false => u32::from(!need.host_ports.iter().any(|port| room.ports_taken.contains(port))),
        };
        by_cpu.min(by_memory).min(by_interface).min(by_port).min(TaskCount::MAX)
    }

    /// A new instance is taken to be like the smallest that is there; with none there, it holds one task.
    fn slots_of_new_instance(&self, placement: &Placement) -> u32 {
        let emptied = placement.rooms.iter().map(|room| InstanceRoom {
            cpu_left: room.cpu_total,
            memory_left: room.memory_total,
            ..InstanceRoom::default()
        });
        emptied.map(|room| self.slots_left(&room, &placement.need)).min().unwrap_or(1)
    }
}

fn group_step(group: &GroupNow, to: TaskCount, reason: StepReason) -> Step {
    Step { target: StepTarget::Group(group.name.clone()), from: group.desired, to, reason }
}
