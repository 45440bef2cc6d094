//! Files of buckets: S3's events over EventBridge, and its older notifications to queues, topics and functions.
//!
//! Owns the one difference that bites: the older ones write keys as in a URL, with `+` for a blank; EventBridge gives
//! them as they are. Never guesses at a key that cannot be decoded.

use serde_json::Value;

use super::ignored::{Ignored, shown};
use super::lenient::{field, text_field};
use super::told::Told;
use super::{ObjectSignal, Signal};

/// What a record of the older kind is called in a reason.
const NOTIFICATION: &str = "S3 notification";

/// "Object Created" and "Object Deleted".
pub(super) fn event(told: Told<'_>) -> Result<Signal, Ignored> {
    let bucket = told.needed_part("bucket", "name")?;
    let key = told.needed_part("object", "key")?;
    Ok(Signal::Object(ObjectSignal { region: told.region(None), bucket, key, at: told.at(&[]) }))
}

/// Whether a record of a batch is an older notification.
pub(super) fn is_record(object: &Value) -> bool {
    matches!(field(object, "s3"), Some(Value::Object(_))) || text_field(object, "eventSource").as_deref() == Some("aws:s3")
}

/// One older notification (S3 user guide, "Event message structure").
pub(super) fn record(record: &Value) -> Result<Signal, Ignored> {
    let told = Told { what: NOTIFICATION, envelope: record, body: field(record, "s3").unwrap_or(&Value::Null) };
    let bucket = told.needed_part("bucket", "name")?;
    let event_name = text_field(record, "eventName").ok_or_else(|| told.lacks("eventName"))?;
    let bare_name = event_name.strip_prefix("s3:").unwrap_or(&event_name);
    if !["ObjectCreated", "ObjectRemoved", "LifecycleExpiration"].iter().any(|written| bare_name.starts_with(written)) {
        return Err(Ignored::ObjectNotWritten { bucket: shown(&bucket), event_name: shown(&event_name) });
    }
    let encoded = told.needed_part("object", "key")?;
    let key = decoded(&encoded).ok_or_else(|| told.cannot_be_read("object.key", &encoded))?;
    let at = Told { body: record, ..told }.at(&["eventTime"]);
    Ok(Signal::Object(ObjectSignal { region: told.region(None), bucket, key, at }))
}

/// What S3 sends once when notifications are set up: there is no `Records` in it.
pub(super) fn test_message(object: &Value) -> Option<Ignored> {
    let is_test = text_field(object, "Event")?.eq_ignore_ascii_case("s3:TestEvent");
    let bucket = text_field(object, "Bucket").map_or_else(|| "?".to_owned(), |bucket| shown(&bucket));
    is_test.then_some(Ignored::BucketTestMessage { bucket })
}

/// A key as it stands in a URL's query: `%` and two hexadecimal digits for a byte, `+` for a blank. None if that is not so.
fn decoded(key: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hexadecimal(rest.next()?)? << 4 | hexadecimal(rest.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn keys_are_decoded_as_s3_encodes_them() {
        for (encoded, key) in [
            ("index.html", "index.html"),
            ("site/main.3f2a.js", "site/main.3f2a.js"),
            ("menu+of+today.html", "menu of today.html"),
            ("1%2B1.txt", "1+1.txt"),
            ("caf%C3%A9/%e2%98%83.png", "café/☃.png"),
            ("100%25", "100%"),
            ("café", "café"),
            ("", ""),
        ] {
            assert_eq!(decoded(encoded).as_deref(), Some(key), "{encoded}");
        }
        for broken in ["%", "%2", "a%zz", "%+1", "%ff", "%c3"] {
            assert_eq!(decoded(broken), None, "{broken}");
        }
    }
}
