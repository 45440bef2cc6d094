//! What gives no signal, and the reason that is told.

use nightshift_core::signal::{Ignored, parse};
use serde_json::{Value, json};

use super::{TOPIC, reason_to_ignore};

fn state_change(detail: Value) -> Value {
    json!({ "detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch", "detail": detail })
}

fn batch(record: Value) -> Value {
    json!({ "Records": [record] })
}

#[test]
fn everything_else_is_ignored_with_the_reason() {
    let rows = [
        ("an empty batch", json!({ "Records": [] })),
        ("an empty list", json!([])),
        ("null", json!(null)),
        ("a number", json!(7)),
        ("a sentence", json!("good morning")),
        ("an empty object", json!({})),
        ("the console's test event", json!({ "key1": "value1", "key2": "value2", "key3": "value3" })),
        ("Records that is no list", json!({ "Records": { "a": 1 } })),
        ("a null record", batch(json!(null))),
        ("a record of DynamoDB", batch(json!({ "eventSource": "aws:dynamodb", "dynamodb": {} }))),
        ("a queue message without body", batch(json!({ "eventSource": "aws:sqs", "messageId": "m" }))),
        ("an approval over SNS", batch(json!({ "EventSource": "aws:sns", "Sns": { "Message": "{\"approval\":{}}" } }))),
        ("a subscription", json!({ "Type": "SubscriptionConfirmation", "TopicArn": TOPIC, "Message": "Confirm, please" })),
        ("a state change without detail", state_change(json!(null))),
        ("a detail that is a sentence", state_change(json!("not json"))),
        ("an alarm without a name", state_change(json!({ "state": { "value": "ALARM" } }))),
        ("an alarm without a state", state_change(json!({ "alarmName": "a" }))),
        ("an unknown state", state_change(json!({ "alarmName": "a", "state": { "value": "PANIC\u{7}\n" } }))),
        ("a very long name", state_change(json!({ "alarmName": "x".repeat(500), "state": { "value": null } }))),
        ("a bare configuration change", json!({ "detail-type": "CloudWatch Alarm Configuration Change", "detail": {} })),
        ("a rule's own schedule", json!({ "detail-type": "Scheduled Event", "source": "aws.events", "detail": {} })),
    ];
    let mut rendered = String::new();
    for (label, event) in &rows {
        let reason = reason_to_ignore(event);
        rendered.push_str(&format!("{label}\n  {}: {reason}\n", reason.code()));
    }
    insta::assert_snapshot!(rendered);
}

#[test]
fn nesting_is_bounded() {
    let nested = |times: usize, wrap: fn(Value) -> Value| (0..times).fold(json!({ "nightshift": "calendar" }), |inner, _| wrap(inner));
    for wrap in [batch, |inner: Value| json!([inner]), |inner: Value| Value::from(inner.to_string())] {
        assert_eq!(parse(&nested(4, wrap)).signals().count(), 1);
    }
    // Sixteen layers are opened, and not one more.
    let list = |inner: Value| json!([inner]);
    assert_eq!(parse(&nested(16, list)).signals().count(), 1);
    assert_eq!(reason_to_ignore(&nested(17, list)).code(), "too_deep");
    assert_eq!(reason_to_ignore(&nested(60, batch)).code(), "too_deep");
    assert_eq!(reason_to_ignore(&nested(60, |inner| json!([inner]))).code(), "too_deep");
    // Text in text doubles its backslashes each time, so a few more than the bound are enough to show it.
    assert_eq!(reason_to_ignore(&nested(20, |inner| Value::from(inner.to_string()))).code(), "too_deep");
}

#[test]
fn what_a_sender_wrote_is_shown_in_one_line_and_not_at_length() {
    let shown = |text: &str| match reason_to_ignore(&batch(json!({ "eventSource": text }))) {
        Ignored::ForeignRecord { event_source } => event_source,
        other => panic!("{other}"),
    };
    assert_eq!(shown("aws:\tdynamo\ndb"), "aws:dynamodb");
    assert_eq!(shown(&"s".repeat(80)), "s".repeat(80));
    assert_eq!(shown(&"s".repeat(81)), format!("{}…", "s".repeat(80)));
}
