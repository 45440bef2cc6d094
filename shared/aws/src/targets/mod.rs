//! What releases change: the task definition of ECS services and the launch template of Auto Scaling groups.
//!
//! Owns reading both as raw JSON and XML, so that a copy loses no member, and the three calls that roll them out. Must never
//! send a desired count or a deployment configuration, deregister or delete anything, or change a template's default version.

use nightshift_core::fleet::{DeployTarget, Replacement};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::ports::{TargetDeployer, TargetReader};
use nightshift_core::release::{Blueprint, Check, ReleaseId, RolloutNow, TargetNow};

use aws_types::SdkConfig;
use jiff::Timestamp;
use serde_json::Value;

use crate::call::AwsCaller;

pub(crate) mod answers;
mod checks;
mod deaths;
mod definitions;
mod deployments;
mod groups;
mod refreshes;
mod service_deployments;
mod services;
mod templates;

/// ECS services and Auto Scaling groups as targets of releases.
///
/// A roll-out's handle is the id of ECS's deployment (`ecs-svc/<number>`, the PRIMARY one of DescribeServices) or of the
/// instance refresh; two handles are the same roll-out exactly if they are equal. The ARN of a service deployment is taken
/// for a handle as well.
#[derive(Clone, Debug)]
pub struct ReleaseTargets {
    caller: AwsCaller,
}

impl ReleaseTargets {
    /// In the region that `config` says.
    pub fn new(config: &SdkConfig) -> Self {
        Self { caller: AwsCaller::new(config) }
    }
}

impl TargetReader for ReleaseTargets {
    async fn target_now(&self, target: &DeployTarget) -> PortResult<TargetNow> {
        match target {
            DeployTarget::Tasks(service) => services::target_now(&self.caller, service).await,
            DeployTarget::Group(group) => groups::target_now(&self.caller, group).await,
        }
    }

    async fn blueprint(&self, target: &DeployTarget, running: Option<&str>, proven: Option<&str>) -> PortResult<Blueprint> {
        match target {
            DeployTarget::Tasks(service) => definitions::blueprint(&self.caller, service, running, proven).await,
            DeployTarget::Group(group) => templates::blueprint(&self.caller, group, running, proven).await,
        }
    }

    async fn rollout(&self, target: &DeployTarget, handle: &str, to: &str, since: Timestamp) -> PortResult<RolloutNow> {
        match target {
            DeployTarget::Tasks(service) => deployments::rollout(&self.caller, service, handle, to, since).await,
            DeployTarget::Group(group) => refreshes::rollout(&self.caller, group, handle, to).await,
        }
    }

    async fn checks(&self, target: &DeployTarget, body: &Value) -> Vec<Check> {
        checks::checks(&self.caller, target, body).await
    }
}

impl TargetDeployer for ReleaseTargets {
    async fn make_revision(&self, target: &DeployTarget, from: &str, body: &Value, release: &ReleaseId) -> PortResult<String> {
        match target {
            DeployTarget::Tasks(_) => definitions::register(&self.caller, body, release).await,
            DeployTarget::Group(group) => templates::new_version(&self.caller, group, from, body, release).await,
        }
    }

    async fn roll_out(&self, target: &DeployTarget, seen: &str, to: &str, replacement: &Replacement) -> PortResult<Option<String>> {
        match target {
            DeployTarget::Tasks(service) => services::roll_out(&self.caller, service, seen, to).await,
            DeployTarget::Group(group) => refreshes::start(&self.caller, group, seen, to, replacement).await,
        }
    }

    async fn take_back(&self, target: &DeployTarget, handle: &str) -> PortResult<()> {
        match target {
            DeployTarget::Tasks(service) => deployments::take_back(&self.caller, service, handle).await,
            DeployTarget::Group(group) => refreshes::take_back(&self.caller, group, handle).await,
        }
    }
}

/// Nothing is rolled out over a revision that is not the one that was seen when it was decided.
fn unchanged(action: &'static str, now: &str, seen: &str) -> PortResult<()> {
    match now == seen {
        true => Ok(()),
        false => Err(PortError::new(PortErrorKind::Conflict, action, format!("it is set to {now} now, not to {seen} as was seen"))),
    }
}
