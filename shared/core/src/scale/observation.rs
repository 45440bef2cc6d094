//! What was seen of one service, at one moment: the alarms and metrics of its rules, what it runs on, who else scales it,
//! and what the ledger remembers. Each part is a reading of its own, so that an outage is never taken for "nothing there".

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fleet::{GroupName, RuleName, TaskCount};
use crate::ledger::LedgerView;
use crate::ports::PortError;
use crate::scale::plan::StepTarget;
use crate::signal::AlarmState;

/// A part of the observation: what was read, or how reading failed.
pub type Reading<T> = Result<T, PortError>;

/// Everything that the decision looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When reading began.
    pub at: Timestamp,
    /// The alarm of each rule that has one; a rule whose alarm does not exist is absent.
    pub alarms: Reading<BTreeMap<RuleName, AlarmNow>>,
    /// The newest value of each rule's metric; a rule without a datapoint is absent.
    pub metrics: Reading<BTreeMap<RuleName, MetricValue>>,
    /// What the service runs on.
    pub target: Reading<TargetNow>,
    /// Who else scales the service.
    pub other_scaler: Reading<Option<OtherScaler>>,
    /// What is remembered.
    pub ledger: Reading<LedgerView>,
    /// The instances under the tasks, by ARN; listed at once, so that their room is one call away where a plan needs it.
    #[serde(default = "no_instances")]
    pub instances: Reading<Vec<String>>,
    /// Room on the instances; read only where a plan needs it.
    pub placement: Option<Reading<Placement>>,
}

/// What a stored observation without the list means.
fn no_instances() -> Reading<Vec<String>> {
    Ok(Vec::new())
}

/// An alarm as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlarmNow {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: AlarmState,
    /// Since when, if CloudWatch says so.
    pub since: Option<Timestamp>,
    /// What holds a composite alarm's actions back, if anything does.
    pub suppressed_by: Option<String>,
}

/// The newest whole period of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricValue {
    /// The value, in the metric's own unit.
    pub value: f64,
    /// When the period ended.
    pub period_end: Timestamp,
}

/// What a service runs on, as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetNow {
    /// ECS tasks.
    Tasks(TasksNow),
    /// Instances of a group.
    Group(GroupNow),
    /// ECS tasks on the instances of a group.
    TasksOnGroup(TasksNow, GroupNow),
}

/// An ECS service as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TasksNow {
    /// ACTIVE, DRAINING or INACTIVE.
    pub status: String,
    /// How many are wished.
    pub desired: TaskCount,
    /// How many are RUNNING.
    pub running: TaskCount,
    /// How many are PENDING.
    pub pending: TaskCount,
    /// The deployment that is being rolled out, if one is.
    pub deployment: Option<String>,
    /// ARN of the task definition of the primary deployment.
    pub task_definition: String,
}

/// An Auto Scaling group as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupNow {
    /// Its name.
    pub name: GroupName,
    /// How many instances are wished.
    pub desired: TaskCount,
    /// The group's own least.
    pub min: TaskCount,
    /// The group's own most.
    pub max: TaskCount,
    /// How many are InService.
    pub in_service: TaskCount,
    /// The instance refresh that is going on, if one is.
    pub refresh: Option<String>,
    /// What scales the group besides us: an enabled scaling policy, or an ECS capacity provider with managed scaling.
    pub other_scaler: Option<OtherScaler>,
}

/// Somebody else who sets the same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherScaler {
    /// Which, in words: "Application Auto Scaling (2-10 tasks)", "the scaling policy cpu50".
    pub name: String,
}

/// Room for tasks on instances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    /// What one task needs.
    pub need: TaskNeed,
    /// The cluster's active instances.
    pub rooms: Vec<InstanceRoom>,
}

/// What one task needs of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskNeed {
    /// CPU units (1,024 are one vCPU).
    pub cpu: u32,
    /// Memory in MiB.
    pub memory: u32,
    /// Fixed host ports; two tasks with the same cannot share an instance.
    pub host_ports: Vec<u16>,
    /// Whether the task has a network interface of its own (awsvpc).
    pub has_own_interface: bool,
}

/// An instance of the cluster and the room that is left on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceRoom {
    /// CPU units that are free.
    pub cpu_left: u32,
    /// Memory in MiB that is free.
    pub memory_left: u32,
    /// CPU units of the whole instance.
    pub cpu_total: u32,
    /// Memory of the whole instance in MiB.
    pub memory_total: u32,
    /// Host ports that are taken.
    pub ports_taken: Vec<u16>,
    /// Network interfaces that tasks have on it.
    pub interfaces_taken: u32,
    /// Tasks that are starting on it.
    pub pending_tasks: u32,
    /// Tasks that run on it.
    pub running_tasks: u32,
}

impl TargetNow {
    /// How many are wished: tasks where there are tasks, else instances.
    pub fn desired(&self) -> TaskCount {
        match self {
            Self::Tasks(tasks) | Self::TasksOnGroup(tasks, _) => tasks.desired,
            Self::Group(group) => group.desired,
        }
    }

    /// How many are wished of what a step sets; none if the target has no such part.
    pub fn desired_of(&self, step: &StepTarget) -> Option<TaskCount> {
        match step {
            StepTarget::Tasks(_) => self.tasks().map(|tasks| tasks.desired),
            StepTarget::Group(_) => self.group().map(|group| group.desired),
        }
    }

    /// How many really work: RUNNING tasks, or InService instances.
    pub fn in_service(&self) -> TaskCount {
        match self {
            Self::Tasks(tasks) | Self::TasksOnGroup(tasks, _) => tasks.running,
            Self::Group(group) => group.in_service,
        }
    }

    /// The tasks, if there are any.
    pub fn tasks(&self) -> Option<&TasksNow> {
        match self {
            Self::Tasks(tasks) | Self::TasksOnGroup(tasks, _) => Some(tasks),
            Self::Group(_) => None,
        }
    }

    /// The group, if there is one.
    pub fn group(&self) -> Option<&GroupNow> {
        match self {
            Self::Group(group) | Self::TasksOnGroup(_, group) => Some(group),
            Self::Tasks(_) => None,
        }
    }

    /// The rollout that is going on: a deployment of tasks or a refresh of instances.
    pub fn rollout(&self) -> Option<&str> {
        let deployment = self.tasks().and_then(|tasks| tasks.deployment.as_deref());
        deployment.or_else(|| self.group().and_then(|group| group.refresh.as_deref()))
    }
}
