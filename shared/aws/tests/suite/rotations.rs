//! What the ledger remembers of rotations, and the two ways in which others are told of them.

use jiff::Timestamp;
use nightshift_aws::{AwsCaller, DynamoLedger, Functions, Keep, OneTimeSchedules, ReleaseReaders};
use nightshift_core::fleet::{SecretName, SystemName};
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::rotation::ports::{ReaderWaker, RotationLedger, RotationTimer};
use nightshift_core::rotation::{HandOver, Instruction, LastOutcome, PendingSeen, RotationRecord, RotationView};
use nightshift_core::signal::{Signal, parse};
use serde_json::{Value, json};

use super::recorded::{Recorded, kind_of, wait};

const READ: &str = "BatchGetItem";
const PUT: &str = "PutItem";
const ARN: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:shop/db-Ab12Cd";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn names() -> (SystemName, SecretName) {
    (SystemName::try_from("shop".to_owned()).unwrap(), SecretName::try_from("shop/db".to_owned()).unwrap())
}

fn ledger(recorded: &Recorded) -> DynamoLedger {
    DynamoLedger::new(&recorded.config(), "ledger", Keep::default())
}

fn record() -> RotationRecord {
    RotationRecord {
        version: 8,
        pending: Some(PendingSeen { token: "v2".into(), since: at("2026-11-20T20:00:00Z"), set_at: None }),
        hand_over: Some(HandOver { version: "v1".into(), since: at("2026-10-20T20:00:00Z"), ..HandOver::default() }),
        last: Some(LastOutcome {
            at: at("2026-11-20T20:00:05Z"),
            code: "cluster_changing".into(),
            text: "the cluster is modifying".into(),
        }),
        ..RotationRecord::default()
    }
}

fn stored(version: &str, json: &str) -> Value {
    json!({ "pk": { "S": "rotation#shop" }, "sk": { "S": "shop/db" }, "version": { "N": version }, "record": { "S": json } })
}

fn read(items: &[Value]) -> (PortResult<RotationView>, Recorded) {
    let recorded = Recorded::default().json(READ, json!({ "Responses": { "ledger": items }, "UnprocessedKeys": {} }));
    let (system, secret) = names();
    (wait(ledger(&recorded).rotation(&system, &secret)), recorded)
}

fn store(recorded: &Recorded, seen_version: u64) -> PortResult<()> {
    let (system, secret) = names();
    wait(ledger(recorded).store_rotation(&system, &secret, seen_version, &record()))
}

#[test]
fn record_and_pauses_are_read_in_one_consistent_call() {
    let pause = json!({
        "pk": { "S": "pause" }, "sk": { "S": "system#shop" }, "scope": { "S": "shop" }, "by": { "S": "ana" }, "why": { "S": "sale" },
        "until": { "S": "2026-11-20T21:00:00Z" },
    });
    let json = serde_json::to_string(&RotationRecord { version: 7, ..record() }).unwrap();
    let (view, recorded) = read(&[pause, stored("8", &json)]);
    let view = view.unwrap();
    assert_eq!((view.record, view.pause.unwrap().by.as_str()), (record(), "ana"), "the attribute's version wins");
    let table = recorded.asked()[0].json()["RequestItems"]["ledger"].clone();
    let keys: Vec<(&str, &str)> =
        table["Keys"].as_array().unwrap().iter().map(|key| (key["pk"]["S"].as_str().unwrap(), key["sk"]["S"].as_str().unwrap())).collect();
    assert_eq!(keys, [("rotation#shop", "shop/db"), ("pause", "all"), ("pause", "system#shop")]);
    assert_eq!(table["ConsistentRead"], true);

    assert_eq!(read(&[]).0.unwrap(), RotationView::default());
    let damaged = read(&[stored("8", "{not json")]).0.unwrap_err();
    assert!(damaged.kind == PortErrorKind::Denied && damaged.message.contains("is damaged: record"), "{damaged}");
}

#[test]
fn a_record_is_written_against_the_version_that_was_seen_and_kept_for_good() {
    let recorded = Recorded::default().json(PUT, json!({})).json(PUT, json!({}));
    store(&recorded, 0).unwrap();
    store(&recorded, 7).unwrap();
    let (first, later) = (recorded.asked()[0].json(), recorded.asked()[1].json());
    assert_eq!(first["ConditionExpression"], "attribute_not_exists(pk)");
    assert_eq!(later["ExpressionAttributeValues"], json!({ ":seen": { "N": "7" } }));
    let item = &later["Item"];
    assert_eq!((&item["pk"]["S"], &item["sk"]["S"], &item["version"]["N"]), (&json!("rotation#shop"), &json!("shop/db"), &json!("8")));
    assert_eq!(item["last"]["S"], "2026-11-20T20:00:05Z cluster_changing");
    assert!(item.get("expires_at").is_none(), "what was proven is needed a year later, too");
    assert_eq!(serde_json::from_str::<RotationRecord>(item["record"]["S"].as_str().unwrap()).unwrap(), record());
}

#[test]
fn a_moved_record_is_a_conflict_but_our_own_lost_write_is_not() {
    let refused = |item: &Value| {
        let body =
            json!({ "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "failed", "Item": item });
        store(&Recorded::default().answer(PUT, 400, body.to_string()), 7)
    };
    let ours = serde_json::to_string(&record()).unwrap();
    assert_eq!(refused(&stored("8", &ours)), Ok(()));
    assert_eq!(kind_of(refused(&stored("9", &ours))), PortErrorKind::Conflict);
    let theirs = serde_json::to_string(&RotationRecord { told: Some("x".into()), ..record() }).unwrap();
    assert_eq!(kind_of(refused(&stored("8", &theirs))), PortErrorKind::Conflict);
}

#[test]
fn the_function_that_deploys_is_told_and_not_waited_for() {
    const INVOKED: &str = "POST /2015-03-31/functions/nightshift-deploy/invocations";
    let starter = |recorded: &Recorded| ReleaseReaders::new(Functions::new(AwsCaller::new(&recorded.config())), "nightshift-deploy");
    let recorded = Recorded::default().answer(INVOKED, 202, "");
    wait(starter(&recorded).tell_readers(ARN, "v2", at("2026-11-20T20:00:00Z"))).unwrap();
    let asked = &recorded.asked()[0];
    assert_eq!(asked.header("x-amz-invocation-type"), "Event");
    assert_eq!((&asked.json()["nightshift"], &asked.json()["secret"]), (&json!("rotated"), &json!(ARN)));
    let parsed = parse(&asked.json());
    let Some(Signal::Secret(signal)) = parsed.signals().next() else { panic!("{parsed:?}") };
    assert_eq!((signal.secret.as_str(), signal.region.as_deref(), signal.at), (ARN, Some("us-east-1"), Some(at("2026-11-20T20:00:00Z"))));
    assert_eq!(signal.version.as_deref(), Some("v2"));

    let taken = Recorded::default().answer(INVOKED, 200, "");
    assert_eq!(kind_of(wait(starter(&taken).tell_readers(ARN, "v2", at("2026-11-20T20:00:00Z")))), PortErrorKind::Unavailable);
}

#[test]
fn a_look_at_a_secret_is_arranged_once() {
    let recorded = Recorded::default().json("CreateSchedule", json!({ "ScheduleArn": "arn:s" }));
    let (system, secret) = names();
    let timer = OneTimeSchedules::new(&recorded.config(), "nightshift", "arn:aws:iam::1:role/recheck");
    wait(timer.look_at_secret(&system, &secret, at("2026-11-20T20:00:00.1Z"), "arn:f")).unwrap();
    let body = recorded.asked()[0].json();
    assert_eq!(body["ScheduleExpression"], "at(2026-11-20T20:00:01)");
    let input: Value = serde_json::from_str(body["Target"]["Input"].as_str().unwrap()).unwrap();
    assert_eq!(Instruction::read(&input), Some(Instruction::Look { system: "shop".into(), secret: "shop/db".into(), is_asked: false }));
    let twice = Recorded::default().answer("CreateSchedule", 409, "{\"__type\":\"ConflictException\",\"Message\":\"exists\"}");
    let timer = OneTimeSchedules::new(&twice.config(), "nightshift", "arn:aws:iam::1:role/recheck");
    assert_eq!(kind_of(wait(timer.look_at_secret(&system, &secret, at("2026-11-20T20:00:00Z"), "arn:f"))), PortErrorKind::Conflict);
}

#[test]
fn a_functions_arn_is_looked_up_by_its_name() {
    let get = "GET /2015-03-31/functions/nightshift-rotate/configuration";
    let arn = "arn:aws:lambda:us-east-1:111122223333:function:nightshift-rotate";
    let look = |recorded: &Recorded| wait(Functions::new(AwsCaller::new(&recorded.config())).function_arn("nightshift-rotate"));
    let known = Recorded::default().answer(get, 200, json!({ "FunctionName": "nightshift-rotate", "FunctionArn": arn }).to_string());
    assert_eq!(look(&known).as_deref(), Ok(arn));
    let missing = Recorded::default().answer_with(get, 404, &[("x-amzn-errortype", "ResourceNotFoundException")], "{\"Message\":\"no\"}");
    assert_eq!(kind_of(look(&missing)), PortErrorKind::NotFound);
    assert_eq!(kind_of(look(&Recorded::default().answer(get, 200, "{}"))), PortErrorKind::Unavailable);
}
