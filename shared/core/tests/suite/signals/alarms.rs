//! The alarm itself: kinds, lenient types, unknown times, suppression, contributors.

use nightshift_core::signal::{AlarmKind, AlarmState, Contributor, Suppressor};
use serde_json::{Value, json};

use super::envelopes::busy_web;
use super::{ARN, alarm, sample};

#[test]
fn lenient_types_read_like_strict_ones() {
    let found = alarm(&json!({
        "detailType": "cloudwatch alarm state change", "source": "aws.cloudwatch", "account": 11_122_223_333_u64,
        "region": "us-east-*", "resources": ["arn:aws:s3:::bucket", ARN], "time": "yyyy-mm-ddThh:mm:ssZ",
        "detail": { "AlarmName": "nightshift-stateless-web-cpu-high", "configuration": null, "previousState": null,
            "state": { "Value": "alarm", "timestamp": 1_762_225_929_089_i64, "reason": null,
                "reasonData": { "threshold": "50.0", "recentDatapoints": ["58.2", null, 63.4, "NaN", {}, "many"] } } },
    }));
    assert_eq!(found.state, AlarmState::Alarm);
    assert_eq!(found.state_changed_at.map(|at| at.as_millisecond()), Some(1_762_225_929_089));
    assert_eq!(found.recent_datapoints, [58.2, 63.4]);
    assert_eq!(found.threshold, Some(50.0));
    assert_eq!(found.account.as_deref(), Some("011122223333"));
    assert_eq!((found.region.as_deref(), found.alarm_arn.as_deref()), (Some("us-east-1"), Some(ARN)));
    assert_eq!((found.reason, found.previous_state, found.kind), (None, None, AlarmKind::Unknown));
}

#[test]
fn a_time_that_cannot_be_read_stays_unknown_and_the_key_stands_on_the_event() {
    let mut event = busy_web().event_bridge();
    event["detail"]["state"]["timestamp"] = "yyyy-mm-ddThh:mm:ss.SSSZ".into();
    let found = alarm(&event);
    assert_eq!(found.state_changed_at, None);
    assert_eq!(found.key(), "alarm/nightshift-stateless-web-cpu-high/ALARM/event:0d6f2c1e-0000-4000-8000-000000000001");
    let mut again = event.clone();
    again["id"] = Value::Null;
    let first = alarm(&again).key();
    again["detail"]["state"]["reason"] = "another reason".into();
    assert_ne!(first, alarm(&again).key(), "two changes without time or id are told apart by their reasons");
}

#[test]
fn display_names_are_no_regions_and_codes_of_every_partition_are() {
    for (told, expected) in [
        ("EU (London)", None),
        ("EU - Ireland", None),
        ("US East (N. Virginia)", None),
        ("us-east-*", None),
        ("us-east", None),
        ("eu-1", None),
        ("-1", None),
        ("US-EAST-1", None),
        ("us--1", None),
        ("us-east!-1", None),
        ("eu-west-1", Some("eu-west-1")),
        ("us-gov-west-1", Some("us-gov-west-1")),
        ("eusc-de-east-1", Some("eusc-de-east-1")),
    ] {
        let body = json!({ "AlarmName": "a", "NewStateValue": "OK", "Region": told });
        assert_eq!(alarm(&body).region.as_deref(), expected, "{told}");
    }
}

#[test]
fn the_arn_gives_what_the_body_leaves_out() {
    let found = alarm(&json!({ "AlarmArn": "arn:aws-cn:cloudwatch:cn-north-1:444455556666:alarm:odd: name",
        "NewStateValue": "OK", "Region": "China (Beijing)" }));
    assert_eq!(found.alarm_name, "odd: name");
    assert_eq!((found.account.as_deref(), found.region.as_deref()), (Some("444455556666"), Some("cn-north-1")));
}

#[test]
fn only_an_alarms_arn_is_taken_for_one() {
    let others = [
        "arn:aws:cloudwatch:us-east-1:111122223333:dashboard:web",
        "arn:aws:iotevents:us-east-1:111122223333:alarm:web",
        "urn:aws:cloudwatch:us-east-1:111122223333:alarm:web",
        "arn:aws:cloudwatch:us-east-1:111122223333:alarm:",
        "arn:aws:cloudwatch:us-east-1:111122223333:alarm",
    ];
    let told = |resources: &[&str]| {
        let mut event = busy_web().event_bridge();
        event["resources"] = json!(resources);
        alarm(&event).alarm_arn
    };
    for other in others {
        assert_eq!(told(&[other]), None, "{other}");
        assert_eq!(told(&[other, ARN]).as_deref(), Some(ARN), "{other}");
    }
}

#[test]
fn kinds_are_told_apart_by_what_they_are_made_of() {
    let with = |configuration: Value| alarm(&json!({ "alarmName": "a", "state": "OK", "configuration": configuration }));
    let expression = |text: &str| with(json!({ "metrics": [{ "id": "e", "expression": text }] })).kind;
    assert_eq!(expression("m1 / m2"), AlarmKind::MetricMath);
    assert_eq!(expression(" select avg(CPUUtilization) from \"AWS/EC2\""), AlarmKind::Insights);
    assert_eq!(expression("INSIGHT_RULE_METRIC(\"busiest\", \"Sum\")"), AlarmKind::Insights);
    assert_eq!(expression("ANOMALY_DETECTION_BAND(m1, 2)"), AlarmKind::Anomaly);
    assert_eq!(with(json!({ "alarmRule": "ALARM(b)" })).kind, AlarmKind::Composite);
    assert_eq!(with(json!({ "alarmRule": "" })).kind, AlarmKind::Unknown);
    let children = |children: Value| alarm(&json!({ "alarmName": "a", "state": "OK", "TriggeringChildren": children })).kind;
    assert_eq!((children(json!([{ "Arn": ARN }])), children(json!([]))), (AlarmKind::Composite, AlarmKind::Unknown));
    let rows = |rows: Value| with(json!({ "queryResultsToEvaluate": rows })).kind;
    assert_eq!((rows(json!({ "a": 1 })), rows(json!({})), rows(json!([]))), (AlarmKind::Insights, AlarmKind::Unknown, AlarmKind::Unknown));
    assert_eq!(with(json!({ "scheduledQueryConfiguration": { "query": "stats count()" } })).kind, AlarmKind::Insights);
    assert_eq!(with(json!({ "evaluationCriteria": { "promQL": "up < 1" } })).kind, AlarmKind::Insights);
    // An anomaly's threshold moves: the 0 that some senders put there must not be read as one.
    assert_eq!(with(json!({ "thresholdMetricId": "band", "threshold": 0 })).threshold, None);
    assert_eq!(with(json!({ "metricName": "CPUUtilization", "threshold": "70" })).threshold, Some(70.0));
}

#[test]
fn suppression_is_told_of_the_present_state_only() {
    let suppressed = |state: Value| alarm(&json!({ "alarmName": "a", "state": state })).actions_suppressed_by;
    assert_eq!(suppressed(json!({ "value": "ALARM" })), None);
    for (word, expected) in [
        ("WaitPeriod", Suppressor::WaitPeriod),
        ("ExtensionPeriod", Suppressor::ExtensionPeriod),
        ("Alarm", Suppressor::Alarm),
        ("Moonlight", Suppressor::Other("Moonlight".into())),
    ] {
        assert_eq!(suppressed(json!({ "value": "ALARM", "actionsSuppressedBy": word })), Some(expected));
    }
    assert_eq!(alarm(&sample("alarm-direct-composite.json")).actions_suppressed_by, None, "only the previous state was");
    let muted = json!({ "alarmName": "a", "state": "ALARM", "muteDetail": { "mutedByArn": "arn:aws:cloudwatch:::x" } });
    assert_eq!(alarm(&muted).actions_suppressed_by, Some(Suppressor::MuteRule));
}

#[test]
fn a_contributor_is_kept_apart_from_its_alarm() {
    let whole = alarm(&sample("alarm-eventbridge-insights.json"));
    let part = alarm(&sample("alarm-eventbridge-insights-contributor.json"));
    assert_eq!((whole.contributor.as_ref(), whole.state_changed_at), (None, part.state_changed_at));
    assert_ne!(whole.key(), part.key());
    let of_topic = alarm(&json!({ "AlarmName": "a", "NewStateValue": "ALARM", "AlarmContributorId": "3fa90c17",
        "AlarmContributorAttributes": { "endpoint": "/api/orders" } }));
    let attributes = [("endpoint".to_owned(), "/api/orders".to_owned())].into();
    assert_eq!(of_topic.contributor, Some(Contributor { id: "3fa90c17".into(), attributes }));
    assert_eq!(of_topic.kind, AlarmKind::Insights);
}
