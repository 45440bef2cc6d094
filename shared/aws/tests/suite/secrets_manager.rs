//! Secrets Manager: what its answers mean, what its refusals mean, and what is sent.

use nightshift_aws::{AwsCaller, ManagedSecrets, RotationSetup};
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::rotation::ports::{SecretReader, SecretStages, VersionRef, VersionValue};
use nightshift_core::rotation::{SecretNow, SecretText};
use serde_json::{Value, json};

use super::recorded::{Recorded, kind_of, wait};

const DESCRIBE: &str = "DescribeSecret";
const GET: &str = "GetSecretValue";
const PUT: &str = "PutSecretValue";
const MOVE: &str = "UpdateSecretVersionStage";
const ARN: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:shop/db-Ab12Cd";
const NO_SECRET: &str = "Secrets Manager can't find the specified secret.";

fn secrets(recorded: &Recorded) -> ManagedSecrets {
    ManagedSecrets::new(AwsCaller::new(&recorded.config()))
}

fn described(versions: Value) -> Value {
    json!({
        "ARN": ARN, "Name": "shop/db", "CreatedDate": 1_795_204_800.123, "LastChangedDate": 1_795_204_900.0,
        "RotationEnabled": true, "RotationLambdaARN": "arn:aws:lambda:us-east-1:111122223333:function:nightshift-rotate",
        "RotationRules": { "ScheduleExpression": "rate(30 days)", "AutomaticallyAfterDays": 30, "Duration": "3h" },
        "LastRotatedDate": 1_795_204_850.5, "NextRotationDate": 1_797_800_000.0, "PrimaryRegion": "us-east-1",
        "VersionIdsToStages": versions, "Tags": [],
    })
}

fn both() -> Value {
    described(json!({ "v1": ["AWSCURRENT"], "v2": ["AWSPENDING"] }))
}

fn secret(answer: Value) -> PortResult<SecretNow> {
    wait(secrets(&Recorded::default().json(DESCRIBE, answer)).secret_now("shop/db"))
}

fn value(recorded: &Recorded, version: VersionRef<'_>) -> PortResult<Option<VersionValue>> {
    wait(secrets(recorded).value(ARN, version))
}

fn text(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

#[test]
fn a_secret_is_read_without_its_values() {
    let recorded = Recorded::default().json(DESCRIBE, both());
    let (now, setup) = wait(secrets(&recorded).secret_and_setup("shop/db")).unwrap();
    assert_eq!((now.arn.as_str(), now.name.as_str()), (ARN, "shop/db"));
    assert_eq!((now.current(), now.unfinished()), (Some("v1"), Some("v2")));
    assert!(now.rotation_enabled && !now.is_replica && !now.is_deleted);
    assert_eq!(now.rotation_function.as_deref(), Some("arn:aws:lambda:us-east-1:111122223333:function:nightshift-rotate"));
    assert_eq!(now.rotation_rule.as_deref(), Some("rate(30 days)"));
    assert_eq!(now.created_at, Some("2026-11-20T20:00:00.123Z".parse().unwrap()));
    assert_eq!(now.last_rotated_at, Some("2026-11-20T20:00:50.5Z".parse().unwrap()));
    assert!(now.next_rotation_at.is_some());
    assert_eq!(setup.unwrap().window.as_deref(), Some("3h"));
    assert_eq!(recorded.asked()[0].json(), json!({ "SecretId": "shop/db" }));
}

#[test]
fn what_is_absent_is_absent() {
    let bare = secret(json!({ "ARN": ARN, "Name": "shop/db" })).unwrap();
    assert_eq!((bare.versions.len(), bare.current(), bare.rotation_rule.as_deref()), (0, None, None));
    assert!(!bare.rotation_enabled && bare.created_at.is_none() && bare.next_rotation_at.is_none());

    let mut days = both();
    days["RotationRules"] = json!({ "AutomaticallyAfterDays": 7 });
    assert_eq!(secret(days).unwrap().rotation_rule.as_deref(), Some("rate(7 days)"));

    let mut stopped = both();
    stopped["RotationEnabled"] = false.into();
    let (now, setup) = wait(secrets(&Recorded::default().json(DESCRIBE, stopped)).secret_and_setup(ARN)).unwrap();
    assert!(setup.is_none() && now.next_rotation_at.is_none(), "what was cancelled has no next time");
}

#[test]
fn a_copy_and_a_secret_that_dies_are_known_by_their_members() {
    let mut copy = both();
    copy["PrimaryRegion"] = "eu-west-1".into();
    assert!(secret(copy).unwrap().is_replica);
    let mut dying = both();
    dying["DeletedDate"] = 1_795_300_000.0.into();
    assert!(secret(dying).unwrap().is_deleted);
    // Some stand-ins for AWS write what is absent as null.
    let mut written = both();
    (written["DeletedDate"], written["PrimaryRegion"]) = (Value::Null, Value::Null);
    let written = secret(written).unwrap();
    assert!(!written.is_deleted && !written.is_replica);
}

#[test]
fn an_answer_without_name_is_no_secret_and_a_missing_secret_has_a_remedy() {
    assert_eq!(kind_of(secret(json!({ "ARN": ARN }))), PortErrorKind::Unavailable);
    let missing = Recorded::default().json_error(DESCRIBE, "ResourceNotFoundException", NO_SECRET);
    let error = wait(secrets(&missing).secret_now("shop/db")).unwrap_err();
    assert!(error.kind == PortErrorKind::NotFound && error.message.contains("there is no secret shop/db"), "{error}");
    let denied = Recorded::default().json_error(DESCRIBE, "AccessDeniedException", "User is not authorized");
    assert_eq!(kind_of(wait(secrets(&denied).secret_now("shop/db"))), PortErrorKind::Denied);
    let slow = (0..3).fold(Recorded::default(), |recorded, _| recorded.json_error(DESCRIBE, "ThrottlingException", "Rate exceeded"));
    assert_eq!(kind_of(wait(secrets(&slow).secret_now("shop/db"))), PortErrorKind::Throttled);
}

#[test]
fn a_value_is_read_by_its_label_or_as_the_pending_version() {
    let answer = |stage: &str| json!({ "ARN": ARN, "VersionId": "v2", "SecretString": "hunter2", "VersionStages": [stage], "CreatedDate": 1_795_204_800.0 });
    let recorded = Recorded::default().json(GET, answer("AWSCURRENT")).json(GET, answer("AWSPENDING"));
    let current = value(&recorded, VersionRef::Stage("AWSCURRENT")).unwrap().unwrap();
    assert_eq!((current.version.as_str(), current.text.reveal()), ("v2", "hunter2"));
    assert_eq!(current.created_at, Some("2026-11-20T20:00:00Z".parse().unwrap()));
    assert!(value(&recorded, VersionRef::Pending("v2")).unwrap().is_some());
    let asked = recorded.asked();
    assert_eq!(asked[0].json(), json!({ "SecretId": ARN, "VersionStage": "AWSCURRENT" }));
    assert_eq!(asked[1].json(), json!({ "SecretId": ARN, "VersionId": "v2", "VersionStage": "AWSPENDING" }));
}

#[test]
fn a_version_without_value_or_label_is_none() {
    let none = |recorded: Recorded| value(&recorded, VersionRef::Pending("v2")).unwrap().is_none();
    let missing = |words: &str| Recorded::default().json_error(GET, "ResourceNotFoundException", words);
    assert!(none(missing("Secrets Manager can't find the specified secret value for VersionId: v2")));
    assert!(none(missing("Secrets Manager can't find the specified secret value for staging label: AWSPENDING")));
    let apart = "You provided a VersionStage that is not associated to the provided VersionId.";
    assert!(none(Recorded::default().json_error(GET, "InvalidRequestException", apart)));
    assert!(none(Recorded::default().json(GET, json!({ "VersionId": "v2", "VersionStages": ["AWSPENDING"] }))));
    let lost = json!({ "VersionId": "v2", "SecretString": "hunter2", "VersionStages": ["AWSPREVIOUS"] });
    assert!(none(Recorded::default().json(GET, lost)), "what has lost the label is not the one that is being made");
}

#[test]
fn a_missing_secret_is_not_a_missing_version() {
    let ambiguous = || Recorded::default().json_error(GET, "ResourceNotFoundException", NO_SECRET);
    let gone = ambiguous().json_error(DESCRIBE, "ResourceNotFoundException", NO_SECRET);
    assert_eq!(kind_of(value(&gone, VersionRef::Stage("AWSCURRENT"))), PortErrorKind::NotFound);
    assert!(value(&ambiguous().json(DESCRIBE, both()), VersionRef::Stage("AWSPENDING")).unwrap().is_none());
    let slow = (0..3).fold(ambiguous(), |recorded, _| recorded.json_error(DESCRIBE, "ThrottlingException", "Rate exceeded"));
    assert_eq!(kind_of(value(&slow, VersionRef::Stage("AWSPENDING"))), PortErrorKind::Throttled, "a throttle is no missing version");
}

#[test]
fn bytes_deleted_secrets_and_locked_keys_are_told_with_a_remedy() {
    let refused = |recorded: Recorded, words: &str| {
        let error = value(&recorded, VersionRef::Stage("AWSCURRENT")).unwrap_err();
        assert!(error.kind == PortErrorKind::Denied && error.message.contains(words), "{error}");
        assert!(!error.to_string().contains("aHVudGVyMg"), "{error}");
    };
    refused(Recorded::default().json(GET, json!({ "VersionId": "v1", "SecretBinary": "aHVudGVyMg==" })), "holds bytes and no text");
    let marked = "You can't perform this operation on the secret because it was marked for deletion.";
    refused(Recorded::default().json_error(GET, "InvalidRequestException", marked), "restore-secret");
    let locked = "Secrets Manager can't decrypt the protected secret text using the provided KMS key.";
    refused(Recorded::default().json_error(GET, "DecryptionFailure", locked), "key's policy");
    refused(Recorded::default().json_error(GET, "AccessDeniedException", "Access to KMS is not allowed"), "key's policy");
    let unnamed = Recorded::default().json(GET, json!({ "SecretString": "hunter2" }));
    assert_eq!(kind_of(value(&unnamed, VersionRef::Stage("AWSCURRENT"))), PortErrorKind::Unavailable);
}

#[test]
fn a_pending_value_is_put_under_its_token_and_nothing_else() {
    let recorded = Recorded::default().json(PUT, json!({ "VersionId": "v2" })).json(PUT, json!({ "VersionId": "v2" }));
    wait(secrets(&recorded).put_pending(ARN, "v2", &text("a\"b\n"), None)).unwrap();
    wait(secrets(&recorded).put_pending(ARN, "v2", &text("x"), Some("f1c2"))).unwrap();
    let first = recorded.asked()[0].json();
    assert_eq!(first, json!({ "SecretId": ARN, "ClientRequestToken": "v2", "SecretString": "a\"b\n", "VersionStages": ["AWSPENDING"] }));
    assert_eq!(recorded.asked()[1].json()["RotationToken"], "f1c2");
}

#[test]
fn another_value_under_the_same_token_is_a_conflict() {
    let taken = "You can't modify an existing version, you can only create a new version.";
    let recorded = Recorded::default().json_error(PUT, "ResourceExistsException", taken);
    let error = wait(secrets(&recorded).put_pending(ARN, "v2", &text("x"), None)).unwrap_err();
    assert!(error.kind == PortErrorKind::Conflict && error.message.contains("another value already"), "{error}");
    let refused = Recorded::default().json_error(PUT, "InvalidParameterException", "SecretString 'hunter2' is too long");
    let error = wait(secrets(&refused).put_pending(ARN, "v2", &text("hunter2"), None)).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (PortErrorKind::Denied, "InvalidParameterException (HTTP 400)"));
}

#[test]
fn the_current_label_is_moved_from_where_it_was_seen() {
    let recorded = Recorded::default().json(MOVE, json!({ "ARN": ARN })).json(MOVE, json!({ "ARN": ARN }));
    wait(secrets(&recorded).make_current(ARN, Some("v1"), "v2")).unwrap();
    wait(secrets(&recorded).make_current(ARN, None, "v2")).unwrap();
    let whole = json!({ "SecretId": ARN, "VersionStage": "AWSCURRENT", "MoveToVersionId": "v2", "RemoveFromVersionId": "v1" });
    assert_eq!(recorded.asked()[0].json(), whole);
    assert!(recorded.asked()[1].json().get("RemoveFromVersionId").is_none());
}

#[test]
fn labels_that_moved_meanwhile_are_a_conflict_unless_they_are_where_they_should_be() {
    let moved = |versions: Value| {
        let refused = Recorded::default().json_error(MOVE, "InvalidParameterException", "The parameter RemoveFromVersionId is wrong");
        let recorded = refused.json(DESCRIBE, described(versions));
        wait(secrets(&recorded).make_current(ARN, Some("v1"), "v2"))
    };
    assert_eq!(moved(json!({ "v1": ["AWSPREVIOUS"], "v2": ["AWSCURRENT", "AWSPENDING"] })), Ok(()), "the answer was lost, not the call");
    let error = moved(json!({ "v3": ["AWSCURRENT"], "v2": ["AWSPENDING"] })).unwrap_err();
    assert!(error.kind == PortErrorKind::Conflict && error.message.contains("AWSCURRENT is on v3, AWSPENDING on v2"), "{error}");
    let denied = Recorded::default().json_error(MOVE, "AccessDeniedException", "no");
    assert_eq!(kind_of(wait(secrets(&denied).make_current(ARN, Some("v1"), "v2"))), PortErrorKind::Denied);
}

#[test]
fn a_pending_label_that_is_gone_is_dropped() {
    let recorded = Recorded::default().json(MOVE, json!({ "ARN": ARN }));
    wait(secrets(&recorded).drop_pending(ARN, "v2")).unwrap();
    let asked = json!({ "SecretId": ARN, "VersionStage": "AWSPENDING", "RemoveFromVersionId": "v2" });
    assert_eq!(recorded.asked()[0].json(), asked);

    let again = |code: &str, versions: Value| {
        let recorded = Recorded::default().json_error(MOVE, code, "as AWS says").json(DESCRIBE, described(versions));
        wait(secrets(&recorded).drop_pending(ARN, "v2"))
    };
    let dropped = json!({ "v1": ["AWSCURRENT"] });
    assert_eq!(again("InvalidParameterException", dropped.clone()), Ok(()));
    assert_eq!(again("ResourceNotFoundException", dropped), Ok(()));
    assert_eq!(kind_of(again("InvalidParameterException", json!({ "v1": ["AWSCURRENT"], "v2": ["AWSPENDING"] }))), PortErrorKind::Conflict);
}

#[test]
fn all_pages_of_versions_tell_when_each_was_made() {
    let page = |id: &str, at: f64, token: Option<&str>| json!({ "ARN": ARN, "Versions": [{ "VersionId": id, "CreatedDate": at }], "NextToken": token });
    let recorded = Recorded::default()
        .json("ListSecretVersionIds", page("v1", 1_795_204_800.0, Some("t")))
        .json("ListSecretVersionIds", page("v2", 1_795_204_860.0, None));
    let made_at = wait(secrets(&recorded).versions_made_at(ARN)).unwrap();
    assert_eq!((made_at.len(), made_at["v2"]), (2, "2026-11-20T20:01:00Z".parse().unwrap()));
    assert_eq!(recorded.asked()[1].json()["NextToken"], "t");
    let empty = Recorded::default().json("ListSecretVersionIds", json!({ "ARN": ARN }));
    assert_eq!(kind_of(wait(secrets(&empty).versions_made_at(ARN))), PortErrorKind::Unavailable);
}

#[test]
fn a_rotation_is_set_up_without_one_at_once_and_stopped() {
    let recorded =
        Recorded::default().json("RotateSecret", json!({})).json("RotateSecret", json!({})).json("CancelRotateSecret", json!({}));
    let setup = RotationSetup { function: "arn:f".into(), schedule: "rate(30 days)".into(), window: Some("3h".into()) };
    let token = "0f3c1b2a-0f3c-4b2a-8f3c-0f3c1b2a0f3c";
    wait(secrets(&recorded).set_rotation(ARN, &setup, token)).unwrap();
    wait(secrets(&recorded).set_rotation(ARN, &RotationSetup { window: None, ..setup }, token)).unwrap();
    wait(secrets(&recorded).stop_rotation(ARN)).unwrap();
    let whole = json!({
        "SecretId": ARN, "ClientRequestToken": token, "RotationLambdaARN": "arn:f", "RotateImmediately": false,
        "RotationRules": { "ScheduleExpression": "rate(30 days)", "Duration": "3h" },
    });
    assert_eq!(recorded.asked()[0].json(), whole);
    assert_eq!(recorded.asked()[1].json()["RotationRules"], json!({ "ScheduleExpression": "rate(30 days)" }));
    assert_eq!(recorded.asked()[2].json(), json!({ "SecretId": ARN }));

    let busy = "A previous rotation isn't complete. That rotation will be reattempted.";
    let refused = Recorded::default().json_error("RotateSecret", "InvalidRequestException", busy);
    let setup = RotationSetup { function: "arn:f".into(), schedule: "rate(30 days)".into(), window: None };
    let error = wait(secrets(&refused).set_rotation(ARN, &setup, token)).unwrap_err();
    assert!(error.kind == PortErrorKind::Conflict && error.message.contains("nightshift secrets unstick"), "{error}");
}
