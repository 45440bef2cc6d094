//! Secrets Manager's events, by trail and by label, and our own.

use nightshift_core::signal::{SecretSignal, Signal};
use serde_json::{Value, json};

use super::{only, sample, table};

const ARN: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:pizza/api-Qw8rTz";

fn trail(event_name: &str, detail: Value) -> Value {
    let mut event = sample("secret-rotated.json");
    event["detail"]["eventName"] = json!(event_name);
    event["detail"].as_object_mut().unwrap().extend(detail.as_object().unwrap().clone());
    event
}

fn label(told: Value) -> Value {
    let mut event = sample("secret-label-updated.json");
    event["detail"]["labelUpdated"] = told;
    event
}

fn secret(event: &Value) -> SecretSignal {
    match only(event) {
        Ok(Signal::Secret(secret)) => secret,
        other => panic!("expected a secret, found {other:?} in {event}"),
    }
}

#[test]
fn a_rotation_is_one_secret_however_it_is_told() {
    let mut events = vec![
        sample("secret-rotated.json"),
        sample("secret-label-updated.json"),
        trail("RotationSucceeded", json!({ "additionalEventData": null, "serviceEventDetails": { "secretId": ARN } })),
        trail("rotationsucceeded", json!({})),
        json!({ "nightshift": "rotated", "secret": ARN }),
    ];
    let mut by_resource = trail("RotationSucceeded", json!({ "additionalEventData": {} }));
    by_resource["resources"] = json!([ARN]);
    events.push(by_resource);
    for event in events {
        let found = secret(&event);
        assert_eq!((found.secret.as_str(), found.region.as_deref()), (ARN, Some("us-east-1")), "{event}");
    }
}

#[test]
fn a_secret_without_an_arn_is_called_by_its_name() {
    let mut event = label(json!("AWSCURRENT"));
    event["resources"] = json!([]);
    assert_eq!(secret(&event).secret, "pizza/api");
    event["region"] = json!(null);
    assert_eq!(secret(&event).region, None);
    assert_eq!(secret(&json!({ "nightshift": "rotated", "secret": "pizza/api" })).region, None);
    let told = secret(&json!({ "nightshift": "rotated", "secret": "pizza/api", "region": "us-west-2", "at": "soon" }));
    assert_eq!((told.region.as_deref(), told.at), (Some("us-west-2"), None));
}

/// The label's event tells which version is current, and so do our own functions; CloudTrail does not.
#[test]
fn a_version_is_what_the_sender_says_and_never_guessed() {
    let version = "252b176b-aadc-451a-8e45-8e999a553ce7";
    let own = |version: Value| json!({ "nightshift": "rotated", "secret": ARN, "version": version, "at": "2025-11-21T02:00:30Z" });
    let mut nameless = label(json!("AWSCURRENT"));
    nameless["detail"]["versionId"] = json!(null);
    let mut odd = label(json!("AWSCURRENT"));
    odd["detail"]["versionId"] = json!("x".repeat(65));
    let cases = [
        (sample("secret-label-updated.json"), Some(version)),
        (own(json!(version)), Some(version)),
        (sample("secret-rotated.json"), None),
        (nameless, None),
        (odd, None),
        (own(json!(null)), None),
        (own(json!("")), None),
        (own(json!({ "id": version })), None),
    ];
    for (event, expected) in cases {
        assert_eq!(secret(&event).version.as_deref(), expected, "{event}");
    }
}

#[test]
fn what_changes_no_current_value_is_ignored_with_the_reason() {
    let mut of_another_service = trail("RotationSucceeded", json!({ "eventSource": "kms.amazonaws.com" }));
    of_another_service["source"] = json!("aws.kms");
    let mut call = trail("PutSecretValue", json!({ "additionalEventData": null, "requestParameters": { "secretId": "pizza/api" } }));
    call["detail-type"] = json!("AWS API Call via CloudTrail");
    let mut nameless = label(json!("AWSCURRENT"));
    nameless["resources"] = json!([]);
    nameless["detail"]["name"] = json!(null);
    insta::assert_snapshot!(table(&[
        ("a rotation began", trail("RotationStarted", json!({}))),
        ("a rotation failed", trail("RotationFailed", json!({}))),
        ("a rotation was given up", trail("RotationAbandoned", json!({ "additionalEventData": null }))),
        ("a call of the API", call),
        ("another service's key was rotated", of_another_service),
        ("a rotation of nothing", trail("RotationSucceeded", json!({ "additionalEventData": {} }))),
        ("an event without a name", trail("", json!({}))),
        ("a label of one's own", label(json!("BLUE"))),
        ("no label", label(json!(null))),
        ("a label of nothing", nameless),
        ("our own, of nothing", json!({ "nightshift": "rotated" })),
    ]));
}
