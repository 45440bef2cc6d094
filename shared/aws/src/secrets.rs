//! Secrets Manager: the key that signs approvals, and nothing else.
//!
//! The key is kept for a few minutes, so that a warm function does not ask for it with each request and still takes up a new
//! one. Must never log, show or hand on what it read but as the masked [`ApprovalKey`].

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::approve::ApprovalKey;
use nightshift_core::release::approve::ports::KeyReader;
use serde_json::json;

use crate::call::services::SECRETS_MANAGER;
use crate::call::{AwsCaller, SecretJson};

const GET_SECRET_VALUE: &str = "secretsmanager:GetSecretValue";

/// A key that was replaced is taken up within this time by functions that are warm.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(5);

/// The approval key in its secret.
#[derive(Debug)]
pub struct ApprovalSecret {
    caller: AwsCaller,
    secret: String,
    kept: Mutex<Option<(Timestamp, ApprovalKey)>>,
}

impl ApprovalSecret {
    /// The key in this secret (its ARN or name).
    pub fn new(caller: AwsCaller, secret: impl Into<String>) -> Self {
        Self { caller, secret: secret.into(), kept: Mutex::new(None) }
    }

    /// The key at `now`, read if it is not known or known for too long.
    async fn key_at(&self, now: Timestamp) -> PortResult<ApprovalKey> {
        if let Some(known) = self.known(now) {
            return Ok(known);
        }
        let key = self.read().await?;
        if let Ok(mut kept) = self.kept.lock() {
            *kept = Some((now, key.clone()));
        }
        Ok(key)
    }

    fn known(&self, now: Timestamp) -> Option<ApprovalKey> {
        let kept = self.kept.lock().ok()?;
        let (read_at, key) = kept.as_ref()?;
        (now.duration_since(*read_at).abs() < KEPT_FOR).then(|| key.clone())
    }

    async fn read(&self) -> PortResult<ApprovalKey> {
        let answer = SecretJson::new(self.caller.json(&SECRETS_MANAGER, GET_SECRET_VALUE, &json!({ "SecretId": self.secret })).await?);
        let refused = |words: String| PortError::new(PortErrorKind::Denied, GET_SECRET_VALUE, words);
        let Some(text) = answer.as_value().get("SecretString").and_then(serde_json::Value::as_str) else {
            return Err(refused("the approval key's secret holds no text; store a text of at least 32 random characters".to_owned()));
        };
        ApprovalKey::new(text.as_bytes()).map_err(|weak| refused(weak.to_string()))
    }
}

impl KeyReader for ApprovalSecret {
    async fn approval_key(&self) -> PortResult<ApprovalKey> {
        self.key_at(Timestamp::now()).await
    }
}
