use jiff::{Timestamp, ToSpan};
use nightshift_aws::{DynamoLedger, Keep};
use nightshift_core::ledger::{Handled, HistoryEntry, Lease, LedgerView, Pause, ServiceRecord};
use nightshift_core::ports::{Ledger, PortErrorKind, PortResult};
use serde_json::{Value, json};

use super::recorded::{Recorded, key, kind_of, wait};

const READ: &str = "BatchGetItem";
const PUT: &str = "PutItem";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ledger(recorded: &Recorded) -> DynamoLedger {
    DynamoLedger::new(&recorded.config(), "ledger", Keep::default())
}

fn read(recorded: &Recorded) -> PortResult<LedgerView> {
    wait(ledger(recorded).read(&key("pizza", "api")))
}

fn store(recorded: &Recorded, seen: u64, record: &ServiceRecord) -> PortResult<()> {
    wait(ledger(recorded).store(&key("pizza", "api"), seen, record))
}

fn answered(items: &[Value]) -> Recorded {
    Recorded::default().json(READ, json!({ "Responses": { "ledger": items }, "UnprocessedKeys": {} }))
}

fn pause(sk: &str, scope: &str, until: &str) -> Value {
    json!({
        "pk": { "S": "pause" }, "sk": { "S": sk }, "scope": { "S": scope }, "by": { "S": "ana" }, "why": { "S": "deploy" },
        "until": { "S": until }, "expires_at": { "N": "1" },
    })
}

fn stored(version: &str, record: &str) -> Value {
    json!({ "pk": { "S": "service#pizza/api" }, "sk": { "S": "record" }, "version": { "N": version }, "record": { "S": record } })
}

fn record() -> ServiceRecord {
    ServiceRecord {
        version: 8,
        lease: Some(Lease { owner: "run-1".into(), until: at("2026-11-20T03:11:00Z") }),
        handled: vec![Handled { key: "alarm/cpu".into(), at: at("2026-11-20T03:10:00Z") }],
        ..ServiceRecord::default()
    }
}

#[test]
fn nothing_is_remembered_at_first_and_one_consistent_call_says_so() {
    let recorded = answered(&[]);
    assert_eq!(read(&recorded).unwrap(), LedgerView::default());
    let asked = recorded.asked();
    assert_eq!(asked.len(), 1);
    let table = &asked[0].json()["RequestItems"]["ledger"];
    assert_eq!(table["ConsistentRead"], true);
    let keys: Vec<(&str, &str)> =
        table["Keys"].as_array().unwrap().iter().map(|key| (key["pk"]["S"].as_str().unwrap(), key["sk"]["S"].as_str().unwrap())).collect();
    let expected = [
        ("service#pizza/api", "record"),
        ("override", "service#pizza/api"),
        ("pause", "all"),
        ("pause", "system#pizza"),
        ("pause", "service#pizza/api"),
    ];
    assert_eq!(keys, expected);
}

#[test]
fn record_override_and_the_longest_pause() {
    let bounds = json!({
        "pk": { "S": "override" }, "sk": { "S": "service#pizza/api" }, "service": { "S": "pizza/api" }, "min": { "N": "3" },
        "max": { "N": "9" }, "by": { "S": "ana" }, "why": { "S": "sale" }, "until": { "S": "2026-11-20T09:00:00Z" },
    });
    // The version of the attribute is the one that conditions look at.
    let json = serde_json::to_string(&ServiceRecord { version: 7, ..record() }).unwrap();
    let pauses = [
        pause("service#pizza/api", "pizza/api", "2026-11-20T05:00:00Z"),
        pause("system#pizza", "pizza", "2026-11-20T07:00:00Z"),
        pause("all", "all", "2026-11-20T06:00:00Z"),
    ];
    let view = read(&answered(&[pauses[0].clone(), stored("8", &json), pauses[1].clone(), bounds, pauses[2].clone()])).unwrap();
    assert_eq!(view.record, record());
    let longest = Pause { scope: "pizza".into(), by: "ana".into(), why: "deploy".into(), until: at("2026-11-20T07:00:00Z") };
    assert_eq!(view.pause, Some(longest));
    let bounds = view.bounds_override.unwrap();
    assert_eq!((bounds.bounds.to_string().as_str(), bounds.until), ("3-9", at("2026-11-20T09:00:00Z")));
}

#[test]
fn unprocessed_keys_are_asked_for_once_more_and_then_it_is_a_throttle() {
    let left = json!({ "ledger": { "Keys": [{ "pk": { "S": "pause" }, "sk": { "S": "all" } }], "ConsistentRead": true } });
    let partial = json!({ "Responses": { "ledger": [] }, "UnprocessedKeys": left });
    let rest = json!({ "Responses": { "ledger": [pause("all", "all", "2026-11-20T06:00:00Z")] } });
    let recorded = Recorded::default().json(READ, partial.clone()).json(READ, rest);
    assert_eq!(read(&recorded).unwrap().pause.unwrap().scope, "all");
    let again = recorded.asked()[1].json()["RequestItems"]["ledger"].clone();
    assert_eq!((again["Keys"].as_array().unwrap().len(), again["ConsistentRead"].as_bool()), (1, Some(true)));

    let recorded = Recorded::default().json(READ, partial.clone()).json(READ, partial);
    assert_eq!(kind_of(read(&recorded)), PortErrorKind::Throttled);
}

#[test]
fn a_damaged_item_is_named_and_not_guessed_from() {
    let table = [
        (stored("8", "{not json"), "record"),
        (stored("eight", "{\"version\":8}"), "version"),
        (pause("all", "all", "tomorrow"), "until"),
        (json!({ "pk": { "S": "pause" }, "sk": { "S": "all" } }), "scope"),
    ];
    for (item, attribute) in table {
        let error = read(&answered(&[item])).unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Denied);
        assert!(error.message.contains(&format!("is damaged: {attribute}")), "{error}");
        assert!(error.message.contains("pk=\"") && error.message.contains("delete the item"), "{error}");
    }
}

#[test]
fn a_record_is_written_against_the_version_that_was_seen() {
    let recorded = Recorded::default().json(PUT, json!({})).json(PUT, json!({}));
    store(&recorded, 0, &record()).unwrap();
    store(&recorded, 7, &record()).unwrap();
    let asked = recorded.asked();
    let (first, later) = (asked[0].json(), asked[1].json());
    assert_eq!(first["ConditionExpression"], "attribute_not_exists(pk)");
    assert_eq!(later["ConditionExpression"], "attribute_not_exists(pk) OR #version = :seen");
    assert_eq!(later["ExpressionAttributeNames"], json!({ "#version": "version" }));
    assert_eq!(later["ExpressionAttributeValues"], json!({ ":seen": { "N": "7" } }));
    let item = &later["Item"];
    assert_eq!((&item["version"], &item["lease_owner"]), (&json!({ "N": "8" }), &json!({ "S": "run-1" })));
    assert_eq!(serde_json::from_str::<ServiceRecord>(item["record"]["S"].as_str().unwrap()).unwrap(), record());
    let kept = item["expires_at"]["N"].as_str().unwrap().parse::<i64>().unwrap() - Timestamp::now().as_second();
    assert!((29 * 86_400..=30 * 86_400).contains(&kept), "{kept}");
}

#[test]
fn a_moved_record_is_a_conflict_but_our_own_lost_write_is_not() {
    let failed = |item: Value| {
        let body =
            json!({ "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "failed", "Item": item });
        Recorded::default().answer(PUT, 400, body.to_string())
    };
    let ours = serde_json::to_string(&record()).unwrap();
    let theirs = serde_json::to_string(&ServiceRecord { lease: None, ..record() }).unwrap();
    assert_eq!(store(&failed(stored("8", &ours)), 7, &record()), Ok(()));
    assert_eq!(kind_of(store(&failed(stored("8", &theirs)), 7, &record())), PortErrorKind::Conflict);
    assert_eq!(kind_of(store(&failed(stored("9", &ours)), 7, &record())), PortErrorKind::Conflict);
    assert_eq!(kind_of(store(&failed(Value::Null), 7, &record())), PortErrorKind::Conflict);
}

#[test]
fn a_table_that_is_gone_or_slow_is_told_apart() {
    let gone = Recorded::default().json_error(READ, "ResourceNotFoundException", "Requested resource not found");
    assert_eq!(kind_of(read(&gone)), PortErrorKind::NotFound);
    let slow = (0..3).fold(Recorded::default(), |recorded, _| recorded.json_error(PUT, "ProvisionedThroughputExceededException", "slow"));
    assert_eq!(kind_of(store(&slow, 0, &record())), PortErrorKind::Throttled);
}

#[test]
fn a_line_of_history_has_one_key_and_its_time_to_live() {
    let entry = HistoryEntry {
        at: at("2026-11-20T03:10:00Z"),
        plan_id: "plan-7".into(),
        decision: "grow".into(),
        reason: "rule".into(),
        text: "CPU is high".into(),
        mode: "act".into(),
        outcome: json!({ "steps": [] }),
    };
    let long = HistoryEntry { outcome: json!({ "observation": "x".repeat(400_000) }), ..entry.clone() };
    let recorded = Recorded::default().json(PUT, json!({})).json(PUT, json!({}));
    wait(ledger(&recorded).append(&key("pizza", "api"), &entry)).unwrap();
    wait(ledger(&recorded).append(&key("pizza", "api"), &long)).unwrap();
    let asked = recorded.asked();
    let item = asked[0].json()["Item"].clone();
    assert_eq!(item["pk"]["S"], "history#pizza/api");
    assert_eq!(item["sk"]["S"], "2026-11-20T03:10:00.000Z#plan-7");
    assert_eq!(item["expires_at"]["N"], entry.at.checked_add((90 * 24).hours()).unwrap().as_second().to_string());
    assert_eq!(serde_json::from_str::<HistoryEntry>(item["entry"]["S"].as_str().unwrap()).unwrap(), entry);
    assert!(asked[0].json().get("ConditionExpression").is_none(), "the same entry twice is one entry");
    // DynamoDB would refuse the item; the line itself is kept.
    assert!(asked[1].body.len() < 10_000);
    assert!(asked[1].body.contains("left_out") && asked[1].body.contains("CPU is high"));
}
