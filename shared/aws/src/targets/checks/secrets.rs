//! Whether the secrets and parameters that tasks read as they start are there; what is in them is not read.

use nightshift_core::release::{Check, CheckResult};
use serde_json::{Value, json};

use super::subjects::region_of;
use super::{Seen, check, or_missing, without};
use crate::call::AwsCaller;
use crate::call::services::{SECRETS_MANAGER, SSM};
use crate::targets::answers::{list, text};

const DESCRIBE: &str = "secretsmanager:DescribeSecret";
const GET_PARAMETERS: &str = "ssm:GetParameters";

/// A secret as a task definition names it: `arn:aws:secretsmanager:<region>:<account>:secret:<name>`, then perhaps a key of
/// its JSON, a version's stage and a version's id, each of which may be empty (ECS developer guide, "Pass Secrets Manager
/// secrets through environment variables").
struct Reference<'a> {
    arn: String,
    name: &'a str,
    stage: Option<&'a str>,
    version: Option<&'a str>,
}

impl<'a> Reference<'a> {
    fn of(text: &'a str) -> Self {
        let parts: Vec<&str> = text.split(':').collect();
        let given = |index: usize| parts.get(index).copied().filter(|part| !part.is_empty());
        let arn = parts.get(..7).unwrap_or(&parts).join(":");
        Self { arn, name: given(6).unwrap_or(text), stage: given(8), version: given(9) }
    }
}

/// The reference without the key of the secret's JSON: several keys of one secret are one thing to look at.
pub(super) fn without_key(reference: &str) -> String {
    let parts = reference.split(':').enumerate().map(|(index, part)| if index == 7 { "" } else { part });
    parts.collect::<Vec<_>>().join(":").trim_end_matches(':').to_owned()
}

/// The secret's name, with the six characters that Secrets Manager adds.
pub(super) fn name(reference: &str) -> &str {
    Reference::of(reference).name
}

pub(super) async fn look(caller: &AwsCaller, reference: &str) -> Seen {
    let wanted = Reference::of(reference);
    let caller = region_of(reference).map_or_else(|| caller.clone(), |region| caller.in_region(region));
    let missing = || "there is no such secret; create it, or mend the ARN in the task definition".to_owned();
    let answer = caller.json(&SECRETS_MANAGER, DESCRIBE, &json!({ "SecretId": wanted.arn })).await;
    let answer = match or_missing(answer, missing) {
        Ok(answer) => answer,
        Err(seen) => return seen,
    };
    if text(&answer, "ARN").is_none() {
        return Err(without(DESCRIBE, "ARN"));
    }
    if answer.get("DeletedDate").is_some_and(|date| !date.is_null()) {
        return Ok(Some("it is to be deleted and cannot be read; restore it with aws secretsmanager restore-secret".into()));
    }
    // Without versions in the answer (a secret that never had a value) nothing can be read either.
    let versions = answer.get("VersionIdsToStages").and_then(Value::as_object);
    let stage = wanted.stage.unwrap_or("AWSCURRENT");
    let has_stage = |stages: &Value| stages.as_array().is_some_and(|stages| stages.iter().any(|named| named.as_str() == Some(stage)));
    let is_there = match wanted.version {
        Some(version) => versions.is_some_and(|versions| versions.contains_key(version)),
        None => versions.is_some_and(|versions| versions.values().any(has_stage)),
    };
    let which = wanted.version.map_or_else(|| format!("with the stage {stage}"), |version| format!("with the id {version}"));
    Ok((!is_there).then(|| format!("it has no version {which}; put a value into it, or mend the reference in the task definition")))
}

/// At most ten parameters, all of one region. Encrypted values stay encrypted.
pub(super) async fn parameters(caller: &AwsCaller, names: &[String], region: Option<&str>) -> Vec<Check> {
    let caller = region.map_or_else(|| caller.clone(), |region| caller.in_region(region));
    let answer = caller.json(&SSM, GET_PARAMETERS, &json!({ "Names": names, "WithDecryption": false })).await;
    let invalid = answer.and_then(|answer| {
        let invalid = list(GET_PARAMETERS, &answer, "InvalidParameters")?;
        Ok(invalid.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>())
    });
    let one = |name: &String| {
        let what = format!("parameter {}", name.split_once(":parameter").map_or(name.as_str(), |(_, name)| name));
        match &invalid {
            Ok(invalid) if invalid.contains(name) => {
                let remedy = "there is no such parameter; create it, or mend its name in the task definition";
                check(what, Ok(Some(remedy.into())))
            }
            Ok(_) => check(what, Ok(None)),
            Err(error) => Check { what, result: CheckResult::Unreadable(error.clone()) },
        }
    };
    names.iter().map(one).collect()
}
