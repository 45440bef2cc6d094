//! Books and answers in the ledger.

use jiff::Timestamp;
use nightshift_aws::{DynamoLedger, Keep};
use nightshift_core::fleet::ApproverName;
use nightshift_core::ledger::{HistoryEntry, Lease};
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::approve::WRONG_CODES;
use nightshift_core::release::ports::{AnswerDesk, ReleaseLedger};
use nightshift_core::release::{Answer, Book, LogLine, Release, ReleaseId, Verdict};
use serde_json::{Value, json};

use super::recorded::{Recorded, key, kind_of, wait};

const READ: &str = "BatchGetItem";
const PUT: &str = "PutItem";
const UPDATE: &str = "UpdateItem";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ledger(recorded: &Recorded) -> DynamoLedger {
    DynamoLedger::new(&recorded.config(), "ledger", Keep::default())
}

pub fn release(id: &str) -> Release {
    serde_json::from_value(json!({
        "id": id,
        "change": { "image": {
            "repository": "shop/web", "digest": "sha256:1a2b3c4d5e6f7a8b", "tags": ["v7"], "pushed_at": "2026-11-20T20:00:00Z",
            "uri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/web",
        } },
        "started_by": "push",
        "ordered_at": "2026-11-20T20:00:00Z",
        "detected_at": "2026-11-20T20:00:05Z",
        "expires_at": "2026-11-27T20:00:05Z",
        "gate": { "gate": "none" },
        "legs": [{
            "stage": "production", "wave": 0, "region": "us-east-1", "target": { "ecs": { "cluster": "shop", "service": "web" } },
            "bake": "5m", "state": { "state": "waiting" },
        }],
    }))
    .unwrap()
}

fn with_log(id: &str, lines: usize, length: usize) -> Release {
    let line =
        |number| LogLine { at: at("2026-11-20T20:00:05Z"), region: "us-east-1".into(), text: format!("{number} {}", "x".repeat(length)) };
    Release { log: (0..lines).map(line).collect(), ..release(id) }
}

fn book() -> Book {
    let lease = Lease { owner: "run-1".into(), until: at("2026-11-20T20:01:00Z") };
    Book { version: 8, lease: Some(lease), active: Some(release("r2")), ended: vec![release("r1")], ..Book::default() }
}

fn stored(version: &str, json: &str) -> Value {
    json!({ "pk": { "S": "release#pizza/api" }, "sk": { "S": "book" }, "version": { "N": version }, "book": { "S": json } })
}

fn answered(items: &[Value]) -> Recorded {
    Recorded::default().json(READ, json!({ "Responses": { "ledger": items }, "UnprocessedKeys": {} }))
}

fn store(recorded: &Recorded, seen_version: u64, book: &Book) -> PortResult<()> {
    wait(ledger(recorded).store_book(&key("pizza", "api"), seen_version, book))
}

fn refused(operation: &'static str, item: &Value) -> Recorded {
    let body = json!({ "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "message": "failed", "Item": item });
    Recorded::default().answer(operation, 400, body.to_string())
}

#[test]
fn book_and_pauses_are_read_in_one_consistent_call() {
    let pause = json!({
        "pk": { "S": "pause" }, "sk": { "S": "all" }, "scope": { "S": "all" }, "by": { "S": "ana" }, "why": { "S": "sale" },
        "until": { "S": "2026-11-20T21:00:00Z" },
    });
    // The version of the attribute is the one that conditions look at.
    let json = serde_json::to_string(&Book { version: 7, ..book() }).unwrap();
    let recorded = answered(&[pause, stored("8", &json)]);
    let view = wait(ledger(&recorded).read_book(&key("pizza", "api"))).unwrap();
    assert_eq!((view.book, view.pause.unwrap().by.as_str()), (book(), "ana"));
    let asked = recorded.asked();
    let table = &asked[0].json()["RequestItems"]["ledger"];
    let keys: Vec<&str> = table["Keys"].as_array().unwrap().iter().map(|key| key["pk"]["S"].as_str().unwrap()).collect();
    assert_eq!((asked.len(), &table["ConsistentRead"]), (1, &json!(true)));
    assert_eq!(keys, ["release#pizza/api", "pause", "pause", "pause"]);

    let none = wait(ledger(&answered(&[])).read_book(&key("pizza", "api"))).unwrap();
    assert_eq!((none.book, none.pause), (Book::default(), None));
    let damaged = wait(ledger(&answered(&[stored("8", "{not json")])).read_book(&key("pizza", "api"))).unwrap_err();
    assert!(damaged.kind == PortErrorKind::Denied && damaged.message.contains("is damaged: book"), "{damaged}");
}

#[test]
fn a_book_is_written_against_the_version_that_was_seen_and_never_forgotten() {
    let recorded = Recorded::default().json(PUT, json!({})).json(PUT, json!({}));
    store(&recorded, 0, &book()).unwrap();
    store(&recorded, 7, &book()).unwrap();
    let (first, later) = (recorded.asked()[0].json(), recorded.asked()[1].json());
    assert_eq!(first["ConditionExpression"], "attribute_not_exists(pk)");
    assert_eq!(later["ConditionExpression"], "attribute_not_exists(pk) OR #version = :seen");
    assert_eq!(later["ExpressionAttributeValues"], json!({ ":seen": { "N": "7" } }));
    let item = &later["Item"];
    assert_eq!((&item["pk"]["S"], &item["sk"]["S"], &item["version"]["N"]), (&json!("release#pizza/api"), &json!("book"), &json!("8")));
    assert_eq!(item["in_hand"]["S"], "r2 (shop/web v7): production us-east-1 waiting");
    assert_eq!(item["lease_owner"]["S"], "run-1");
    assert!(item.get("expires_at").is_none(), "what was proven is needed a year later, too");
    assert_eq!(serde_json::from_str::<Book>(item["book"]["S"].as_str().unwrap()).unwrap(), book());
}

#[test]
fn a_moved_book_is_a_conflict_but_our_own_lost_write_is_not() {
    let ours = serde_json::to_string(&book()).unwrap();
    let theirs = serde_json::to_string(&Book { lease: None, ..book() }).unwrap();
    assert_eq!(store(&refused(PUT, &stored("8", &ours)), 7, &book()), Ok(()));
    assert_eq!(kind_of(store(&refused(PUT, &stored("8", &theirs)), 7, &book())), PortErrorKind::Conflict);
    assert_eq!(kind_of(store(&refused(PUT, &stored("9", &ours)), 7, &book())), PortErrorKind::Conflict);
}

#[test]
fn a_book_that_is_too_large_loses_the_logs_of_the_oldest_ended_releases_first() {
    let written = |book: &Book| {
        let recorded = Recorded::default().json(PUT, json!({}));
        store(&recorded, 0, book).unwrap();
        let asked = recorded.asked()[0].json();
        let text = asked["Item"]["book"]["S"].as_str().unwrap().to_owned();
        assert!(text.len() <= 350_000, "{}", text.len());
        serde_json::from_str::<Book>(&text).unwrap()
    };
    let logs = |book: &Book| book.ended.iter().map(|release| release.log.len()).collect::<Vec<_>>();
    let ended = |count: usize| (0..count).map(|number| with_log(&format!("r{number}"), 60, 1_000)).collect::<Vec<_>>();
    let fits = Book { active: Some(with_log("now", 60, 1_000)), ended: ended(4), ..Book::default() };
    assert_eq!(written(&fits), fits);
    let large = Book { ended: ended(8), ..fits.clone() };
    assert_eq!(logs(&written(&large)), [60, 60, 60, 60, 0, 0, 0, 0], "the newest is first");
    assert_eq!(written(&large).active, large.active);
    // What goes on keeps the newer half of its log.
    let huge = Book { active: Some(with_log("now", 60, 10_000)), ..large };
    let kept = written(&huge);
    assert!(kept.ended.is_empty() && kept.active.as_ref().unwrap().log == huge.active.as_ref().unwrap().log[30..]);
    let mut endless = release("now");
    endless.expires_at = at("2026-11-27T20:00:05Z");
    endless.legs[0].alarms = vec!["x".repeat(400_000)];
    let error = store(&Recorded::default(), 0, &Book { active: Some(endless), ..Book::default() }).unwrap_err();
    assert!(error.kind == PortErrorKind::Denied && error.message.contains("400 KB"), "{error}");
}

#[test]
fn the_history_of_releases_stands_beside_that_of_scaling() {
    let entry = HistoryEntry {
        at: at("2026-11-20T20:00:00Z"),
        plan_id: "plan-7".into(),
        decision: "roll_out".into(),
        reason: "approved".into(),
        text: "rolling".into(),
        mode: "act".into(),
        outcome: Value::Null,
    };
    let recorded = Recorded::default().json(PUT, json!({}));
    wait(ledger(&recorded).append_release(&key("pizza", "api"), &entry)).unwrap();
    let item = recorded.asked()[0].json()["Item"].clone();
    assert_eq!((&item["pk"]["S"], &item["sk"]["S"]), (&json!("history#pizza/api"), &json!("2026-11-20T20:00:00.000Z#plan-7")));
}

fn approver(name: &str) -> ApproverName {
    name.to_owned().try_into().unwrap()
}

fn yes() -> Answer {
    Answer { verdict: Verdict::Approve, at: at("2026-11-20T20:05:00.123Z"), via: "page (192.0.2.7)".into() }
}

fn answer_item(name: &str, extra: Value) -> Value {
    let mut item = json!({ "pk": { "S": "answer#pizza/api" }, "sk": { "S": format!("r2#production#{name}") } });
    item.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    item
}

fn yes_item(name: &str) -> Value {
    let extra = json!({ "verdict": { "S": "approve" }, "at": { "S": "2026-11-20T20:05:00.123Z" }, "via": { "S": "page (192.0.2.7)" } });
    answer_item(name, extra)
}

fn give(recorded: &Recorded, answer: &Answer) -> PortResult<()> {
    let (key, release) = (key("pizza", "api"), ReleaseId::from_text("r2"));
    wait(ledger(recorded).answer(&key, &release, "production", &approver("ann"), answer))
}

#[test]
fn the_answers_are_read_in_one_call_and_wrong_codes_alone_are_none() {
    let read = |recorded: &Recorded, names: &[&str]| {
        let names: Vec<ApproverName> = names.iter().map(|name| approver(name)).collect();
        wait(ledger(recorded).answers(&key("pizza", "api"), &ReleaseId::from_text("r2"), "production", &names))
    };
    let recorded = answered(&[answer_item("bob", json!({ "wrong_codes": { "N": "2" } })), yes_item("ann")]);
    let answers = read(&recorded, &["ann", "bob", "ann", "cleo"]).unwrap();
    assert_eq!(answers.into_iter().collect::<Vec<_>>(), [(approver("ann"), yes())]);
    let table = recorded.asked()[0].json()["RequestItems"]["ledger"].clone();
    let keys: Vec<&str> = table["Keys"].as_array().unwrap().iter().map(|key| key["sk"]["S"].as_str().unwrap()).collect();
    assert_eq!((keys, &table["ConsistentRead"]), (vec!["r2#production#ann", "r2#production#bob", "r2#production#cleo"], &json!(true)));
    assert!(read(&Recorded::default(), &[]).unwrap().is_empty(), "nobody is asked, nothing is read");
    let damaged = read(&answered(&[answer_item("ann", json!({ "verdict": { "S": "maybe" } }))]), &["ann"]).unwrap_err();
    assert!(damaged.message.contains("is damaged: verdict"), "{damaged}");
}

#[test]
fn an_answer_is_written_where_there_is_none_and_few_codes_were_wrong() {
    let recorded = Recorded::default().json(UPDATE, json!({}));
    give(&recorded, &yes()).unwrap();
    let asked = recorded.asked()[0].json();
    assert_eq!(asked["Key"], json!({ "pk": { "S": "answer#pizza/api" }, "sk": { "S": "r2#production#ann" } }));
    let condition = "attribute_not_exists(#verdict) AND (attribute_not_exists(#wrong) OR #wrong < :most)";
    assert_eq!(
        (&asked["ConditionExpression"], &asked["ExpressionAttributeValues"][":most"]["N"]),
        (&json!(condition), &json!(WRONG_CODES.to_string()))
    );
    let values = &asked["ExpressionAttributeValues"];
    assert_eq!((&values[":verdict"]["S"], &values[":at"]["S"]), (&json!("approve"), &json!("2026-11-20T20:05:00.123Z")));
    assert!(asked["UpdateExpression"].as_str().unwrap().contains("#expires = :expires"));
}

#[test]
fn a_second_answer_and_a_guesser_are_refused_in_words() {
    // The SDK repeats a write whose answer was lost.
    assert_eq!(give(&refused(UPDATE, &yes_item("ann")), &yes()), Ok(()));
    let no = Answer { verdict: Verdict::Reject, ..yes() };
    for changed in [no, Answer { at: at("2026-11-20T20:06:00Z"), ..yes() }, Answer { via: "command line".into(), ..yes() }] {
        let error = give(&refused(UPDATE, &yes_item("ann")), &changed).unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (PortErrorKind::Conflict, "ann has answered already: approve at 2026-11-20T20:05:00Z")
        );
    }
    let guessed = give(&refused(UPDATE, &answer_item("ann", json!({ "wrong_codes": { "N": "5" } }))), &yes()).unwrap_err();
    assert!(guessed.kind == PortErrorKind::Conflict && guessed.message.contains("5 wrong codes"), "{guessed}");
    let slow =
        (0..3).fold(Recorded::default(), |recorded, _| recorded.json_error(UPDATE, "ProvisionedThroughputExceededException", "slow"));
    assert_eq!(kind_of(give(&slow, &yes())), PortErrorKind::Throttled);
}

#[test]
fn wrong_codes_are_counted_by_the_table() {
    let recorded = Recorded::default().json(UPDATE, json!({ "Attributes": { "wrong_codes": { "N": "3" }, "expires_at": { "N": "1" } } }));
    let recorded = recorded.json(UPDATE, json!({}));
    let count =
        || wait(ledger(&recorded).count_wrong_code(&key("pizza", "api"), &ReleaseId::from_text("r2"), "production", &approver("ann")));
    assert_eq!(count(), Ok(3));
    assert!(recorded.asked()[0].json()["UpdateExpression"].as_str().unwrap().starts_with("ADD #wrong :one"));
    assert_eq!(kind_of(count()), PortErrorKind::Denied, "an unknown number is not few");
}
