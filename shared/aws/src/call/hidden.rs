//! Bodies that may hold a secret: nothing can print them, and what is ours of their memory is wiped when it is let go.
//!
//! The SDK prints requests in its traces and answers as they are held in memory. Must never leave a copy behind that nobody
//! wipes; what the transport, the kernel and AWS's own parsers hold is theirs.

use std::fmt;

use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::Value;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// A body that the SDK can send as often as it likes, but neither look into nor print.
pub(super) fn body(bytes: Vec<u8>) -> SdkBody {
    let bytes = Bytes::from_owner(Zeroizing::new(bytes));
    SdkBody::retryable(move || SdkBody::from_body_1_x(Full::new(bytes.clone())))
}

/// What the signature needs of a body that cannot be looked into (Signature Version 4, "Hash of the payload").
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value as JSON, written into memory of the right size: a buffer that grows leaves pieces behind.
pub(super) fn json(value: &Value) -> Vec<u8> {
    let mut length = Length(0);
    // A `Value` can always be written, and neither writer fails.
    let _ = serde_json::to_writer(&mut length, value);
    let mut bytes = Vec::with_capacity(length.0);
    let _ = serde_json::to_writer(&mut bytes, value);
    bytes
}

/// How long a text would be.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A request or an answer in which a secret stands: masked, and wiped when it is dropped.
pub(crate) struct SecretJson(Value);

impl SecretJson {
    pub(crate) fn new(value: Value) -> Self {
        Self(value)
    }

    pub(crate) fn as_value(&self) -> &Value {
        &self.0
    }

    /// Takes a text out without copying it; none if it is not there or no text.
    pub(crate) fn take_text(&mut self, member: &str) -> Option<String> {
        match self.0.get_mut(member) {
            Some(Value::String(text)) => Some(std::mem::take(text)),
            _ => None,
        }
    }
}

impl Drop for SecretJson {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Debug for SecretJson {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("<secret>")
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_hidden_body_can_be_sent_again_and_not_be_printed() {
        let body = body(b"very-secret".to_vec());
        assert!(body.bytes().is_none() && body.try_clone().is_some());
        assert_eq!(body.content_length(), Some(11));
        let printed = format!("{body:?} {:?}", body.try_clone());
        assert!(!printed.contains("very") && !printed.contains("118, 101"), "{printed}");
    }

    #[test]
    fn json_is_written_once_into_memory_of_its_own_size() {
        let value = json!({ "a": "x\"y\n", "b": [1, null, { "c": "ü" }] });
        let written = super::json(&value);
        assert_eq!((written.len(), serde_json::from_slice::<Value>(&written).unwrap()), (written.capacity(), value));
    }

    #[test]
    fn what_is_dropped_is_wiped_and_what_was_taken_is_whole() {
        let mut answer = SecretJson::new(json!({ "SecretString": "very-secret", "more": ["very-secret"] }));
        assert_eq!(format!("{answer:?}"), "<secret>");
        assert_eq!(answer.take_text("SecretString").as_deref(), Some("very-secret"));
        assert_eq!((answer.take_text("more"), answer.take_text("none")), (None, None));
        wipe(&mut answer.0);
        assert_eq!(answer.as_value(), &json!({ "SecretString": "", "more": [""] }));
    }

    #[test]
    fn the_hash_is_the_one_of_the_standard() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
