//! Front ends in the ledger, and their looks in the scheduler.

use std::collections::BTreeSet;

use jiff::Timestamp;
use nightshift_aws::{DynamoLedger, Keep, OneTimeSchedules};
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::front_end::*;
use nightshift_core::signal::{Signal, parse};
use serde_json::{Value, json};

use super::recorded::{Recorded, kind_of, wait};

const UPDATE: &str = "UpdateItem";
const READ: &str = "BatchGetItem";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ledger(recorded: &Recorded) -> DynamoLedger {
    DynamoLedger::new(&recorded.config(), "ledger", Keep::default())
}

fn key() -> FrontEndKey {
    FrontEndKey { system: "pizza".to_owned().try_into().unwrap(), name: "site".to_owned().try_into().unwrap() }
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

fn note(recorded: &Recorded) -> PortResult<Uploads> {
    let stale = Stale { paths: set(&["/docs/", "/docs/index.html"]), coarse: set(&["/docs/*"]) };
    wait(ledger(recorded).note_arrival(&key(), &stale, at("2026-11-20T20:00:00Z")))
}

fn state(extra: Value) -> Value {
    let mut item = json!({
        "pk": { "S": "frontend#pizza/site" }, "sk": { "S": "state" }, "arrivals": { "N": "7" }, "pending": { "SS": ["/b", "/a"] },
        "pending_first": { "S": "2026-11-20T20:00:00Z" }, "pending_last": { "S": "2026-11-20T20:00:09Z" },
    });
    item.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    item
}

fn work() -> Work {
    let batch = Batch {
        reference: "r".into(),
        paths: vec!["/a".into()],
        first: at("2026-11-20T20:00:00Z"),
        taken_at: at("2026-11-20T20:01:00Z"),
        made: None,
    };
    Work { version: 4, batch: Some(batch), told: None }
}

fn refused(code: &str, message: &str, item: &Value) -> String {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message, "Item": item }).to_string()
}

fn full() -> String {
    refused("ConditionalCheckFailedException", "failed", &Value::Null)
}

#[test]
fn an_arrival_is_added_without_reading_and_tells_what_waits() {
    let recorded = Recorded::default().json(UPDATE, json!({ "Attributes": state(json!({ "look_at": { "S": "2026-11-20T20:01:00Z" } })) }));
    let uploads = note(&recorded).unwrap();
    assert_eq!((uploads.count, uploads.look_at), (7, Some(at("2026-11-20T20:01:00Z"))));
    assert_eq!(uploads.pending.unwrap().paths, set(&["/a", "/b"]));
    let asked = recorded.asked()[0].json();
    assert_eq!(asked["Key"], json!({ "pk": { "S": "frontend#pizza/site" }, "sk": { "S": "state" } }));
    assert_eq!(asked["UpdateExpression"], "ADD #pending :paths, #count :one SET #first = if_not_exists(#first, :now), #last = :now");
    assert_eq!(asked["ExpressionAttributeValues"][":paths"]["SS"], json!(["/docs/", "/docs/index.html"]));
    assert_eq!(asked["ReturnValues"], "ALL_NEW");
}

#[test]
fn with_many_waiting_the_folder_is_noted_and_in_the_end_everything() {
    let everything = json!({ "Attributes": state(json!({ "pending": { "SS": ["/*"] } })) });
    let recorded = Recorded::default().answer(UPDATE, 400, full()).json(UPDATE, json!({ "Attributes": state(json!({})) }));
    note(&recorded).unwrap();
    assert_eq!(recorded.asked()[1].json()["ExpressionAttributeValues"][":paths"]["SS"], json!(["/docs/*"]));
    let too_large = refused("ValidationException", "Item size to update has exceeded the maximum allowed size", &Value::Null);
    for second in [full(), too_large] {
        let recorded = Recorded::default().answer(UPDATE, 400, full()).answer(UPDATE, 400, second).json(UPDATE, everything.clone());
        assert_eq!(note(&recorded).unwrap().pending.unwrap().paths, set(&["/*"]));
        let last = recorded.asked()[2].json();
        assert!(last["UpdateExpression"].as_str().unwrap().contains("SET #pending = :paths") && last.get("ConditionExpression").is_none());
    }
    let wrong = Recorded::default().answer(UPDATE, 400, refused("ValidationException", "Invalid UpdateExpression", &Value::Null));
    assert_eq!(kind_of(note(&wrong)), PortErrorKind::Denied);
}

#[test]
fn what_is_remembered_is_read_in_one_consistent_call() {
    let read = |items: Vec<Value>| {
        let recorded = Recorded::default().json(READ, json!({ "Responses": { "ledger": items }, "UnprocessedKeys": {} }));
        (wait(ledger(&recorded).read_front_end(&key())), recorded)
    };
    let (view, recorded) = read(vec![]);
    assert_eq!(view, Ok(FrontEndView::default()));
    let table = recorded.asked()[0].json()["RequestItems"]["ledger"].clone();
    let keys: Vec<&str> = table["Keys"].as_array().unwrap().iter().map(|key| key["sk"]["S"].as_str().unwrap()).collect();
    assert_eq!((keys, &table["ConsistentRead"]), (vec!["state", "all", "system#pizza"], &json!(true)));

    let json = serde_json::to_string(&Work { version: 3, ..work() }).unwrap();
    let pause = json!({
        "pk": { "S": "pause" }, "sk": { "S": "all" }, "scope": { "S": "all" }, "by": { "S": "ana" }, "why": { "S": "sale" },
        "until": { "S": "2026-11-20T21:00:00Z" },
    });
    let view = read(vec![pause, state(json!({ "version": { "N": "4" }, "work": { "S": json } }))]).0.unwrap();
    assert_eq!((view.work, view.pause.unwrap().by.as_str()), (work(), "ana"));
    let pending = view.uploads.pending.unwrap();
    assert_eq!((pending.first, pending.last), (at("2026-11-20T20:00:00Z"), at("2026-11-20T20:00:09Z")));
    for (damage, attribute) in [
        (json!({ "pending": { "S": "/a" } }), "pending"),
        (json!({ "pending_last": { "S": "late" } }), "pending_last"),
        (json!({ "version": { "N": "4" } }), "work"),
    ] {
        let error = read(vec![state(damage)]).0.unwrap_err();
        assert!(error.message.contains(&format!("is damaged: {attribute}")), "{error}");
    }
}

#[test]
fn work_is_written_against_its_version_and_takes_what_waits_in_the_same_step() {
    let written = |seen: u64, takes: Option<&Takes>| {
        let recorded = Recorded::default().json(UPDATE, json!({}));
        wait(ledger(&recorded).store_work(&key(), seen, &work(), takes)).unwrap();
        let asked = recorded.asked()[0].json();
        let text = |name: &str| asked[name].as_str().unwrap().to_owned();
        (text("UpdateExpression"), text("ConditionExpression"), asked["ExpressionAttributeValues"].clone())
    };
    let (update, condition, _) = written(0, None);
    assert_eq!((update.as_str(), condition.as_str()), ("SET #version = :version, #work = :work", "attribute_not_exists(#version)"));
    let (update, condition, values) = written(3, Some(&Takes::Quiet { count: 7 }));
    assert_eq!(update, "SET #version = :version, #work = :work REMOVE #pending, #first, #last, #look");
    assert_eq!(condition, "#version = :seen AND #count = :count");
    assert_eq!(
        (&values[":seen"], &values[":version"], &values[":count"]),
        (&json!({ "N": "3" }), &json!({ "N": "4" }), &json!({ "N": "7" }))
    );
    let overdue = Takes::Overdue { paths: set(&["/a", "/b"]), now: at("2026-11-20T20:05:00Z") };
    let (update, condition, values) = written(3, Some(&overdue));
    assert_eq!(update, "SET #version = :version, #work = :work, #first = :now REMOVE #look DELETE #pending :paths");
    assert_eq!((condition.as_str(), &values[":paths"]["SS"]), ("#version = :seen", &json!(["/a", "/b"])));
}

#[test]
fn moved_work_is_a_conflict_but_our_own_lost_write_is_not() {
    let store = |item: Value| {
        let recorded = Recorded::default().answer(UPDATE, 400, refused("ConditionalCheckFailedException", "failed", &item));
        wait(ledger(&recorded).store_work(&key(), 3, &work(), Some(&Takes::Quiet { count: 7 })))
    };
    let json = serde_json::to_string(&work()).unwrap();
    assert_eq!(store(state(json!({ "version": { "N": "4" }, "work": { "S": json } }))), Ok(()));
    assert_eq!(kind_of(store(state(json!({ "version": { "N": "4" }, "work": { "S": "{}" } })))), PortErrorKind::Conflict);
    assert_eq!(kind_of(store(state(json!({ "version": { "N": "3" }, "work": { "S": json } })))), PortErrorKind::Conflict, "a file arrived");
}

#[test]
fn one_look_a_second_is_arranged_and_read_as_it_was_meant() {
    let look = |time: &str| {
        let recorded = Recorded::default().json("CreateSchedule", json!({ "ScheduleArn": "arn:s" }));
        let scheduler = OneTimeSchedules::new(&recorded.config(), "nightshift", "arn:aws:iam::1:role/recheck");
        wait(scheduler.look_later(&key(), at(time), "arn:aws:lambda:us-east-1:1:function:deploy")).unwrap();
        recorded.asked()[0].clone()
    };
    let asked = look("2026-11-20T20:01:00Z");
    assert_eq!(asked.path, look("2026-11-20T20:01:00Z").path);
    assert_ne!(asked.path, look("2026-11-20T20:01:30Z").path);
    assert!(asked.path.starts_with("/schedules/pizza-site-"), "{}", asked.path);
    assert_eq!(asked.json()["ScheduleExpression"], "at(2026-11-20T20:01:00)");
    let input: Value = serde_json::from_str(asked.json()["Target"]["Input"].as_str().unwrap()).unwrap();
    let parsed = parse(&input);
    let Some(Signal::FrontEnd(signal)) = parsed.signals().next() else { panic!("{parsed:?}") };
    assert_eq!((signal.system.as_str(), signal.front_end.as_str(), signal.due), ("pizza", "site", Some(at("2026-11-20T20:01:00Z"))));
}
