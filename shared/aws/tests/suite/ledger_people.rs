use jiff::Timestamp;
use nightshift_aws::{DynamoLedger, HistoryQuery, Keep};
use nightshift_core::fleet::{Bounds, TaskCount};
use nightshift_core::ledger::{BoundsOverride, HistoryEntry, Pause};
use nightshift_core::ports::PortErrorKind;
use serde_json::{Value, json};

use super::recorded::{Recorded, key, kind_of, wait};

const QUERY: &str = "Query";
const PUT: &str = "PutItem";
const DELETE: &str = "DeleteItem";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn ledger(recorded: &Recorded) -> DynamoLedger {
    DynamoLedger::new(&recorded.config(), "ledger", Keep::default())
}

fn pause(scope: &str) -> Pause {
    Pause { scope: scope.into(), by: "ana".into(), why: "deploy".into(), until: at("2026-11-20T05:00:00Z") }
}

fn entry(id: &str, time: &str) -> HistoryEntry {
    HistoryEntry {
        at: at(time),
        plan_id: id.into(),
        decision: "hold".into(),
        reason: "cooldown".into(),
        text: "in cooldown".into(),
        mode: "act".into(),
        outcome: Value::Null,
    }
}

fn line(entry: &HistoryEntry) -> Value {
    json!({ "pk": { "S": "history#pizza/api" }, "entry": { "S": serde_json::to_string(entry).unwrap() } })
}

#[test]
fn a_pause_is_put_under_its_scope_listed_and_given_back_when_it_ends() {
    for (scope, sort_key) in [("all", "all"), ("pizza", "system#pizza"), ("pizza/api", "service#pizza/api")] {
        let put = Recorded::default().json(PUT, json!({}));
        wait(ledger(&put).put_pause(&pause(scope))).unwrap();
        let item = put.asked()[0].json()["Item"].clone();
        assert_eq!((&item["pk"]["S"], &item["sk"]["S"]), (&json!("pause"), &json!(sort_key)));
        assert_eq!(item["expires_at"]["N"], pause(scope).until.as_second().to_string());

        let listed = Recorded::default().json(QUERY, json!({ "Items": [item], "LastEvaluatedKey": { "pk": { "S": "x" } } }));
        let listed = listed.json(QUERY, json!({ "Items": [item] }));
        assert_eq!(wait(ledger(&listed).pauses()).unwrap(), [pause(scope), pause(scope)]);

        let removed = Recorded::default().json(DELETE, json!({ "Attributes": item }));
        assert_eq!(wait(ledger(&removed).remove_pause(scope)).unwrap(), Some(pause(scope)));
        assert_eq!(removed.asked()[0].json()["Key"], json!({ "pk": { "S": "pause" }, "sk": { "S": sort_key } }));
    }
    let none = Recorded::default().json(DELETE, json!({}));
    assert_eq!(wait(ledger(&none).remove_pause("all")).unwrap(), None);
}

#[test]
fn an_override_comes_back_as_it_was_put() {
    let count = |number| TaskCount::new(number).unwrap();
    let bounds = Bounds::new(count(3), count(9)).unwrap();
    let wanted = BoundsOverride { bounds, by: "ana".into(), why: "sale".into(), until: at("2026-11-20T05:00:00Z") };
    let service = key("pizza", "api");
    let put = Recorded::default().json(PUT, json!({}));
    wait(ledger(&put).put_override(&service, &wanted)).unwrap();
    let item = put.asked()[0].json()["Item"].clone();
    let listed = Recorded::default().json(QUERY, json!({ "Items": [item] }));
    assert_eq!(wait(ledger(&listed).overrides()).unwrap(), [(service.clone(), wanted.clone())]);
    let removed = Recorded::default().json(DELETE, json!({ "Attributes": item }));
    assert_eq!(wait(ledger(&removed).remove_override(&service)).unwrap(), Some(wanted));

    let mut upside_down = item;
    upside_down["max"] = json!({ "N": "1" });
    let listed = Recorded::default().json(QUERY, json!({ "Items": [upside_down] }));
    assert_eq!(kind_of(wait(ledger(&listed).overrides())), PortErrorKind::Denied);
}

#[test]
fn the_history_is_read_newest_first_page_by_page_until_there_is_enough() {
    let entries = [entry("c", "2026-11-20T03:12:00Z"), entry("b", "2026-11-20T03:11:00Z"), entry("a", "2026-11-20T03:10:00Z")];
    let recorded = Recorded::default()
        .json(QUERY, json!({ "Items": [line(&entries[0])], "LastEvaluatedKey": { "pk": { "S": "p" }, "sk": { "S": "s" } } }))
        .json(QUERY, json!({ "Items": [line(&entries[1]), line(&entries[2])] }));
    let query = HistoryQuery { since: Some(at("2026-11-20T03:10:00Z")), until: Some(at("2026-11-20T04:00:00Z")), most: Some(2) };
    assert_eq!(wait(ledger(&recorded).history(&key("pizza", "api"), query)).unwrap(), entries[..2]);
    let asked = recorded.asked()[0].json();
    assert_eq!(asked["ScanIndexForward"], false);
    let expected = json!({
        ":pk": { "S": "history#pizza/api" }, ":from": { "S": "2026-11-20T03:10:00.000Z" }, ":to": { "S": "2026-11-20T04:00:00.000Z~" },
    });
    assert_eq!(asked["ExpressionAttributeValues"], expected);
}

#[test]
fn the_history_of_several_services_is_one_sequence() {
    let (old, new) = (entry("old", "2026-11-20T03:10:00Z"), entry("new", "2026-11-20T03:12:00Z"));
    let recorded = Recorded::default().json(QUERY, json!({ "Items": [line(&old)] })).json(QUERY, json!({ "Items": [line(&new)] }));
    let keys = [key("pizza", "api"), key("pizza", "web")];
    let together = wait(ledger(&recorded).history_of_all(&keys, HistoryQuery::default())).unwrap();
    assert_eq!(together, [(keys[1].clone(), new), (keys[0].clone(), old)]);
}

#[test]
fn a_query_that_fails_is_no_empty_history() {
    let gone = Recorded::default().json_error(QUERY, "ResourceNotFoundException", "no table");
    assert_eq!(kind_of(wait(ledger(&gone).history(&key("pizza", "api"), HistoryQuery::default()))), PortErrorKind::NotFound);
}
