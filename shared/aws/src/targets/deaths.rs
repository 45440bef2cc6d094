//! Tasks of one revision that have stopped: those that died after they had started, and those that never did.
//!
//! The circuit breaker counts only what happens before a task is healthy; a crash loop after that shows nowhere but here.
//! What a deployment, a scaling, a person or a lost machine stops is no death of the revision's own.

use jiff::Timestamp;
use nightshift_core::fleet::EcsService;
use nightshift_core::ports::PortResult;
use serde_json::{Value, json};

use super::answers::{failed_item, list, text, time};
use crate::call::AwsCaller;
use crate::call::services::ECS;
use crate::error::shorten;
use crate::pages::in_chunks;

const LIST: &str = "ecs:ListTasks";
const DESCRIBE: &str = "ecs:DescribeTasks";
/// Tasks that one DescribeTasks takes (ECS API reference).
const TASKS_A_CALL: usize = 100;

/// What has become of a revision's tasks. ECS shows stopped tasks for an hour at least.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Deaths {
    /// How many died after they had started.
    pub(super) died: u32,
    /// How many could not be started.
    pub(super) unstarted: u32,
    /// Why the newest of the dead died.
    why_died: Option<String>,
    /// Why the newest of the others could not be started.
    why_unstarted: Option<String>,
}

impl Deaths {
    pub(super) fn in_words(&self) -> Vec<String> {
        let because = |why: &Option<String>| why.as_ref().map(|why| format!(" ({})", shorten(why))).unwrap_or_default();
        let mut words = Vec::new();
        if self.died > 0 {
            words.push(format!("{} died after they had started{}", self.died, because(&self.why_died)));
        }
        if self.unstarted > 0 {
            words.push(format!("{} could not be started{}", self.unstarted, because(&self.why_unstarted)));
        }
        words
    }
}

/// The deaths of the service's tasks of revision `to` since `since`.
pub(super) async fn of(caller: &AwsCaller, service: &EcsService, to: &str, since: Timestamp) -> PortResult<Deaths> {
    let body = json!({ "cluster": service.cluster, "serviceName": service.service, "desiredStatus": "STOPPED" });
    let mut arns: Vec<Value> = Vec::new();
    for page in caller.json_pages(&ECS, LIST, &body).await? {
        arns.extend_from_slice(list(LIST, &page, "taskArns")?);
    }
    let mut tasks = in_chunks(&arns, TASKS_A_CALL, |some| described(caller, &service.cluster, some)).await?;
    tasks.sort_by_key(stopped_at);
    let stopped_since = |task: &&Value| stopped_at(task).is_some_and(|at| at >= since);
    let ours = tasks.iter().filter(|task| text(task, "taskDefinitionArn") == Some(to)).filter(stopped_since);
    Ok(ours.fold(Deaths::default(), counted))
}

async fn described(caller: &AwsCaller, cluster: &str, arns: &[Value]) -> PortResult<Vec<Value>> {
    let answer = caller.json(&ECS, DESCRIBE, &json!({ "cluster": cluster, "tasks": arns })).await?;
    // MISSING: it was forgotten after it was listed, so it stopped an hour ago or more.
    failed_item(DESCRIBE, &answer, |reason| reason == "MISSING")?;
    Ok(list(DESCRIBE, &answer, "tasks")?.to_vec())
}

/// A task that is still being cleaned up has no end yet, but it began to stop.
fn stopped_at(task: &Value) -> Option<Timestamp> {
    ["stoppedAt", "executionStoppedAt", "stoppingAt"].into_iter().find_map(|name| time(task, name))
}

fn counted(mut deaths: Deaths, task: &Value) -> Deaths {
    match end_of(task) {
        End::Died => {
            deaths.died = deaths.died.saturating_add(1);
            deaths.why_died = why(task).or(deaths.why_died);
        }
        End::NeverStarted => {
            deaths.unstarted = deaths.unstarted.saturating_add(1);
            deaths.why_unstarted = why(task).or(deaths.why_unstarted);
        }
        End::NotItsFault => {}
    }
    deaths
}

enum End {
    Died,
    NeverStarted,
    NotItsFault,
}

/// `startedAt` is the moment in which a task came to run (ECS API reference, Task). The scheduler stops tasks both for
/// deployments and scaling and because they failed a health check; only the reason tells which ("Stopped tasks error codes").
fn end_of(task: &Value) -> End {
    let reason = text(task, "stoppedReason").unwrap_or_default().to_ascii_lowercase();
    let has_started = time(task, "startedAt").is_some();
    match text(task, "stopCode") {
        Some("UserInitiated" | "SpotInterruption" | "TerminationNotice" | "InfrastructureHealth") => End::NotItsFault,
        Some("ServiceSchedulerInitiated") if !reason.contains("health check") => End::NotItsFault,
        Some("TaskFailedToStart") => End::NeverStarted,
        None if reason.contains("scaling activity") || reason.contains("deployment") => End::NotItsFault,
        _ if has_started => End::Died,
        _ => End::NeverStarted,
    }
}

/// The task's reason, and that of a container that ended badly, with its exit code.
fn why(task: &Value) -> Option<String> {
    let bad = |container: &&Value| {
        let code = container.get("exitCode").and_then(Value::as_i64);
        text(container, "reason").is_some() || code.is_some_and(|code| code != 0)
    };
    let container = super::answers::items(task, "containers").iter().find(bad).map(|container| {
        let code = container.get("exitCode").and_then(Value::as_i64).map(|code| format!(" with exit code {code}"));
        let reason = text(container, "reason").map(|reason| format!(": {reason}"));
        let name = text(container, "name").unwrap_or("without name");
        format!("container {name} ended{}{}", code.unwrap_or_default(), reason.unwrap_or_default())
    });
    let parts: Vec<String> = text(task, "stoppedReason").map(str::to_owned).into_iter().chain(container).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}
