//! Task definitions: read whole, handed back as `RegisterTaskDefinition` takes them, and registered.
//!
//! Only members that ECS itself makes are left out; whatever else a definition has goes through unread.

use nightshift_core::fleet::EcsService;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::{Blueprint, BlueprintVersion, ReleaseId};
use serde_json::{Value, json};

use super::answers::{items, text};
use super::services;
use crate::call::AwsCaller;
use crate::call::services::ECS;

const DESCRIBE: &str = "ecs:DescribeTaskDefinition";
const REGISTER: &str = "ecs:RegisterTaskDefinition";

/// Members of a described definition that registering one does not take: those of ECS's TaskDefinition that
/// RegisterTaskDefinition's request has not.
const MADE_BY_ECS: [&str; 9] = [
    "compatibilities",
    "deleteRequestedAt",
    "deregisteredAt",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "taskDefinitionArn",
];

/// Tags of AWS's own cannot be set. Ours say what made a revision and are no part of what it is.
const FOREIGN_TAGS: [&str; 2] = ["aws:", "nightshift:"];
const RELEASE_TAG: &str = "nightshift:release";
/// The most tags that a resource has.
const MOST_TAGS: usize = 50;

pub(super) async fn blueprint(
    caller: &AwsCaller,
    service: &EcsService,
    running: Option<&str>,
    proven: Option<&str>,
) -> PortResult<Blueprint> {
    let running = match running {
        Some(running) => running.to_owned(),
        None => services::revision(&services::described(caller, service).await?)?.to_owned(),
    };
    let running = running.as_str();
    let proven = proven.filter(|proven| *proven != running);
    let (now, latest, proven) = tokio::join!(described(caller, running), described(caller, family(running)), async {
        match proven {
            Some(proven) => described(caller, proven).await.map(Some),
            None => Ok(None),
        }
    });
    // A definition that a service runs cannot be missing: taken at its word, a reader of a secret would not be started anew.
    let now = now.map_err(|error| match error.kind {
        PortErrorKind::NotFound => PortError { kind: PortErrorKind::Unavailable, ..error },
        _ => error,
    });
    let now = now?.version;
    let latest = match latest {
        Ok(latest) => latest.version,
        // No revision of the family is ACTIVE: there is nothing newer than what runs.
        Err(error) if error.kind == PortErrorKind::NotFound => now.clone(),
        Err(error) => return Err(error),
    };
    let proven = match proven {
        Ok(proven) => proven.filter(|proven| proven.is_active).map(|proven| proven.version),
        Err(error) if error.kind == PortErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(Blueprint { running: now, latest, proven })
}

/// Asked by family, ECS describes the newest ACTIVE revision.
fn family(arn: &str) -> &str {
    let name = arn.rsplit_once('/').map_or(arn, |(_, name)| name);
    name.split_once(':').map_or(name, |(family, _)| family)
}

struct Described {
    version: BlueprintVersion,
    /// A service cannot be set to a revision that is not ACTIVE.
    is_active: bool,
}

async fn described(caller: &AwsCaller, name: &str) -> PortResult<Described> {
    let answer = caller.json(&ECS, DESCRIBE, &json!({ "taskDefinition": name, "include": ["TAGS"] })).await?;
    let missing = || PortError::new(PortErrorKind::Unavailable, DESCRIBE, format!("no task definition in the answer about {name}"));
    let definition = answer.get("taskDefinition").filter(|definition| definition.is_object()).ok_or_else(missing)?;
    let revision = text(definition, "taskDefinitionArn").ok_or_else(missing)?.to_owned();
    let is_active = text(definition, "status") == Some("ACTIVE");
    Ok(Described { version: BlueprintVersion { revision, body: body(definition, items(&answer, "tags")) }, is_active })
}

fn body(definition: &Value, tags: &[Value]) -> Value {
    let mut body = definition.clone();
    if let Value::Object(members) = &mut body {
        // An empty text stands for an absent role or mode, and registering would refuse it; so does a null, which is no value
        // of any member in ECS's model.
        members.retain(|name, value| !MADE_BY_ECS.contains(&name.as_str()) && value.as_str() != Some("") && !value.is_null());
        let own = |tag: &&Value| text(tag, "key").is_some_and(|key| !FOREIGN_TAGS.iter().any(|prefix| key.starts_with(prefix)));
        members.insert("tags".into(), tags.iter().filter(own).cloned().collect());
    }
    body
}

/// Registers a revision; its ARN. After an answer that was lost nothing is tried again, since that would make another one:
/// whoever calls compares with the newest first.
pub(super) async fn register(caller: &AwsCaller, body: &Value, release: &ReleaseId) -> PortResult<String> {
    let mut body = body.clone();
    if let Some(members) = body.as_object_mut() {
        let mut tags = members.get("tags").and_then(Value::as_array).cloned().unwrap_or_default();
        if tags.len() < MOST_TAGS {
            tags.push(json!({ "key": RELEASE_TAG, "value": release.as_str() }));
        }
        members.insert("tags".into(), Value::Array(tags));
    }
    let answer = caller.not_twice().json(&ECS, REGISTER, &body).await?;
    let arn = answer.get("taskDefinition").and_then(|definition| text(definition, "taskDefinitionArn"));
    let missing = || PortError::new(PortErrorKind::Unavailable, REGISTER, "the answer does not name the new revision");
    arn.map(str::to_owned).ok_or_else(missing)
}
