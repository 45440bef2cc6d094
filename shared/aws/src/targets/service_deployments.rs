//! ECS's own history of deployments: the one that a handle means, and how far it says that it is.
//!
//! Where ECS has no such history (an old region, a local AWS, a deployment that is not listed yet) there is none, which is
//! no error: [`deployments`](super::deployments) then reads the service itself.

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::EcsService;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::RolloutStatus;
use serde_json::{Value, json};

use super::answers::{count, failed_item, is_unknown_operation, items, list, text, time};
use crate::call::AwsCaller;
use crate::call::services::ECS;

const LIST: &str = "ecs:ListServiceDeployments";
const DESCRIBE: &str = "ecs:DescribeServiceDeployments";
const DESCRIBE_REVISIONS: &str = "ecs:DescribeServiceRevisions";

/// How far the clock of ECS may be behind the one that wrote down when a roll-out began.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(2);
/// The states of a deployment that has not ended (ECS developer guide, "View service history").
const UNDER_WAY: [&str; 5] = ["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"];
/// Service revisions that one DescribeServiceRevisions takes (ECS API reference).
const REVISIONS_A_CALL: usize = 20;

/// Which roll-out is meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// The deployment's id or a service deployment's ARN.
    pub(super) handle: &'a str,
    /// The task definition that it brings, where that is known.
    pub(super) to: Option<&'a str>,
    /// When it began, by our clock; without it only what is under way is looked at.
    pub(super) since: Option<Timestamp>,
}

/// The service deployment, if ECS knows of it.
pub(super) async fn find(caller: &AwsCaller, service: &EcsService, wanted: Wanted<'_>) -> PortResult<Option<Value>> {
    let found = match wanted.handle.contains(":service-deployment/") {
        true => Ok(Some(wanted.handle.to_owned())),
        false => listed(caller, service, wanted).await,
    };
    let described = match found {
        Ok(Some(arn)) => described(caller, &arn).await,
        Ok(None) => Ok(None),
        Err(error) => Err(error),
    };
    match described {
        Err(error) if is_unknown_operation(&error) => Ok(None),
        described => described,
    }
}

async fn described(caller: &AwsCaller, arn: &str) -> PortResult<Option<Value>> {
    let answer = caller.json(&ECS, DESCRIBE, &json!({ "serviceDeploymentArns": [arn] })).await?;
    failed_item(DESCRIBE, &answer, |reason| reason == "MISSING")?;
    Ok(list(DESCRIBE, &answer, "serviceDeployments")?.first().cloned())
}

/// The ARN of the wanted one. ECS gives a deployment and the service revision that it makes the same number, so the number
/// tells; should that change, the newest one that brings the wanted task definition is meant.
async fn listed(caller: &AwsCaller, service: &EcsService, wanted: Wanted<'_>) -> PortResult<Option<String>> {
    let mut body = json!({ "cluster": service.cluster, "service": service.service });
    let after = wanted.since.map(|since| since.checked_sub(CLOCKS_APART).unwrap_or(since).as_second());
    if let Value::Object(members) = &mut body {
        match after {
            Some(after) => members.insert("createdAt".into(), json!({ "after": after })),
            None => members.insert("status".into(), json!(UNDER_WAY)),
        };
    }
    let mut briefs = Vec::new();
    for page in caller.json_pages(&ECS, LIST, &body).await? {
        briefs.extend_from_slice(list(LIST, &page, "serviceDeployments")?);
    }
    let number = wanted.handle.rsplit_once('/').map_or(wanted.handle, |(_, number)| number);
    let by_number = briefs.iter().find(|brief| revision_number(brief) == Some(number));
    let found = match (by_number, wanted.to) {
        (Some(brief), _) => Some(brief),
        (None, Some(to)) => bringing(caller, &briefs, to).await?,
        (None, None) => None,
    };
    Ok(found.and_then(|brief| text(brief, "serviceDeploymentArn")).map(str::to_owned))
}

fn revision_number(brief: &Value) -> Option<&str> {
    text(brief, "targetServiceRevisionArn")?.rsplit_once('/').map(|(_, number)| number)
}

/// The newest of these that brings a task definition.
async fn bringing<'a>(caller: &AwsCaller, briefs: &'a [Value], to: &str) -> PortResult<Option<&'a Value>> {
    let mut arns: Vec<&str> = briefs.iter().filter_map(|brief| text(brief, "targetServiceRevisionArn")).collect();
    arns.sort_unstable();
    arns.dedup();
    let mut ours = Vec::new();
    for some in arns.chunks(REVISIONS_A_CALL) {
        let answer = caller.json(&ECS, DESCRIBE_REVISIONS, &json!({ "serviceRevisionArns": some })).await?;
        failed_item(DESCRIBE_REVISIONS, &answer, |reason| reason == "MISSING")?;
        let revisions = list(DESCRIBE_REVISIONS, &answer, "serviceRevisions")?;
        let bringing = revisions.iter().filter(|revision| text(revision, "taskDefinition") == Some(to));
        ours.extend(bringing.filter_map(|revision| text(revision, "serviceRevisionArn")).map(str::to_owned));
    }
    let is_ours = |brief: &&Value| text(brief, "targetServiceRevisionArn").is_some_and(|arn| ours.iter().any(|own| own == arn));
    Ok(briefs.iter().filter(is_ours).max_by_key(|brief| time(brief, "createdAt")))
}

/// How far it is; none where it was stopped because something else came, which the service itself tells more of.
pub(super) fn status(deployment: &Value) -> PortResult<Option<RolloutStatus>> {
    let state = text(deployment, "status").unwrap_or_default();
    Ok(Some(match state {
        "PENDING" | "IN_PROGRESS" => RolloutStatus::Moving,
        "SUCCESSFUL" => RolloutStatus::Succeeded,
        "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS" => RolloutStatus::RollingBack,
        "ROLLBACK_SUCCESSFUL" => RolloutStatus::RolledBack,
        "ROLLBACK_FAILED" => RolloutStatus::Failed,
        // It is not over before it is STOPPED; what becomes of it shows then.
        "STOP_REQUESTED" => RolloutStatus::Moving,
        "STOPPED" if has_tripped(deployment) => RolloutStatus::Failed,
        "STOPPED" => return Ok(None),
        other => {
            let message = format!("the service deployment has the unknown status \"{other}\"");
            return Err(PortError::new(PortErrorKind::Unavailable, DESCRIBE, message));
        }
    }))
}

/// Circuit breaker or alarms have failed it and, without their rollback option, only stopped it.
fn has_tripped(deployment: &Value) -> bool {
    let is_triggered = |name: &str| deployment.get(name).and_then(|part| text(part, "status")) == Some("TRIGGERED");
    is_triggered("deploymentCircuitBreaker") || is_triggered("alarms")
}

/// What it says of itself, in parts.
pub(super) fn words(deployment: &Value) -> Vec<String> {
    let mut words = vec![in_words(text(deployment, "status").unwrap_or("unknown"))];
    words.extend(text(deployment, "lifecycleStage").map(|stage| format!("at {}", in_words(stage))));
    if items(deployment, "lifecycleHookDetails").iter().any(|hook| text(hook, "status") == Some("AWAITING_ACTION")) {
        words.push("a lifecycle hook waits for somebody's answer".into());
    }
    if let Some(breaker) = deployment.get("deploymentCircuitBreaker").filter(|breaker| count(breaker, "failureCount") > 0) {
        let (failed, threshold) = (count(breaker, "failureCount"), count(breaker, "threshold"));
        words.push(format!("the circuit breaker has counted {failed} of {threshold} failures"));
    }
    let alarms = deployment.get("alarms").map(|alarms| items(alarms, "triggeredAlarmNames")).unwrap_or_default();
    let alarms: Vec<&str> = alarms.iter().filter_map(Value::as_str).collect();
    if !alarms.is_empty() {
        words.push(format!("in ALARM: {}", alarms.join(", ")));
    }
    let rollback = deployment.get("rollback").and_then(|rollback| text(rollback, "reason"));
    words.extend([text(deployment, "statusReason"), rollback].into_iter().flatten().map(str::to_owned));
    words
}

/// `IN_PROGRESS` is "in progress".
pub(super) fn in_words(state: &str) -> String {
    state.to_ascii_lowercase().replace('_', " ")
}
