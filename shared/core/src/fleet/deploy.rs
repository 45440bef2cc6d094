//! How one service is deployed: its repository, its path, what each stage changes, and what a rotated secret causes.
//!
//! Field documentation here becomes the JSON schema's, so it speaks to the person who writes the file. Owns shapes;
//! what must fit together is checked in `read/check`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::amount::Seconds;
use super::names::{PathName, StageName};
use super::runs_on::{EcsService, GroupName, RunsOn};

/// How one service is deployed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// The ECR repository's name, in the service's own account and regions.
    pub repository: String,
    /// The name of a path under `paths`.
    pub path: PathName,
    /// What a stage deploys onto if not the service's own `runs_on`, by the stage's name.
    #[serde(default)]
    pub targets: BTreeMap<StageName, DeployTarget>,
}

/// What a release changes: the tasks of an ECS service, or the instances of an Auto Scaling group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "DeployTargetFile"))]
#[serde(try_from = "DeployTargetFile", into = "DeployTargetFile")]
pub enum DeployTarget {
    /// An ECS service gets a new task definition revision.
    Tasks(EcsService),
    /// An Auto Scaling group gets a new launch template version and an instance refresh.
    Group(GroupName),
}

/// A target as it is written.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeployTargetFile {
    /// The ECS service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ecs: Option<EcsService>,
    /// The Auto Scaling group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asg: Option<TargetGroupFile>,
}

/// An Auto Scaling group as it is written.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TargetGroupFile {
    /// The group's name.
    group: GroupName,
}

impl TryFrom<DeployTargetFile> for DeployTarget {
    type Error = String;
    fn try_from(file: DeployTargetFile) -> Result<Self, String> {
        match (file.ecs, file.asg) {
            (Some(service), None) => Ok(Self::Tasks(service)),
            (None, Some(TargetGroupFile { group })) => Ok(Self::Group(group)),
            _ => Err("a stage runs on one thing; write ecs: { cluster: ..., service: ... } or asg: { group: ... }".into()),
        }
    }
}

impl From<DeployTarget> for DeployTargetFile {
    fn from(target: DeployTarget) -> Self {
        match target {
            DeployTarget::Tasks(service) => Self { ecs: Some(service), asg: None },
            DeployTarget::Group(group) => Self { ecs: None, asg: Some(TargetGroupFile { group }) },
        }
    }
}

/// Tasks are what a release changes, also where the instances under them are ours.
impl From<&RunsOn> for DeployTarget {
    fn from(runs_on: &RunsOn) -> Self {
        match runs_on {
            RunsOn::Tasks(service) | RunsOn::TasksOnGroup { service, .. } => Self::Tasks(service.clone()),
            RunsOn::Group(group) => Self::Group(group.clone()),
        }
    }
}

impl fmt::Display for DeployTarget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tasks(EcsService { cluster, service }) => write!(out, "ECS service {cluster}/{service}"),
            Self::Group(group) => write!(out, "Auto Scaling group {group}"),
        }
    }
}

/// What happens when a secret that the tasks read is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RotatedSecrets {
    /// Whether the tasks are started anew, since they read secrets only as they start.
    pub restart: bool,
    /// How long to wait for further rotations, so that several cause one restart; up to 1 hour.
    pub settle: Seconds,
}

impl Default for RotatedSecrets {
    /// Several secrets that rotate at the same hour arrive within a minute or two of each other.
    fn default() -> Self {
        Self { restart: true, settle: Seconds::new(180) }
    }
}
