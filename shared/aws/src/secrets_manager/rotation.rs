//! How Secrets Manager rotates a secret: which function, when, and for how long it may begin.
//!
//! Sets the rules without a rotation: Secrets Manager only tries the function's step testSecret then (Secrets Manager API
//! reference, RotateSecret). Must never begin a rotation.

use nightshift_core::ports::PortResult;
use serde_json::{Value, json};

use super::{ManagedSecrets, refused};
use crate::call::services::SECRETS_MANAGER;
use crate::targets::answers::text;

const ROTATE_SECRET: &str = "secretsmanager:RotateSecret";
const CANCEL_ROTATION: &str = "secretsmanager:CancelRotateSecret";

/// How Secrets Manager rotates a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationSetup {
    /// The function's ARN.
    pub function: String,
    /// When, such as `rate(30 days)`.
    pub schedule: String,
    /// How long after its time a rotation may begin, such as `3h`; none: as long as Secrets Manager sees fit.
    pub window: Option<String>,
}

impl ManagedSecrets {
    /// Has Secrets Manager rotate a secret so from now on, without a rotation at once. `token` is a new one of 32 to 64
    /// characters for each call; it names the version that Secrets Manager makes for its trial and removes again.
    pub async fn set_rotation(&self, secret: &str, setup: &RotationSetup, token: &str) -> PortResult<()> {
        let mut rules = json!({ "ScheduleExpression": setup.schedule });
        if let (Some(window), Some(members)) = (&setup.window, rules.as_object_mut()) {
            members.insert("Duration".to_owned(), window.as_str().into());
        }
        let request = json!({
            "SecretId": secret,
            "ClientRequestToken": token,
            "RotationLambdaARN": setup.function,
            "RotationRules": rules,
            "RotateImmediately": false,
        });
        let set = self.caller.json(&SECRETS_MANAGER, ROTATE_SECRET, &request).await;
        set.map(|_| ()).map_err(|error| refused::explained(error, secret))
    }

    /// Has Secrets Manager no longer rotate a secret. A rotation that is under way stays where it is.
    pub async fn stop_rotation(&self, secret: &str) -> PortResult<()> {
        let stopped = self.caller.json(&SECRETS_MANAGER, CANCEL_ROTATION, &json!({ "SecretId": secret })).await;
        stopped.map(|_| ()).map_err(|error| refused::explained(error, secret))
    }
}

pub(super) fn setup_of(answer: &Value) -> Option<RotationSetup> {
    // The function's ARN stays in the answer after a rotation was cancelled.
    if !answer.get("RotationEnabled").and_then(Value::as_bool).unwrap_or(false) {
        return None;
    }
    Some(RotationSetup {
        function: text(answer, "RotationLambdaARN").unwrap_or_default().to_owned(),
        schedule: rule_of(answer).unwrap_or_default(),
        window: answer.pointer("/RotationRules/Duration").and_then(Value::as_str).map(str::to_owned),
    })
}

/// AutomaticallyAfterDays is an older word for a rate, and comes beside an expression as what it amounts to.
pub(super) fn rule_of(answer: &Value) -> Option<String> {
    let rules = answer.get("RotationRules")?;
    let days = || rules.get("AutomaticallyAfterDays").and_then(Value::as_u64).map(|days| format!("rate({days} days)"));
    text(rules, "ScheduleExpression").map(str::to_owned).or_else(days)
}
