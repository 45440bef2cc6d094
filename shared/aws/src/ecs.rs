//! ECS services, task definitions and container instances, and the one number of a service that we set.
//!
//! Owns reading them and `UpdateService` with a desired count and nothing else: a scale never writes a task definition.

use aws_sdk_applicationautoscaling as application_autoscaling;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{ContainerInstance, ContainerInstanceStatus, Deployment, DeploymentRolloutState, Failure, Service};
use aws_types::SdkConfig;
use nightshift_core::fleet::{EcsService, TaskCount};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult, TaskReader, TaskScaler};
use nightshift_core::scale::{InstanceRoom, OtherScaler, TaskNeed, TasksNow};

use crate::application_autoscaling::scalable_target;
use crate::error::port_error;
use crate::pages::in_chunks;

mod need;
mod room;

const DESCRIBE_SERVICES: &str = "ecs:DescribeServices";
const DESCRIBE_INSTANCES: &str = "ecs:DescribeContainerInstances";

/// Container instances that one DescribeContainerInstances takes (ECS API reference).
const INSTANCES_A_CALL: usize = 100;

/// ECS, with Application Auto Scaling to ask who else scales a service.
#[derive(Clone, Debug)]
pub struct EcsServices {
    ecs: Client,
    application_autoscaling: application_autoscaling::Client,
}

impl EcsServices {
    /// Both clients.
    pub fn new(config: &SdkConfig) -> Self {
        Self { ecs: Client::new(config), application_autoscaling: application_autoscaling::Client::new(config) }
    }

    async fn described(&self, cluster: &str, arns: &[String]) -> PortResult<Vec<ContainerInstance>> {
        let request = self.ecs.describe_container_instances().cluster(cluster);
        let answer = request.set_container_instances(Some(arns.to_vec())).send().await;
        let answer = answer.map_err(|error| port_error(DESCRIBE_INSTANCES, error))?;
        // MISSING: the instance left the cluster after it was listed, so it offers no room.
        match answer.failures().iter().find(|failure| failure.reason() != Some("MISSING")) {
            Some(failure) => Err(failed_item(DESCRIBE_INSTANCES, failure)),
            None => Ok(answer.container_instances.unwrap_or_default()),
        }
    }
}

impl TaskReader for EcsServices {
    async fn tasks_now(&self, service: &EcsService) -> PortResult<TasksNow> {
        let request = self.ecs.describe_services().cluster(&service.cluster).services(&service.service);
        let answer = request.send().await.map_err(|error| port_error(DESCRIBE_SERVICES, error))?;
        if let Some(failure) = answer.failures().first() {
            return Err(failed_item(DESCRIBE_SERVICES, failure));
        }
        let missing = || {
            // A service that is not there stands among the failures; an answer about nothing is none.
            let message = format!("no answer about service {} in cluster {}", service.service, service.cluster);
            PortError::new(PortErrorKind::Unavailable, DESCRIBE_SERVICES, message)
        };
        answer.services().first().map(tasks_now).ok_or_else(missing)
    }

    async fn task_need(&self, task_definition: &str) -> PortResult<TaskNeed> {
        const DESCRIBE: &str = "ecs:DescribeTaskDefinition";
        let answer = self.ecs.describe_task_definition().task_definition(task_definition).send().await;
        let answer = answer.map_err(|error| port_error(DESCRIBE, error))?;
        let missing = || PortError::new(PortErrorKind::Unavailable, DESCRIBE, format!("no answer about {task_definition}"));
        answer.task_definition().map(need::task_need).ok_or_else(missing)
    }

    async fn instances(&self, cluster: &str) -> PortResult<Vec<String>> {
        let request = self.ecs.list_container_instances().cluster(cluster).status(ContainerInstanceStatus::Active);
        let mut pages = request.into_paginator().items().send();
        let mut arns = Vec::new();
        while let Some(arn) = pages.next().await {
            arns.push(arn.map_err(|error| port_error("ecs:ListContainerInstances", error))?);
        }
        Ok(arns)
    }

    async fn instance_rooms(&self, cluster: &str, instances: &[String]) -> PortResult<Vec<InstanceRoom>> {
        let instances = in_chunks(instances, INSTANCES_A_CALL, |chunk| self.described(cluster, chunk)).await?;
        // The scheduler places nothing on an instance whose agent it cannot reach.
        let reachable = instances.iter().filter(|instance| instance.agent_connected());
        Ok(reachable.map(room::instance_room).collect())
    }

    async fn other_scaler(&self, service: &EcsService) -> PortResult<Option<OtherScaler>> {
        scalable_target(&self.application_autoscaling, service).await
    }
}

impl TaskScaler for EcsServices {
    async fn set_desired_tasks(&self, service: &EcsService, to: TaskCount) -> PortResult<()> {
        let request = self.ecs.update_service().cluster(&service.cluster).service(&service.service);
        let request = request.desired_count(i32::try_from(to.get()).unwrap_or(i32::MAX));
        request.send().await.map(|_| ()).map_err(|error| port_error("ecs:UpdateService", error))
    }
}

fn failed_item(operation: &'static str, failure: &Failure) -> PortError {
    let reason = failure.reason().unwrap_or("no reason given");
    let kind = match reason {
        "MISSING" => PortErrorKind::NotFound,
        _ => PortErrorKind::Unavailable,
    };
    let detail = failure.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
    PortError::new(kind, operation, format!("{}: {reason}{detail}", failure.arn().unwrap_or("an item")))
}

fn tasks_now(service: &Service) -> TasksNow {
    let primary = service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"));
    // A service whose deployments another controller makes has task sets instead.
    let task_set = service.task_sets().iter().find(|set| set.status() == Some("PRIMARY"));
    let task_definition = primary.and_then(Deployment::task_definition).or_else(|| service.task_definition());
    let task_definition = task_definition.or_else(|| task_set.and_then(|set| set.task_definition()));
    TasksNow {
        status: service.status().unwrap_or("UNKNOWN").to_owned(),
        desired: count(service.desired_count()),
        running: count(service.running_count()),
        pending: count(service.pending_count()),
        deployment: rollout(service, primary),
        task_definition: task_definition.unwrap_or_default().to_owned(),
    }
}

/// A deployment is going on while an older one still has its tasks or the newest is not yet complete.
fn rollout(service: &Service, primary: Option<&Deployment>) -> Option<String> {
    let is_in_progress = |deployment: &Deployment| deployment.rollout_state() == Some(&DeploymentRolloutState::InProgress);
    if service.deployments().len() > 1 || primary.is_some_and(is_in_progress) {
        let newest = primary.or_else(|| service.deployments().first());
        let id = newest.and_then(Deployment::id).unwrap_or("without id");
        let state = newest.and_then(Deployment::rollout_state).map_or("unknown", DeploymentRolloutState::as_str);
        return Some(format!("deployment {id} ({state})"));
    }
    (service.task_sets().len() > 1).then(|| format!("deployment of {} task sets", service.task_sets().len()))
}

fn count(number: i32) -> TaskCount {
    TaskCount::saturating(u64::try_from(number).unwrap_or(0))
}
