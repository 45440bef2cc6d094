//! Auto Scaling groups: what they are now, who else scales them, and the one number of a group that we set.
//!
//! Owns `SetDesiredCapacity` and nothing else that writes: bounds, launch template and policies of a group are people's.

use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::{
    AutoScalingGroup, Instance, InstanceRefresh, InstanceRefreshStatus, LifecycleState, PredictiveScalingConfiguration,
    PredictiveScalingMode, ScalingPolicy,
};
use aws_types::SdkConfig;
use nightshift_core::fleet::TaskCount;
use nightshift_core::ports::{GroupReader, GroupScaler, PortError, PortErrorKind, PortResult};
use nightshift_core::scale::{GroupNow, OtherScaler};

use crate::error::port_error;

const DESCRIBE_GROUPS: &str = "autoscaling:DescribeAutoScalingGroups";

/// EC2 Auto Scaling.
#[derive(Clone, Debug)]
pub struct AutoScalingGroups {
    client: Client,
}

impl AutoScalingGroups {
    /// The client.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }

    async fn group(&self, name: &str) -> PortResult<AutoScalingGroup> {
        let request = self.client.describe_auto_scaling_groups().auto_scaling_group_names(name);
        let mut pages = request.into_paginator().items().send();
        while let Some(group) = pages.next().await {
            let group = group.map_err(|error| port_error(DESCRIBE_GROUPS, error))?;
            if group.auto_scaling_group_name() == Some(name) {
                return Ok(group);
            }
        }
        // Auto Scaling answers an unknown name with an empty list.
        Err(PortError::new(PortErrorKind::NotFound, DESCRIBE_GROUPS, format!("there is no Auto Scaling group {name}")))
    }

    /// The refresh that is going on. Refreshes of the last six weeks are listed; at most one of them is active.
    async fn active_refresh(&self, group: &str) -> PortResult<Option<String>> {
        let request = self.client.describe_instance_refreshes().auto_scaling_group_name(group);
        let mut pages = request.into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| port_error("autoscaling:DescribeInstanceRefreshes", error))?;
            if let Some(words) = page.instance_refreshes().iter().find_map(refresh_in_words) {
                return Ok(Some(words));
            }
        }
        Ok(None)
    }

    async fn scaling_policies(&self, group: &str) -> PortResult<Vec<ScalingPolicy>> {
        let mut pages = self.client.describe_policies().auto_scaling_group_name(group).into_paginator().items().send();
        let mut policies = Vec::new();
        while let Some(policy) = pages.next().await {
            policies.push(policy.map_err(|error| port_error("autoscaling:DescribePolicies", error))?);
        }
        Ok(policies)
    }
}

impl GroupReader for AutoScalingGroups {
    async fn group_now(&self, group: &str) -> PortResult<GroupNow> {
        let (found, refresh, policies) = tokio::join!(self.group(group), self.active_refresh(group), self.scaling_policies(group));
        // First whether it is there: the other two refuse a group that is not, and less clearly.
        let found = found?;
        let (refresh, policies) = (refresh?, policies?);
        let in_service = found.instances().iter().filter(|instance| is_in_service(instance)).count();
        Ok(GroupNow {
            name: group.to_owned(),
            desired: count(found.desired_capacity()),
            min: count(found.min_size()),
            max: count(found.max_size()),
            in_service: TaskCount::saturating(u64::try_from(in_service).unwrap_or(u64::MAX)),
            refresh,
            other_scaler: other_scaler(&policies),
        })
    }
}

impl GroupScaler for AutoScalingGroups {
    async fn set_group_capacity(&self, group: &str, to: TaskCount) -> PortResult<()> {
        let capacity = i32::try_from(to.get()).unwrap_or(i32::MAX);
        let request = self.client.set_desired_capacity().auto_scaling_group_name(group).desired_capacity(capacity);
        // Cooldowns are Nightshift's own; the group's would refuse what was planned.
        let answer = request.honor_cooldown(false).send().await;
        answer.map(|_| ()).map_err(|error| port_error("autoscaling:SetDesiredCapacity", error))
    }
}

/// Instances in Terminating:Wait, Pending or Standby do no work; unhealthy ones are about to be replaced.
fn is_in_service(instance: &Instance) -> bool {
    let is_healthy = instance.health_status().is_some_and(|status| status.eq_ignore_ascii_case("healthy"));
    instance.lifecycle_state() == Some(&LifecycleState::InService) && is_healthy
}

fn refresh_in_words(refresh: &InstanceRefresh) -> Option<String> {
    use InstanceRefreshStatus::{Baking, Cancelling, InProgress, Pending, RollbackInProgress};
    let status = refresh.status().filter(|status| matches!(status, Pending | InProgress | Cancelling | RollbackInProgress | Baking))?;
    let id = refresh.instance_refresh_id().unwrap_or("without id");
    let progress = refresh.percentage_complete().map(|percent| format!(", {percent} %")).unwrap_or_default();
    Some(format!("instance refresh {id} ({}{progress})", status.as_str()))
}

/// An enabled policy that changes the capacity. An ECS capacity provider with managed scaling shows as one too; the tag
/// AmazonECSManaged does not tell, since it stays on groups whose provider leaves the scaling to others.
fn other_scaler(policies: &[ScalingPolicy]) -> Option<OtherScaler> {
    let policy = policies.iter().find(|policy| changes_capacity(policy))?;
    Some(OtherScaler { name: format!("the scaling policy {}", policy.policy_name().unwrap_or("without name")) })
}

fn changes_capacity(policy: &ScalingPolicy) -> bool {
    let forecasts_only = policy.policy_type() == Some("PredictiveScaling") && !acts_on_forecast(policy);
    policy.enabled().unwrap_or(true) && !forecasts_only
}

fn acts_on_forecast(policy: &ScalingPolicy) -> bool {
    let mode = policy.predictive_scaling_configuration().and_then(PredictiveScalingConfiguration::mode);
    mode == Some(&PredictiveScalingMode::ForecastAndScale)
}

fn count(number: Option<i32>) -> TaskCount {
    TaskCount::saturating(u64::try_from(number.unwrap_or(0)).unwrap_or(0))
}
