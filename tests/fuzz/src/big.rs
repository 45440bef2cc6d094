//! Big and deep events, as text.

use serde_json::json;

/// Lambda's limit for what a synchronous invocation carries (Lambda quotas).
pub const LIMIT: usize = 6 * 1024 * 1024;
/// The kinds of big events that are JSON, each of about the size that is asked for.
pub const BIG: [&str; 9] = ["text", "escapes", "numbers", "texts", "objects", "keys", "sns-records", "sqs-records", "sns-of-sns"];
/// The kinds of deep events, of so many levels.
pub const DEEP: [&str; 5] = ["arrays", "objects-in-objects", "open-arrays", "deep-in-sns", "texts-in-texts"];

/// An event of this kind: of about `size` bytes, or of `size` levels.
pub fn event(kind: &str, size: usize) -> String {
    let envelope =
        |detail: String| format!("{{\"detail-type\":\"CloudWatch Alarm State Change\",\"source\":\"aws.cloudwatch\",\"detail\":{detail}}}");
    let list = |item: &str| format!("[{}0]", format!("{item},").repeat(size / (item.len() + 1)));
    match kind {
        "text" => envelope(format!("{{\"alarmName\":\"{}\",\"state\":{{\"value\":\"ALARM\"}}}}", "x".repeat(size))),
        // Each is six letters in the event and one in memory; written out again, six.
        "escapes" => {
            envelope(format!("{{\"alarmName\":\"a\",\"state\":{{\"value\":\"ALARM\",\"reason\":\"{}\"}}}}", "\\u0001".repeat(size / 6)))
        }
        "numbers" => envelope(list("0")),
        "texts" => envelope(list("\"\"")),
        "objects" => envelope(list("{}")),
        "keys" => {
            let fields: Vec<String> = (0..size / 12).map(|number| format!("\"{number:07}\":0")).collect();
            envelope(format!("{{{}}}", fields.join(",")))
        }
        "sns-records" => batch(size, |body| json!({ "EventSource": "aws:sns", "Sns": { "Type": "Notification", "Message": body } })),
        "sqs-records" => batch(size, |body| json!({ "eventSource": "aws:sqs", "messageId": "m", "body": body })),
        "sns-of-sns" => {
            let mut event = json!({ "nightshift": "calendar" }).to_string();
            // Each layer doubles the backslashes.
            loop {
                let next = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": event } }] }).to_string();
                if next.len() > size {
                    return event;
                }
                event = next;
            }
        }
        "arrays" => format!("{}{}", "[".repeat(size), "]".repeat(size)),
        "objects-in-objects" => format!("{}0{}", "{\"detail\":".repeat(size), "}".repeat(size)),
        "open-arrays" => "[".repeat(size),
        "deep-in-sns" => {
            let deep = event("objects-in-objects", size);
            json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": deep } }] }).to_string()
        }
        "texts-in-texts" => {
            // As deep as anybody can nest texts within Lambda's limit: each layer doubles the backslashes.
            let layers = size.min(16);
            (0..layers).fold("{\"nightshift\":\"calendar\"}".to_owned(), |inside, _| json!({ "body": inside }).to_string())
        }
        other => panic!("there is no big event called {other}"),
    }
}

/// As many records as SQS ever hands over at once (Lambda developer guide, "Using Lambda with Amazon SQS"), of this size together.
fn batch(size: usize, record: impl Fn(String) -> serde_json::Value) -> String {
    const MOST: usize = 10_000;
    let room = (size / MOST).saturating_sub(record(String::new()).to_string().len());
    let records = vec![record("x".repeat(room)); MOST];
    json!({ "Records": records }).to_string()
}
