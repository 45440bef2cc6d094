//! One transition, in every envelope that can carry it.

use nightshift_core::signal::{AlarmKind, AlarmState, Signal, Via, parse};
use serde_json::{Value, json};

use super::{ARN, TOPIC, alarm, in_short, only, samples};

/// One transition in the three ways in which AWS words it. `time` is as a clock says it, without offset.
#[derive(Debug, Clone)]
pub(super) struct Transition {
    pub(super) name: String,
    pub(super) state: &'static str,
    pub(super) time: String,
    pub(super) points: Vec<f64>,
}

impl Transition {
    fn arn(&self) -> String {
        format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{}", self.name)
    }

    pub(super) fn detail(&self) -> Value {
        let reason_data = json!({ "version": "1.0", "recentDatapoints": self.points, "threshold": 50.0 });
        json!({
            "alarmName": self.name,
            "state": {
                "value": self.state, "reason": "because", "reasonData": reason_data.to_string(),
                "timestamp": format!("{}+0000", self.time),
            },
            "previousState": { "value": "OK", "timestamp": "2025-11-04T01:00:00.000+0000" },
            "configuration": { "metrics": [{ "id": "m", "metricStat": { "period": 60, "stat": "Average", "metric": {
                "namespace": "AWS/EC2", "name": "CPUUtilization", "dimensions": { "AutoScalingGroupName": "web" } } } }] },
        })
    }

    pub(super) fn event_bridge(&self) -> Value {
        json!({
            "version": "0", "id": "0d6f2c1e-0000-4000-8000-000000000001", "detail-type": "CloudWatch Alarm State Change",
            "source": "aws.cloudwatch", "account": "111122223333", "region": "us-east-1",
            "time": "2025-11-04T03:12:09Z", "resources": [self.arn()], "detail": self.detail(),
        })
    }

    /// As AWS's samples of composite alarms with a suppressor have it.
    fn event_bridge_with_alarm_data(&self) -> Value {
        let mut event = self.event_bridge();
        event["alarmData"] = event["detail"].take();
        event
    }

    pub(super) fn direct(&self) -> Value {
        json!({
            "source": "aws.cloudwatch", "alarmArn": self.arn(), "accountId": "111122223333", "region": "us-east-1",
            "time": format!("{}+0000", self.time), "alarmData": self.detail(),
        })
    }

    pub(super) fn sns_body(&self) -> Value {
        json!({
            "AlarmName": self.name, "AlarmDescription": null, "AWSAccountId": "111122223333", "AlarmArn": self.arn(),
            "NewStateValue": self.state, "OldStateValue": "OK", "NewStateReason": "because",
            "StateChangeTime": format!("{}Z", self.time), "Region": "US East (N. Virginia)",
            "Trigger": { "MetricName": "CPUUtilization", "Namespace": "AWS/EC2", "Threshold": 50.0, "Period": 60,
                "Dimensions": [{ "name": "AutoScalingGroupName", "value": "web" }] },
        })
    }
}

fn notification(message: &Value) -> Value {
    json!({ "Type": "Notification", "MessageId": "3b0f6d2a-0000-4000-8000-000000000002", "TopicArn": TOPIC,
        "Subject": null, "Message": message.to_string(), "Timestamp": "2025-11-04T03:12:09.781Z" })
}

fn sns(message: &Value) -> Value {
    json!({ "Records": [{ "EventSource": "aws:sns", "EventVersion": "1.0", "Sns": notification(message) }] })
}

pub(super) fn sqs_record(body: &Value) -> Value {
    json!({ "messageId": "a2d0c4f6-0000-4000-8000-000000000003", "receiptHandle": "AQEB", "attributes": {},
        "body": body.to_string(), "eventSource": "aws:sqs", "awsRegion": "us-east-1" })
}

fn sqs(body: &Value) -> Value {
    json!({ "Records": [sqs_record(body)] })
}

fn failure_record(event: &Value) -> Value {
    json!({ "version": "1.0", "requestContext": { "condition": "RetriesExhausted" }, "requestPayload": event,
        "responsePayload": { "errorMessage": "timed out" } })
}

/// Every way in which an event of EventBridge, or a body that tells of itself, can reach the function.
pub(super) fn every_carrier(event: &Value) -> Vec<(&'static str, Value)> {
    vec![
        ("direct", event.clone()),
        ("as text", Value::from(event.to_string())),
        ("SNS", sns(event)),
        ("SNS envelope alone", notification(event)),
        ("SQS", sqs(event)),
        ("SNS in SQS", sqs(&notification(event))),
        ("SNS batch in SQS", sqs(&sns(event))),
        ("a pipe's list", json!([sqs_record(event)])),
        ("a failure record", failure_record(event)),
        ("a failure record, queued", sqs(&failure_record(event))),
        ("a failed SNS batch, queued", sqs(&failure_record(&sns(event)))),
    ]
}

/// Every way in which the transition can reach the function, with the `via` to expect.
pub(super) fn every_envelope(it: &Transition) -> Vec<(&'static str, Value, Via)> {
    let (event, body) = (it.event_bridge(), it.sns_body());
    vec![
        ("EventBridge", event.clone(), Via::EventBridge),
        ("EventBridge with alarmData", it.event_bridge_with_alarm_data(), Via::EventBridge),
        ("direct", it.direct(), Via::Direct),
        ("bare SNS body", body.clone(), Via::Direct),
        ("bare detail", it.detail(), Via::Direct),
        ("SNS", sns(&body), Via::Sns),
        ("SNS envelope alone", notification(&body), Via::Sns),
        ("EventBridge in SNS", sns(&event), Via::Sns),
        ("EventBridge in SQS", sqs(&event), Via::Sqs),
        ("raw SNS in SQS", sqs(&body), Via::Sqs),
        ("SNS in SQS", sqs(&notification(&body)), Via::SnsInSqs),
        ("EventBridge in SNS in SQS", sqs(&notification(&event)), Via::SnsInSqs),
        ("SNS batch in SQS", sqs(&sns(&body)), Via::SnsInSqs),
        ("a pipe's list", json!([sqs_record(&event)]), Via::Sqs),
        ("a failure record", failure_record(&event), Via::EventBridge),
        ("a failed SNS batch, queued", sqs(&failure_record(&sns(&event))), Via::SnsInSqs),
        ("an event as text", Value::from(event.to_string()), Via::EventBridge),
    ]
}

pub(super) fn busy_web() -> Transition {
    Transition {
        name: "nightshift-stateless-web-cpu-high".into(),
        state: "ALARM",
        time: "2025-11-04T03:12:09.089".into(),
        points: vec![58.2, 63.4],
    }
}

#[test]
fn one_transition_is_the_same_whatever_carried_it() {
    let it = busy_web();
    for (label, event, via) in every_envelope(&it) {
        let found = alarm(&event);
        assert_eq!(found.key(), "alarm/nightshift-stateless-web-cpu-high/ALARM/2025-11-04T03:12:09.089Z", "{label}");
        assert_eq!((found.state, found.previous_state), (AlarmState::Alarm, Some(AlarmState::Ok)), "{label}");
        assert_eq!((found.kind, found.via), (AlarmKind::Metric, via), "{label}");
        assert_eq!(found.threshold, Some(50.0), "{label}");
        if label != "bare detail" {
            let told = (found.alarm_arn.as_deref(), found.account.as_deref(), found.region.as_deref());
            assert_eq!(told, (Some(ARN), Some("111122223333"), Some("us-east-1")), "{label}");
        }
    }
}

#[test]
fn every_sample_is_the_same_whatever_carried_it() {
    let mut seen = 0;
    for (name, event) in samples().iter().filter(|(name, _)| !name.starts_with("alarm-")) {
        let [expected] = parse(event).records.try_into().unwrap_or_else(|_| panic!("{name} has several records"));
        for (label, carried) in every_carrier(event) {
            // Where in the event a text stands differs; nothing else does.
            if expected.result.as_ref().is_err_and(|ignored| ignored.code() == "not_json") {
                assert_eq!(in_short(&only(&carried)), in_short(&expected.result), "{name}, {label}");
            } else {
                assert_eq!(only(&carried), expected.result, "{name}, {label}");
            }
            seen += 1;
        }
    }
    assert!(seen > 200, "only {seen}");
}

#[test]
fn the_innermost_id_names_the_event_and_the_queue_message_stays_known() {
    let parsed = parse(&sqs(&notification(&busy_web().event_bridge())));
    assert_eq!(parsed.records[0].message_id.as_deref(), Some("a2d0c4f6-0000-4000-8000-000000000003"));
    let Some(Signal::Alarm(found)) = parsed.signals().next() else { panic!("{parsed:?}") };
    assert_eq!(found.event_id.as_deref(), Some("0d6f2c1e-0000-4000-8000-000000000001"));

    let of_topic = alarm(&sqs(&notification(&busy_web().sns_body())));
    assert_eq!(of_topic.event_id.as_deref(), Some("3b0f6d2a-0000-4000-8000-000000000002"));
    let of_queue = alarm(&sqs(&busy_web().sns_body()));
    assert_eq!(of_queue.event_id.as_deref(), Some("a2d0c4f6-0000-4000-8000-000000000003"));
    for event in [sns(&busy_web().sns_body()), notification(&busy_web().sns_body())] {
        assert_eq!(parse(&event).records[0].message_id, None, "{event}");
    }
}

#[test]
fn a_batch_inside_a_queue_message_keeps_that_messages_position() {
    let two = json!([busy_web().event_bridge(), { "nightshift": "calendar" }]);
    let event = json!({ "Records": [sqs_record(&json!({"odd": 1})), sqs_record(&two)] });
    let shape: Vec<(usize, String)> = parse(&event).records.iter().map(|record| (record.position, in_short(&record.result))).collect();
    assert_eq!(
        shape,
        [
            (0, "ignored unknown_envelope".to_owned()),
            (1, "alarm nightshift-stateless-web-cpu-high ALARM metric".to_owned()),
            (1, "calendar".to_owned()),
        ]
    );
}

/// A carrier is told by what only it has; a part of that is somebody else's event.
#[test]
fn half_an_envelope_is_none() {
    let calendar = json!({ "nightshift": "calendar" }).to_string();
    for (label, event, expected) in [
        ("a queue's record by its source", json!({ "eventSource": "aws:sqs", "body": calendar }), "calendar"),
        ("a queue's record by its receipt", json!({ "receiptHandle": "AQEB", "body": calendar }), "calendar"),
        ("a body alone, as of an HTTP request", json!({ "body": calendar }), "ignored unknown_envelope"),
        ("a receipt alone", json!({ "receiptHandle": "AQEB" }), "ignored unknown_envelope"),
        ("a notification by its type", json!({ "Type": "Notification", "Message": calendar }), "calendar"),
        ("a notification by its topic", json!({ "TopicArn": TOPIC, "Message": calendar }), "calendar"),
        ("a message alone", json!({ "Message": calendar }), "ignored unknown_envelope"),
        ("a topic alone", json!({ "TopicArn": TOPIC }), "ignored unknown_envelope"),
    ] {
        assert_eq!(in_short(&only(&event)), expected, "{label}");
    }
}
