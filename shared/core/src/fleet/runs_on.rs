//! What a service runs on, and the load balancer in front of it.
//!
//! Owns the three possible grounds (tasks, a group, tasks on a group); names are AWS's own, never ARNs.

use serde::{Deserialize, Serialize};

use super::units::Bounds;

/// What a service runs on: `ecs`, `asg`, or both (tasks that run on that group's instances).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "RunsOnFile"))]
#[serde(try_from = "RunsOnFile", into = "RunsOnFile")]
pub enum RunsOn {
    /// An ECS service whose tasks need no instances of ours (Fargate, or instances that somebody else scales).
    Tasks(EcsService),
    /// An Auto Scaling group whose instances are the service.
    Group(GroupName),
    /// An ECS service on the instances of an Auto Scaling group that Nightshift scales too.
    TasksOnGroup {
        /// The tasks.
        service: EcsService,
        /// The group.
        group: GroupName,
        /// The group's own bounds.
        bounds: Bounds,
        /// The most tasks with their own network interface (awsvpc) on one instance; instance types limit them.
        task_enis_per_instance: Option<u32>,
    },
}

/// Name of an Auto Scaling group.
pub type GroupName = String;

/// An ECS service by cluster and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EcsService {
    /// The cluster's name.
    pub cluster: String,
    /// The service's name.
    pub service: String,
}

/// `runs_on` as it is written.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunsOnFile {
    /// The ECS service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ecs: Option<EcsService>,
    /// The Auto Scaling group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asg: Option<GroupFile>,
}

/// An Auto Scaling group as it is written.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupFile {
    /// The group's name.
    group: GroupName,
    /// Only under tasks: the group's own bounds. A group that is the service itself has the service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bounds: Option<Bounds>,
    /// Only under tasks: the most tasks with a network interface of their own on one instance (a t3.medium takes 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_enis_per_instance: Option<u32>,
}

impl TryFrom<RunsOnFile> for RunsOn {
    type Error = String;
    fn try_from(file: RunsOnFile) -> Result<Self, String> {
        match (file.ecs, file.asg) {
            (Some(service), None) => Ok(Self::Tasks(service)),
            (None, Some(GroupFile { group, bounds: None, task_enis_per_instance: None })) => Ok(Self::Group(group)),
            (None, Some(_)) => {
                Err("an asg without ecs is the service itself: write its bounds at the service, and no task_enis_per_instance".into())
            }
            (Some(service), Some(GroupFile { group, bounds: Some(bounds), task_enis_per_instance })) => {
                Ok(Self::TasksOnGroup { service, group, bounds, task_enis_per_instance })
            }
            (Some(_), Some(_)) => Err("tasks on an asg need the group's own bounds: add bounds: { min: 2, max: 10 } under asg".into()),
            (None, None) => Err("nothing to run on; write ecs: { cluster: ..., service: ... }, or asg: { group: ... }, or both".into()),
        }
    }
}

impl From<RunsOn> for RunsOnFile {
    fn from(runs_on: RunsOn) -> Self {
        let alone = |group| GroupFile { group, bounds: None, task_enis_per_instance: None };
        match runs_on {
            RunsOn::Tasks(service) => Self { ecs: Some(service), asg: None },
            RunsOn::Group(group) => Self { ecs: None, asg: Some(alone(group)) },
            RunsOn::TasksOnGroup { service, group, bounds, task_enis_per_instance } => {
                Self { ecs: Some(service), asg: Some(GroupFile { group, bounds: Some(bounds), task_enis_per_instance }) }
            }
        }
    }
}

/// The load balancer in front of a service, in the form that CloudWatch's dimensions have (the end of the ARN).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    /// `app/<name>/<id>`: the end of the load balancer's ARN.
    pub load_balancer: String,
    /// `targetgroup/<name>/<id>`: the end of the target group's ARN.
    pub target_group: String,
}
