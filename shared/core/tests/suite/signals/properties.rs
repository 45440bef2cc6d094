//! Shapes that nobody sends on purpose: nothing panics, nothing spreads, nothing depends on the envelope.

use std::sync::LazyLock;

use nightshift_core::signal::{Signal, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::envelopes::{Transition, every_envelope, sqs_record};
use super::pipelines::TOKEN;
use super::{ARN, alarm, samples};

/// Words that the parser looks for, so that arbitrary JSON reaches its depths, and some that it does not.
const WORDS: [&str; 62] = [
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
    "metricStat",
    "region",
    "resources",
    "accountId",
    "requestPayload",
    "requestContext",
    "nightshift",
    "system",
    "service",
    "attempt",
    "id",
    "alarmContributor",
    "muteDetail",
    "recentDatapoints",
    "unheard-of",
    "action-type",
    "result",
    "repository-name",
    "scan-status",
    "image-tags",
    "image-digest",
    "eventName",
    "clusterArn",
    "AutoScalingGroupName",
    "additionalEventData",
    "SecretId",
    "labelUpdated",
    "s3",
    "bucket",
    "object",
    "name",
    "key",
    "approval",
    "verb",
    "by",
    "report",
    "secret",
];

const VALUES: [&str; 33] = [
    "ALARM",
    "OK",
    "recheck",
    "calendar",
    "aws:sqs",
    "aws:sns",
    "Notification",
    "CloudWatch Alarm State Change",
    "ECR Image Action",
    "PUSH",
    "SUCCESS",
    "Inspector2 Scan",
    "ECS Service Action",
    "EC2 Auto Scaling Instance Refresh Rollback Started",
    "EC2 Auto Scaling Instance Refresh é",
    "AWS Service Event via CloudTrail",
    "secretsmanager.amazonaws.com",
    "RotationSucceeded",
    "Secret Label Updated",
    "Object Created",
    "aws:s3",
    "ObjectCreated:Put",
    "caf%C3%A9+%",
    "release",
    "deploy",
    "report",
    "arn:aws:ecs:us-east-1:111122223333:service/pizza/pizza-api",
    ARN,
    "2025-11-04T03:12:09.089+0000",
    "{\"nightshift\":\"calendar\"}",
    "[[[\"{}\"]]]",
    "",
    "\u{0}é☃",
];

static SAMPLES: LazyLock<Vec<(String, Value)>> = LazyLock::new(samples);

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(VALUES.as_slice()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(7, 60, 5, |inner| {
        let key = prop::sample::select(WORDS.as_slice());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner.clone()), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

fn any_transition() -> impl Strategy<Value = Transition> {
    let name = "[a-zA-Z0-9][ -~é☃]{0,40}[a-zA-Z0-9]";
    let state = prop::sample::select(["ALARM", "OK", "INSUFFICIENT_DATA"].as_slice());
    let instant = (2010_u16..2099, 1_u8..=12, 1_u8..=28, 0_u32..86_400_000);
    // Eighths are exact in binary: serde_json reads other fractions to within one unit in the last place.
    let points = prop::collection::vec((-8_000_000_i32..8_000_000).prop_map(|eighths| f64::from(eighths) / 8.0), 0..6);
    (name, state, instant, points).prop_map(|(name, state, (year, month, day, ms), points)| {
        let (hour, minute, second, milli) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
        let time = format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}");
        Transition { name, state, time, points }
    })
}

/// Puts `junk` somewhere into `value`, wherever the numbers lead.
fn damage(value: &mut Value, path: &[usize], junk: Value) {
    let Some((first, rest)) = path.split_first() else {
        *value = junk;
        return;
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let index = first % fields.len();
            damage(fields.values_mut().nth(index).unwrap(), rest, junk);
        }
        Value::Array(items) if !items.is_empty() => {
            let index = first % items.len();
            damage(&mut items[index], rest, junk);
        }
        other => *other = junk,
    }
}

proptest! {
    #[test]
    fn arbitrary_json_is_always_answered(event in any_json()) {
        let parsed = parse(&event);
        prop_assert!(!parsed.records.is_empty());
        prop_assert_eq!(parsed.signals().count() + parsed.ignored().count(), parsed.records.len());
        prop_assert!(parsed.records.is_sorted_by_key(|record| record.position));
        for reason in parsed.ignored() {
            let text = reason.to_string();
            prop_assert!(text.chars().count() < 1200 && !text.contains(char::is_control), "{text}");
            prop_assert!(!reason.code().is_empty() && !reason.remedy().is_empty());
        }
        prop_assert_eq!(parse(&event), parsed);
    }

    #[test]
    fn a_damaged_alarm_never_panics(
        it in any_transition(), which in any::<prop::sample::Index>(), path in prop::collection::vec(0_usize..12, 1..7), junk in any_json()
    ) {
        let (_, mut event, _) = which.get(&every_envelope(&it)).clone();
        damage(&mut event, &path, junk);
        prop_assert!(!parse(&event).records.is_empty());
    }

    #[test]
    fn a_damaged_sample_never_panics_and_tells_no_token(
        which in any::<prop::sample::Index>(), path in prop::collection::vec(0_usize..24, 1..8), junk in any_json()
    ) {
        let (_, mut event) = which.get(&SAMPLES).clone();
        damage(&mut event, &path, junk);
        let parsed = parse(&event);
        prop_assert!(!parsed.records.is_empty());
        let mut told = format!("{parsed:?}");
        for record in &parsed.records {
            told.push_str(&record.result.as_ref().map_or_else(|ignored| format!("{ignored} {}", ignored.remedy()), ToString::to_string));
        }
        prop_assert!(!told.contains(TOKEN), "{told}");
    }

    #[test]
    fn any_alarm_in_any_envelope_has_one_key_and_state(it in any_transition()) {
        let expected = format!("alarm/{}/{}/{}Z", it.name, it.state, it.time);
        for (label, event, via) in every_envelope(&it) {
            let found = alarm(&event);
            prop_assert_eq!(found.key(), expected.clone(), "{}", label);
            prop_assert_eq!(found.state.to_string(), it.state, "{}", label);
            prop_assert_eq!(found.via, via, "{}", label);
        }
        prop_assert_eq!(alarm(&it.event_bridge()).recent_datapoints, it.points);
    }

    #[test]
    fn one_bad_record_stops_no_other(its in prop::collection::vec(any_transition(), 1..5), junk in any_json(), at in 0_usize..5) {
        let mut batch: Vec<Value> = its.iter().map(|it| sqs_record(&it.event_bridge())).collect();
        let good = parse(&json!({ "Records": batch })).records;
        let at = at.min(batch.len());
        batch.insert(at, sqs_record(&junk));
        let mixed = parse(&json!({ "Records": batch })).records;
        let others: Vec<_> = mixed.iter().filter(|record| record.position != at).map(|record| &record.result).collect();
        prop_assert_eq!(others, good.iter().map(|record| &record.result).collect::<Vec<_>>());
        prop_assert!(mixed.iter().any(|record| record.position == at));
    }

    #[test]
    fn a_signal_survives_the_ledger(it in any_transition(), which in any::<prop::sample::Index>()) {
        let signal = Signal::Alarm(alarm(&which.get(&every_envelope(&it)).clone().1));
        let stored = serde_json::to_string(&signal).unwrap();
        prop_assert_eq!(serde_json::from_str::<Signal>(&stored).unwrap(), signal);
    }
}
