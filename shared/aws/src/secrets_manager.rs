//! Secrets Manager: secrets without and with their values, the labels of their versions, and their rotation.
//!
//! A value goes from the answer into [`SecretText`] at once and from there into a request; what held it in between is wiped.
//! Must never put anything of a body into an error, take a missing version for a missing secret, or move a label unasked.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::rotation::ports::{SecretReader, SecretStages, VersionRef, VersionValue};
use nightshift_core::rotation::{SecretNow, SecretText};
use serde_json::{Value, json};

use crate::call::services::SECRETS_MANAGER;
use crate::call::{AwsCaller, SecretJson};
use crate::targets::answers::{list, text, time};

mod refused;
mod rotation;

pub use rotation::RotationSetup;

const DESCRIBE_SECRET: &str = "secretsmanager:DescribeSecret";
const GET_SECRET_VALUE: &str = "secretsmanager:GetSecretValue";
const LIST_VERSIONS: &str = "secretsmanager:ListSecretVersionIds";
const PUT_SECRET_VALUE: &str = "secretsmanager:PutSecretValue";
const UPDATE_STAGE: &str = "secretsmanager:UpdateSecretVersionStage";

const CURRENT: &str = "AWSCURRENT";
const PENDING: &str = "AWSPENDING";

/// The secrets of one account and region.
#[derive(Clone, Debug)]
pub struct ManagedSecrets {
    caller: AwsCaller,
}

impl ManagedSecrets {
    /// Called with `caller`, in its region.
    pub fn new(caller: AwsCaller) -> Self {
        Self { caller }
    }

    /// The secret and how it rotates, from one reading; no setup if Secrets Manager does not rotate it.
    pub async fn secret_and_setup(&self, secret: &str) -> PortResult<(SecretNow, Option<RotationSetup>)> {
        let asked = self.caller.json(&SECRETS_MANAGER, DESCRIBE_SECRET, &json!({ "SecretId": secret })).await;
        let answer = asked.map_err(|error| refused::explained(error, secret))?;
        Ok((secret_of(&answer, self.caller.region())?, rotation::setup_of(&answer)))
    }

    /// When each version was made, also of those without a label that are still kept.
    pub async fn versions_made_at(&self, secret: &str) -> PortResult<BTreeMap<String, Timestamp>> {
        let asked = self.caller.json_pages(&SECRETS_MANAGER, LIST_VERSIONS, &json!({ "SecretId": secret, "MaxResults": 100 })).await;
        let mut made_at = BTreeMap::new();
        for page in asked.map_err(|error| refused::explained(error, secret))? {
            for version in list(LIST_VERSIONS, &page, "Versions")? {
                if let (Some(id), Some(at)) = (text(version, "VersionId"), time(version, "CreatedDate")) {
                    made_at.insert(id.to_owned(), at);
                }
            }
        }
        Ok(made_at)
    }

    /// Moves or takes a label. Where the labels are not as they were seen, `is_wanted` says whether what is there is what was
    /// wanted: a call whose answer was lost is made twice, and so finds its own work.
    async fn move_stage(&self, secret: &str, request: &Value, is_wanted: impl Fn(&SecretNow) -> bool) -> PortResult<()> {
        let Err(error) = self.caller.json(&SECRETS_MANAGER, UPDATE_STAGE, request).await else { return Ok(()) };
        if !refused::is_of_labels(&error) {
            return Err(refused::explained(error, secret));
        }
        let now = self.secret_now(secret).await?;
        match is_wanted(&now) {
            true => Ok(()),
            false => {
                let held = |stage| now.versions.iter().find(|(_, stages)| stages.contains(stage)).map_or("no version", |(id, _)| id);
                let words =
                    format!("the labels are not where they were seen: {CURRENT} is on {}, {PENDING} on {}", held(CURRENT), held(PENDING));
                Err(PortError::new(PortErrorKind::Conflict, UPDATE_STAGE, words))
            }
        }
    }
}

impl SecretReader for ManagedSecrets {
    async fn secret_now(&self, secret: &str) -> PortResult<SecretNow> {
        Ok(self.secret_and_setup(secret).await?.0)
    }

    async fn value(&self, secret: &str, version: VersionRef<'_>) -> PortResult<Option<VersionValue>> {
        let request = match version {
            VersionRef::Stage(stage) => json!({ "SecretId": secret, "VersionStage": stage }),
            // Both, so that a version that has lost the label meanwhile is not taken for the one that is being made.
            VersionRef::Pending(id) => json!({ "SecretId": secret, "VersionId": id, "VersionStage": PENDING }),
        };
        match self.caller.json(&SECRETS_MANAGER, GET_SECRET_VALUE, &request).await {
            Ok(answer) => value_of(SecretJson::new(answer), secret, version),
            Err(error) if refused::is_of_version(&error) => Ok(None),
            // The same code for a secret and for a version that is not there: the words are not enough to know.
            Err(error) if error.kind == PortErrorKind::NotFound => self.secret_now(secret).await.map(|_| None),
            Err(error) => Err(refused::explained(error, secret)),
        }
    }
}

impl SecretStages for ManagedSecrets {
    async fn put_pending(&self, secret: &str, token: &str, value: &SecretText, rotation_token: Option<&str>) -> PortResult<()> {
        let mut request = json!({
            "SecretId": secret,
            "ClientRequestToken": token,
            "SecretString": value.reveal(),
            "VersionStages": [PENDING],
        });
        if let (Some(rotation_token), Some(members)) = (rotation_token, request.as_object_mut()) {
            members.insert("RotationToken".to_owned(), rotation_token.into());
        }
        let request = SecretJson::new(request);
        let put = self.caller.json(&SECRETS_MANAGER, PUT_SECRET_VALUE, request.as_value()).await;
        match put.map(SecretJson::new) {
            Ok(_) => Ok(()),
            Err(error) if error.kind == PortErrorKind::Conflict => {
                let words = format!("the version {token} has another value already, and a version's value never changes");
                Err(PortError { message: words, ..error })
            }
            Err(error) => Err(refused::explained(error, secret)),
        }
    }

    async fn make_current(&self, secret: &str, from: Option<&str>, to: &str) -> PortResult<()> {
        let mut request = json!({ "SecretId": secret, "VersionStage": CURRENT, "MoveToVersionId": to });
        if let (Some(from), Some(members)) = (from, request.as_object_mut()) {
            members.insert("RemoveFromVersionId".to_owned(), from.into());
        }
        self.move_stage(secret, &request, |now| now.has(to, CURRENT)).await
    }

    async fn drop_pending(&self, secret: &str, version: &str) -> PortResult<()> {
        let request = json!({ "SecretId": secret, "VersionStage": PENDING, "RemoveFromVersionId": version });
        self.move_stage(secret, &request, |now| !now.has(version, PENDING)).await
    }
}

fn secret_of(answer: &Value, region: Option<&str>) -> PortResult<SecretNow> {
    let needed = |member: &'static str| {
        let lacking = || PortError::new(PortErrorKind::Unavailable, DESCRIBE_SECRET, format!("the answer lacks {member}"));
        text(answer, member).map(str::to_owned).ok_or_else(lacking)
    };
    let is_enabled = answer.get("RotationEnabled").and_then(Value::as_bool).unwrap_or(false);
    Ok(SecretNow {
        arn: needed("ARN")?,
        name: needed("Name")?,
        rotation_enabled: is_enabled,
        rotation_function: text(answer, "RotationLambdaARN").map(str::to_owned),
        rotation_rule: rotation::rule_of(answer),
        last_rotated_at: time(answer, "LastRotatedDate"),
        next_rotation_at: time(answer, "NextRotationDate").filter(|_| is_enabled),
        created_at: time(answer, "CreatedDate"),
        is_replica: text(answer, "PrimaryRegion").is_some_and(|primary| region.is_some_and(|region| region != primary)),
        is_deleted: answer.get("DeletedDate").is_some_and(|at| !at.is_null()),
        // A secret that never had a value has no versions, and then the answer does not have the member.
        versions: answer.get("VersionIdsToStages").and_then(Value::as_object).map(versions_of).unwrap_or_default(),
    })
}

fn versions_of(members: &serde_json::Map<String, Value>) -> BTreeMap<String, BTreeSet<String>> {
    let stages = |labels: &Value| labels.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    members.iter().map(|(version, labels)| (version.clone(), stages(labels))).collect()
}

fn value_of(mut answer: SecretJson, secret: &str, version: VersionRef<'_>) -> PortResult<Option<VersionValue>> {
    let has_label = |stage: &str| {
        let stages = answer.as_value().get("VersionStages").and_then(Value::as_array);
        stages.is_none_or(|stages| stages.iter().any(|own| own.as_str() == Some(stage)))
    };
    if matches!(version, VersionRef::Pending(_)) && !has_label(PENDING) {
        return Ok(None);
    }
    let created_at = time(answer.as_value(), "CreatedDate");
    let id = text(answer.as_value(), "VersionId").map(str::to_owned);
    let is_binary = answer.as_value().get("SecretBinary").is_some_and(|binary| !binary.is_null());
    match (answer.take_text("SecretString").map(SecretText::new), id) {
        (Some(text), Some(version)) => Ok(Some(VersionValue { version, text, created_at })),
        (Some(_), None) => Err(PortError::new(PortErrorKind::Unavailable, GET_SECRET_VALUE, "the answer lacks VersionId")),
        (None, _) if is_binary => {
            let words = format!("{secret} holds bytes and no text; store its value as text (SecretString), then rotate it");
            Err(PortError::new(PortErrorKind::Denied, GET_SECRET_VALUE, words))
        }
        (None, _) => Ok(None),
    }
}
