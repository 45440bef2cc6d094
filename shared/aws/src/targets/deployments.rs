//! A deployment of an ECS service from its begin to its end: followed by its own id, so that a roll back or somebody else's
//! deployment is never taken for its success.

use jiff::Timestamp;
use nightshift_core::fleet::EcsService;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::{RolloutNow, RolloutStatus};
use serde_json::{Value, json};

use super::answers::{count, is_unknown_operation, items, list, text, time};
use super::deaths::{self, Deaths};
use super::service_deployments::{self, Wanted, in_words};
use super::services::{self, primary};
use crate::call::AwsCaller;
use crate::call::services::ECS;
use crate::error::shorten;

const STOP: &str = "ecs:StopServiceDeployment";

pub(super) async fn rollout(caller: &AwsCaller, service: &EcsService, handle: &str, to: &str, since: Timestamp) -> PortResult<RolloutNow> {
    let wanted = Wanted { handle, to: Some(to), since: Some(since) };
    let (found, told, deaths) = tokio::join!(
        services::described(caller, service),
        service_deployments::find(caller, service, wanted),
        deaths::of(caller, service, to, since),
    );
    let (found, told, deaths) = (found?, told?, deaths?);
    let seen = Seen { service: &found, handle, to, since };
    let (status, words) = seen.standing(told.as_ref())?;
    let running = seen.running()?;
    let desired = count(&found, "desiredCount");
    Ok(RolloutNow { status, words: joined(words, running, desired, &deaths), desired, running, died: deaths.died })
}

/// Has ECS roll back the service deployment that is under way, which works without a circuit breaker, too (ECS developer
/// guide, "Stopping Amazon ECS service deployments").
pub(super) async fn take_back(caller: &AwsCaller, service: &EcsService, handle: &str) -> PortResult<()> {
    let nothing = |why: &str| PortError::new(PortErrorKind::Conflict, STOP, format!("there is nothing to stop: {why}"));
    let now = services::described(caller, service).await?;
    // Only while it is the newest may it be known by its task definition as well.
    let ours = primary(&now).filter(|primary| text(primary, "id") == Some(handle));
    let to = ours.and_then(|primary| text(primary, "taskDefinition"));
    let found = service_deployments::find(caller, service, Wanted { handle, to, since: None }).await?;
    let arn = found.as_ref().and_then(|found| text(found, "serviceDeploymentArn"));
    let arn = arn.ok_or_else(|| nothing(&format!("ECS has no service deployment for {handle}")))?;
    let answer = caller.json(&ECS, STOP, &json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" })).await;
    match answer {
        Ok(_) => Ok(()),
        Err(error) if is_unknown_operation(&error) => Err(nothing("ECS has no StopServiceDeployment here")),
        Err(error) if error.kind == PortErrorKind::NotFound => Err(nothing(&error.message)),
        Err(error) => Err(error),
    }
}

/// What the status is read from.
struct Seen<'a> {
    service: &'a Value,
    handle: &'a str,
    to: &'a str,
    since: Timestamp,
}

impl Seen<'_> {
    /// ECS's history where it tells, else the service's present deployments.
    fn standing(&self, told: Option<&Value>) -> PortResult<(RolloutStatus, Vec<String>)> {
        let Some(deployment) = told else { return self.by_deployments() };
        match service_deployments::status(deployment)? {
            Some(status) => Ok((status, service_deployments::words(deployment))),
            None => {
                let (status, words) = self.by_deployments()?;
                // It has stopped without being told to go back: what succeeds or moves now is another deployment.
                Ok((status, service_deployments::words(deployment).into_iter().chain(words).collect()))
            }
        }
    }

    fn by_deployments(&self) -> PortResult<(RolloutStatus, Vec<String>)> {
        let deployments = list(services::DESCRIBE, self.service, "deployments")?;
        let ours = deployments.iter().find(|deployment| text(deployment, "id") == Some(self.handle));
        let Some(primary) = primary(self.service) else {
            return Ok((RolloutStatus::Moving, vec!["ECS names no primary deployment".into()]));
        };
        let is_ours = text(primary, "id") == Some(self.handle);
        let brings_the_same = text(primary, "taskDefinition") == Some(self.to);
        if !is_ours && self.is_rolling_back(primary, ours) {
            let words = [ours.and_then(reason), reason(primary)].into_iter().flatten().map(str::to_owned).collect();
            return Ok((rolled_back(primary), words));
        }
        match is_ours || brings_the_same {
            // Somebody began another deployment of the same revision, say with other subnets: what is wanted still comes.
            true => Ok((self.by_state(primary), state_words(primary))),
            false => {
                let (id, definition) = (text(primary, "id").unwrap_or("without id"), text(primary, "taskDefinition"));
                let words = format!("deployment {id} of {} took its place", definition.unwrap_or("an unknown revision"));
                Ok((RolloutStatus::Replaced, vec![words]))
            }
        }
    }

    fn by_state(&self, primary: &Value) -> RolloutStatus {
        let is_there = || count(primary, "runningCount") >= count(self.service, "desiredCount");
        let is_alone = || items(self.service, "deployments").iter().all(|other| text(other, "status") != Some("ACTIVE"));
        match text(primary, "rolloutState") {
            Some("COMPLETED") => RolloutStatus::Succeeded,
            Some("FAILED") => RolloutStatus::Failed,
            // Behind a Classic Load Balancer there is no state.
            None if is_alone() && is_there() => RolloutStatus::Succeeded,
            _ => RolloutStatus::Moving,
        }
    }

    /// Circuit breaker and alarms say "rolling back" in the reason of the deployment that goes back; once that is complete,
    /// only the failed one, while it is still listed, and the service's events tell.
    fn is_rolling_back(&self, primary: &Value, ours: Option<&Value>) -> bool {
        let says_so = |words: &str| words.to_ascii_lowercase().contains("rolling back");
        if let (Some("IN_PROGRESS"), Some(reason)) = (text(primary, "rolloutState"), reason(primary)) {
            return says_so(reason);
        }
        let has_failed = ours.is_some_and(|ours| text(ours, "rolloutState") == Some("FAILED"));
        let is_recent = |event: &&Value| time(event, "createdAt").is_some_and(|at| at >= self.since);
        let mut events = items(self.service, "events").iter().filter(is_recent);
        has_failed || reason(primary).is_some_and(says_so) || events.any(|event| text(event, "message").is_some_and(says_so))
    }

    /// Tasks of the wanted revision that run, in whichever deployment.
    fn running(&self) -> PortResult<u32> {
        let deployments = list(services::DESCRIBE, self.service, "deployments")?;
        let ours = deployments.iter().filter(|deployment| text(deployment, "taskDefinition") == Some(self.to));
        Ok(ours.map(|deployment| count(deployment, "runningCount")).fold(0, u32::saturating_add))
    }
}

fn rolled_back(primary: &Value) -> RolloutStatus {
    match text(primary, "rolloutState") {
        Some("COMPLETED") => RolloutStatus::RolledBack,
        Some("FAILED") => RolloutStatus::Failed,
        _ => RolloutStatus::RollingBack,
    }
}

fn reason(deployment: &Value) -> Option<&str> {
    text(deployment, "rolloutStateReason")
}

fn state_words(deployment: &Value) -> Vec<String> {
    let state = text(deployment, "rolloutState").map(in_words);
    state.into_iter().chain(reason(deployment).map(str::to_owned)).collect()
}

/// One line: what ECS says, how many run, and what could not start or died.
fn joined(mut words: Vec<String>, running: u32, desired: u32, deaths: &Deaths) -> String {
    words.push(format!("{running} of {desired} tasks run"));
    words.extend(deaths.in_words());
    let mut told: Vec<String> = Vec::new();
    for part in words.iter().map(|part| shorten(part).trim_end_matches('.').to_owned()) {
        if !told.contains(&part) {
            told.push(part);
        }
    }
    told.join("; ")
}
