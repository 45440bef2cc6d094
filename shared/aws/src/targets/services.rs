//! ECS services as targets: what one is set to, and `UpdateService` with a task definition and nothing else.

use nightshift_core::fleet::EcsService;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::{RolloutId, TargetNow};
use serde_json::{Value, json};

use super::answers::{count, failed_item, items, list, text, time};
use super::unchanged;
use crate::call::AwsCaller;
use crate::call::services::ECS;

pub(super) const DESCRIBE: &str = "ecs:DescribeServices";
const UPDATE: &str = "ecs:UpdateService";

/// The service as ECS describes it; `NotFound` also for one that is being deleted.
pub(super) async fn described(caller: &AwsCaller, service: &EcsService) -> PortResult<Value> {
    let body = json!({ "cluster": service.cluster, "services": [service.service] });
    let answer = caller.json(&ECS, DESCRIBE, &body).await?;
    failed_item(DESCRIBE, &answer, |_| false)?;
    let missing = |why: String| PortError::new(PortErrorKind::NotFound, DESCRIBE, why);
    let Some(found) = list(DESCRIBE, &answer, "services")?.first() else {
        // One that is not there stands among the failures; an answer about nothing is none.
        let message = format!("no answer about service {} in cluster {}", service.service, service.cluster);
        return Err(PortError::new(PortErrorKind::Unavailable, DESCRIBE, message));
    };
    match text(found, "status") {
        Some("ACTIVE") => Ok(found.clone()),
        status => Err(missing(format!("service {} is {}, not ACTIVE", service.service, status.unwrap_or("of no status")))),
    }
}

pub(super) async fn target_now(caller: &AwsCaller, service: &EcsService) -> PortResult<TargetNow> {
    let found = described(caller, service).await?;
    let unusable = unusable(&found);
    let revision = match (revision(&found), &unusable) {
        (Ok(revision), _) => revision.to_owned(),
        (Err(_), Some(_)) => String::new(),
        (Err(error), None) => return Err(error),
    };
    Ok(TargetNow {
        revision,
        desired: count(&found, "desiredCount"),
        running: count(&found, "runningCount"),
        newest: primary(&found).and_then(|primary| newest(&found, primary)),
        unusable,
    })
}

/// The task definition that the service is set to. A service of another deployment controller has it in its task sets.
pub(super) fn revision(service: &Value) -> PortResult<&str> {
    text(service, "taskDefinition").ok_or_else(|| match unusable(service) {
        Some(why) => PortError::new(PortErrorKind::Denied, DESCRIBE, why),
        None => PortError::new(PortErrorKind::Unavailable, DESCRIBE, "the service has no task definition"),
    })
}

/// Deployments of these services are made by CodeDeploy or by whoever owns the task sets; `UpdateService` refuses a task
/// definition for them (ECS API reference, UpdateService).
fn unusable(service: &Value) -> Option<String> {
    let controller = service.get("deploymentController").and_then(|controller| text(controller, "type"));
    match controller {
        Some(other @ ("CODE_DEPLOY" | "EXTERNAL")) => Some(format!(
            "its deployment controller is {other}; Nightshift deploys to services with the controller ECS \
             (whose own strategies are rolling, blue/green, linear and canary)"
        )),
        _ if !items(service, "taskSets").is_empty() => Some("it has task sets, which another deployment controller owns".into()),
        _ => None,
    }
}

/// The newest deployment.
pub(super) fn primary(service: &Value) -> Option<&Value> {
    items(service, "deployments").iter().find(|deployment| text(deployment, "status") == Some("PRIMARY"))
}

fn newest(service: &Value, primary: &Value) -> Option<RolloutId> {
    Some(RolloutId {
        handle: text(primary, "id")?.to_owned(),
        revision: text(primary, "taskDefinition").map(str::to_owned),
        began_at: time(primary, "createdAt"),
        is_moving: is_moving(service, primary),
    })
}

/// A failed deployment stands still, whatever it left behind; a complete one may still have an older one's tasks to stop. Too few
/// running tasks alone are no deployment: a service whose tasks keep dying could not be mended by a release otherwise.
fn is_moving(service: &Value, primary: &Value) -> bool {
    let has_tasks = |deployment: &Value| count(deployment, "runningCount") > 0 || count(deployment, "pendingCount") > 0;
    let is_older = |deployment: &&Value| !matches!(text(deployment, "status"), Some("PRIMARY" | "INACTIVE"));
    let has_older = items(service, "deployments").iter().filter(is_older).any(has_tasks);
    match text(primary, "rolloutState") {
        Some("IN_PROGRESS") => true,
        Some("FAILED") => false,
        Some(_) => has_older,
        // Only services behind a Classic Load Balancer are told without a state (ECS API reference, Deployment).
        None => has_older || count(primary, "runningCount") < count(service, "desiredCount"),
    }
}

/// Sets the task definition; with the one that it has already, all tasks are started anew. Neither the desired count nor the
/// deployment configuration is sent: what is absent stays as it is.
pub(super) async fn roll_out(caller: &AwsCaller, service: &EcsService, seen: &str, to: &str) -> PortResult<Option<String>> {
    let before = described(caller, service).await?;
    unchanged(UPDATE, revision(&before)?, seen)?;
    let mut body = json!({ "cluster": service.cluster, "service": service.service, "taskDefinition": to });
    let is_restart = seen == to;
    if is_restart && let Value::Object(members) = &mut body {
        members.insert("forceNewDeployment".into(), Value::Bool(true));
    }
    // A restart whose answer was lost, tried again, would be a second one.
    let caller = if is_restart { caller.not_twice() } else { caller.clone() };
    let answer = caller.json(&ECS, UPDATE, &body).await?;
    let begun = answer.get("service").and_then(primary).and_then(|primary| text(primary, "id"));
    Ok(begun.map(str::to_owned))
}
