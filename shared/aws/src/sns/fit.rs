//! Making a message fit SNS's limits (Amazon SNS API reference, Publish).

use nightshift_core::notice::Message;
use serde_json::{Map, Value};

/// SNS takes 262,144 bytes, attributes included; this leaves room for them.
const BODY_BYTES: usize = 250_000;

const CUT: &str = "\n(cut: the whole is in the history)";

/// A subject that SNS takes: printable ASCII, not beginning with a space, at most 100 characters; none if nothing is left.
pub(super) fn subject(subject: &str) -> Option<String> {
    let printable: String = subject.chars().filter(|letter| (' '..='~').contains(letter)).collect();
    let fitting: String = printable.trim().chars().take(100).collect();
    (!fitting.is_empty()).then_some(fitting)
}

/// The body as it is, if it fits. Else a text is cut; of a body by protocol each part gets its share, and what was JSON
/// stays JSON.
pub(super) fn body(message: &Message) -> String {
    if message.body.len() <= BODY_BYTES {
        return message.body.clone();
    }
    match serde_json::from_str::<Map<String, Value>>(&message.body) {
        Ok(parts) if message.is_per_protocol => {
            // Text inside JSON may double in length once it is escaped.
            let share = BODY_BYTES / parts.len().max(1) / 2;
            let parts = parts.into_iter().map(|(protocol, part)| (protocol, shorter_part(part, share)));
            Value::Object(parts.collect()).to_string()
        }
        Ok(fields) => without_largest(fields, BODY_BYTES),
        Err(_) => cut(&message.body, BODY_BYTES),
    }
}

fn shorter_part(part: Value, share: usize) -> Value {
    match part {
        Value::String(text) if text.len() > share => Value::String(match serde_json::from_str(&text) {
            Ok(fields) => without_largest(fields, share),
            Err(_) => cut(&text, share),
        }),
        other => other,
    }
}

/// Leaves the largest fields out, one after the other, and says so.
fn without_largest(mut fields: Map<String, Value>, most: usize) -> String {
    let mut left_out = Vec::new();
    loop {
        let text = Value::Object(fields.clone()).to_string();
        let largest = fields.iter().filter(|(name, _)| *name != "left_out").max_by_key(|(_, value)| value.to_string().len());
        match largest.map(|(name, _)| name.clone()) {
            Some(name) if text.len() > most => {
                fields.remove(&name);
                left_out.push(Value::String(name));
                fields.insert("left_out".to_owned(), Value::Array(left_out.clone()));
            }
            _ => return text,
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    let mut end = most.saturating_sub(CUT.len()).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{CUT}", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(body: String, is_per_protocol: bool) -> Message {
        Message { subject: "s".into(), body, is_per_protocol, attributes: Vec::new() }
    }

    #[test]
    fn what_fits_is_left_as_it_is() {
        let short = message("{\"default\":\"x\"}".into(), true);
        assert_eq!(body(&short), short.body);
    }

    #[test]
    fn each_protocol_of_a_long_message_still_says_what_matters() {
        let machine = json!({ "decision": "grow", "observation": "y".repeat(300_000) }).to_string();
        let long = json!({ "default": "pizza grew\n".repeat(30_000), "sms": "pizza grew", "sqs": machine }).to_string();
        let fitted = body(&message(long, true));
        assert!(fitted.len() <= BODY_BYTES, "{}", fitted.len());
        let parts: Value = serde_json::from_str(&fitted).unwrap();
        assert!(parts["default"].as_str().unwrap().starts_with("pizza grew\n"));
        assert!(parts["default"].as_str().unwrap().ends_with(CUT));
        assert_eq!(parts["sms"], "pizza grew");
        let machine: Value = serde_json::from_str(parts["sqs"].as_str().unwrap()).unwrap();
        assert_eq!(machine, json!({ "decision": "grow", "left_out": ["observation"] }));
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        let fitted = body(&message("\u{20ac}".repeat(100_000), false));
        assert!(fitted.len() <= BODY_BYTES && fitted.ends_with(CUT));
    }

    #[test]
    fn a_subject_is_ascii_and_short() {
        assert_eq!(subject(" pizza \u{2192} 6\n").as_deref(), Some("pizza  6"));
        assert_eq!(subject(&"a".repeat(300)).map(|subject| subject.len()), Some(100));
        assert_eq!(subject("\n"), None);
    }
}
