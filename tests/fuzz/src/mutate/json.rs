//! Damage to JSON by its structure: fields removed and doubled, types changed, texts cut, numbers blown up, other envelopes.
//!
//! Texts that hold JSON (an SNS message, an SQS body) are opened, damaged inside and closed again.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::one_of;

/// Words that parsers look for, so that damage leads somewhere else and not only to nowhere.
const WORDS: [&str; 64] = [
    "Records",
    "Sns",
    "Message",
    "body",
    "messageId",
    "receiptHandle",
    "eventSource",
    "EventSource",
    "Type",
    "TopicArn",
    "detail-type",
    "detail",
    "alarmData",
    "alarmName",
    "AlarmName",
    "state",
    "NewStateValue",
    "value",
    "reasonData",
    "timestamp",
    "StateChangeTime",
    "configuration",
    "Trigger",
    "metrics",
    "expression",
    "region",
    "resources",
    "requestPayload",
    "requestContext",
    "nightshift",
    "system",
    "service",
    "attempt",
    "id",
    "alarmContributor",
    "recentDatapoints",
    "action-type",
    "repository-name",
    "image-tags",
    "image-digest",
    "eventName",
    "clusterArn",
    "AutoScalingGroupName",
    "additionalEventData",
    "SecretId",
    "Step",
    "ClientRequestToken",
    "s3",
    "bucket",
    "object",
    "key",
    "approval",
    "verb",
    "by",
    "report",
    "secret",
    "http",
    "method",
    "rawQueryString",
    "headers",
    "isBase64Encoded",
    "asked",
    "due",
    "threshold",
];

const TEXTS: [&str; 40] = [
    "",
    " ",
    "\0",
    "\u{e9}\u{2603}",
    "\u{202e}txet",
    "a\u{300}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "ALARM",
    "OK",
    "recheck",
    "calendar",
    "release",
    "rotation",
    "secrets",
    "report",
    "front_end",
    "sweep",
    "aws:sqs",
    "aws:sns",
    "aws:s3",
    "Notification",
    "CloudWatch Alarm State Change",
    "ECR Image Action",
    "Inspector2 Scan",
    "ECS Service Action",
    "ECS Deployment State Change",
    "EC2 Auto Scaling Instance Refresh \u{e9}",
    "AWS Service Event via CloudTrail",
    "Secret Label Updated",
    "Object Created",
    "createSecret",
    "finish_secret",
    "2025-11-04T03:12:09.089+0000",
    "9999-12-31T23:59:59Z",
    "-262143-01-01T00:00:00Z",
    "{\"nightshift\":\"calendar\"}",
    "[[[\"{}\"]]]",
    "arn:aws:ecs:us-east-1:111122223333:service/pizza/pizza-api",
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:-AAAAAA",
    "%C3%28+%zz",
];

/// How deeply texts inside texts are opened.
const DEEPEST_TEXT: u8 = 4;

/// One to four pieces of damage, and sometimes another envelope.
pub fn damage(event: &mut Value, dice: &mut Rng) {
    for _ in 0..dice.usize(1..=4) {
        somewhere(event, dice, 0);
    }
    if dice.u8(..4) == 0 {
        *event = wrapped(event.take(), dice);
    }
}

/// Goes down by the dice and does one piece of damage where they stop.
fn somewhere(value: &mut Value, dice: &mut Rng, texts: u8) {
    let goes_on = dice.u8(..4) != 0;
    match value {
        Value::Object(fields) if goes_on && !fields.is_empty() => {
            let index = dice.usize(..fields.len());
            if let Some(inner) = fields.values_mut().nth(index) {
                somewhere(inner, dice, texts);
            }
        }
        Value::Array(items) if goes_on && !items.is_empty() => {
            let index = dice.usize(..items.len());
            somewhere(&mut items[index], dice, texts);
        }
        Value::String(text) if texts < DEEPEST_TEXT && text.starts_with(['{', '[']) && dice.u8(..8) != 0 => {
            match serde_json::from_str::<Value>(text) {
                Ok(mut inside) => {
                    somewhere(&mut inside, dice, texts + 1);
                    *text = inside.to_string();
                }
                Err(_) => here(value, dice),
            }
        }
        _ => here(value, dice),
    }
}

fn here(value: &mut Value, dice: &mut Rng) {
    match value {
        Value::Object(fields) if dice.u8(..8) != 0 => in_object(fields, dice),
        Value::Array(items) if dice.u8(..8) != 0 => in_array(items, dice),
        Value::String(text) if dice.u8(..4) != 0 => in_text(text, dice),
        Value::Number(_) if dice.u8(..4) != 0 => *value = number(dice),
        _ => *value = anything(dice, 0),
    }
}

fn in_object(fields: &mut Map<String, Value>, dice: &mut Rng) {
    let name = fields.keys().nth(dice.usize(..fields.len().max(1))).cloned().unwrap_or_default();
    match dice.u8(..6) {
        0 | 1 => drop(fields.remove(&name)),
        2 => {
            // The same field under another name, and in another spelling.
            if let Some(value) = fields.remove(&name) {
                let other = if dice.bool() { name.to_uppercase() } else { (*one_of(dice, &WORDS)).to_owned() };
                fields.insert(other, value);
            }
        }
        3 => drop(fields.insert((*one_of(dice, &WORDS)).to_owned(), anything(dice, 0))),
        4 => {
            let other = fields.values().nth(dice.usize(..fields.len().max(1))).cloned().unwrap_or_default();
            fields.insert(name, other);
        }
        _ => drop(fields.insert(name, anything(dice, 0))),
    }
}

fn in_array(items: &mut Vec<Value>, dice: &mut Rng) {
    let at = dice.usize(..=items.len());
    match (dice.u8(..5), items.get(at).cloned()) {
        (0, Some(_)) => drop(items.remove(at)),
        (1, Some(item)) => items.extend(vec![item; dice.usize(1..12)]),
        (2, _) => items.clear(),
        (3, _) => items.reverse(),
        _ => items.insert(at, anything(dice, 0)),
    }
}

fn in_text(text: &mut String, dice: &mut Rng) {
    let at = text.floor_char_boundary(dice.usize(..=text.len()));
    match dice.u8(..7) {
        0 | 1 => text.truncate(at),
        2 => *text = text.split_off(at),
        3 => {
            let piece = *one_of(dice, &TEXTS);
            text.insert_str(at, piece);
        }
        4 => *text = one_of(dice, &TEXTS).to_string(),
        5 => *text = text.repeat(dice.usize(2..40)),
        _ => *text = text.to_uppercase(),
    }
}

fn number(dice: &mut Rng) -> Value {
    match dice.u8(..10) {
        0 => json!(0),
        1 => json!(-1),
        2 => json!(u64::MAX),
        3 => json!(i64::MIN),
        4 => json!(u32::MAX),
        5 => json!(1e308),
        6 => json!(-1e-308),
        7 => json!(0.5),
        8 => json!(dice.u64(..)),
        _ => json!(dice.f64() * 1e12 - 5e11),
    }
}

fn anything(dice: &mut Rng, depth: u8) -> Value {
    match dice.u8(..if depth < 4 { 9 } else { 6 }) {
        0 => Value::Null,
        1 => Value::Bool(dice.bool()),
        2 => number(dice),
        3 | 4 => Value::from(*one_of(dice, &TEXTS)),
        5 => Value::String(char::from(dice.u8(b' '..b'~')).to_string().repeat(dice.usize(..3_000))),
        6 => (0..dice.usize(..4)).map(|_| anything(dice, depth + 1)).collect(),
        7 => Value::from(anything(dice, depth + 1).to_string()),
        _ => (0..dice.usize(..5)).map(|_| ((*one_of(dice, &WORDS)).to_owned(), anything(dice, depth + 1))).collect(),
    }
}

/// The event as another service would hand it over.
pub fn wrapped(event: Value, dice: &mut Rng) -> Value {
    let text = event.to_string();
    let topic = "arn:aws:sns:us-east-1:1:t";
    let sns = |message: String| json!({ "Type": "Notification", "MessageId": "m-1", "TopicArn": topic, "Message": message });
    let sqs = |body: String| json!({ "messageId": "s-1", "receiptHandle": "r", "body": body, "eventSource": "aws:sqs" });
    match dice.u8(..9) {
        0 => json!({ "Records": [{ "EventSource": "aws:sns", "Sns": sns(text) }] }),
        1 => json!({ "Records": [sqs(text)] }),
        2 => json!({ "Records": [sqs(sns(text).to_string())] }),
        3 => json!({ "Records": vec![sqs(text); dice.usize(1..11)] }),
        4 => json!([event]),
        5 => json!({ "version": "0", "id": "e-1", "detail-type": one_of(dice, &TEXTS), "source": "aws.ecs", "detail": event }),
        6 => json!({ "requestContext": { "condition": "RetriesExhausted" }, "requestPayload": event }),
        7 => Value::from(text),
        _ => json!({ "Records": event }),
    }
}

/// The event as text, sometimes with a field twice, as no serialiser writes it.
pub fn as_text(event: &Value, dice: &mut Rng) -> String {
    let text = event.to_string();
    match text.strip_prefix('{').filter(|rest| rest.len() > 1 && dice.u8(..8) == 0) {
        Some(rest) => format!("{{\"{}\":{},{rest}", one_of(dice, &WORDS), anything(dice, 2)),
        None => text,
    }
}
