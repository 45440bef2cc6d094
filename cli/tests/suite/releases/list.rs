//! `release list`.

use insta::assert_snapshot;
use nightshift_cli::{Exit, ListWish, list_releases};
use nightshift_core::fleet::Seconds;
use nightshift_core::ledger::{Pause, ServiceKey};
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::release::{BookView, EndKind, Rotated};

use super::world::*;
use crate::fakes::Releases;
use crate::stage::{Played, Stage, key, wait};

fn keys() -> Vec<ServiceKey> {
    ["shop/web", "shop/worker", "web/front"].map(key).into()
}

fn play(ledger: &Releases, since: u32, as_json: bool) -> Played {
    let keys = keys();
    let wish = ListWish { keys: &keys, since: Seconds::new(since), as_json, region: "us-east-1" };
    Stage::new().play(|world| wait(list_releases(ledger, &wish, world)).unwrap())
}

/// One in hand, one waiting, three ended (one long ago), and rotated secrets.
fn busy() -> Releases {
    let mut book = in_hand(baking());
    book.next = Some(by_hand("ana", "v1.4.3", "17:59:00"));
    let mut refused = detected();
    refused.end = Some(end(EndKind::Refused, "the scan found 1 critical (at most 0): CVE-2026-1", None, "15:00:00"));
    let mut old = done();
    old.end = Some(end(EndKind::Done, "through the whole path", None, "02:00:00"));
    book.ended = vec![rolled_back(), refused, old];
    let rotated = Rotated { secrets: ["shop/db".to_owned()].into(), targets: [].into(), since: at("17:58:30"), last: at("17:59:00") };
    let worker = nightshift_core::release::Book { version: 1, rotated: Some(rotated), ..Default::default() };
    let pause = Pause { scope: "web".into(), by: "ben".into(), why: "load test".into(), until: at("20:00:00") };
    let front = BookView { book: all_ended([]), pause: Some(pause) };
    Releases::of(WEB, [book]).and("shop/worker", [Ok(BookView { book: worker, pause: None })]).and("web/front", [Ok(front)])
}

#[test]
fn what_is_in_hand_what_waits_and_what_ended_lately() {
    assert_snapshot!(play(&busy(), 6 * 3_600, false).whole());
}

#[test]
fn since_lets_in_what_ended_longer_ago() {
    assert_eq!(play(&busy(), 6 * 3_600, false).out.lines().count(), 6);
    assert_eq!(play(&busy(), 24 * 3_600, false).out.lines().count(), 7);
}

#[test]
fn json_has_the_whole_of_each() {
    let listed: serde_json::Value = serde_json::from_str(&play(&busy(), 6 * 3_600, true).out).unwrap();
    let rows = listed.as_array().unwrap();
    let states: Vec<(&str, &str)> = rows.iter().map(|row| (row["place"].as_str().unwrap(), row["state"].as_str().unwrap())).collect();
    let wanted = [
        ("in_hand", "baking"),
        ("waiting", "waiting_for_its_turn"),
        ("ended", "rolled_back"),
        ("ended", "refused"),
        ("settling", "waiting_for_more_rotations"),
    ];
    assert_eq!(states, wanted);
    assert_eq!(rows[0]["release"], serde_json::to_value(baking()).unwrap());
}

#[test]
fn where_there_is_nothing_it_says_where_else_to_look() {
    let played = play(&Releases::default(), 600, false);
    assert_eq!((played.exit, played.out.as_str()), (Exit::Fine, ""));
    let told = "no release is in hand, and none has ended in the last 10m, in us-east-1; look further back with --since 30d, or elsewhere with --region\n";
    assert_eq!(played.err, told);
    assert_eq!(play(&Releases::default(), 600, true).out, "[]\n");
}

#[test]
fn a_book_that_cannot_be_read_is_no_empty_book_and_hides_no_other() {
    let broken = PortError::new(PortErrorKind::Throttled, "dynamodb:BatchGetItem", "ThrottlingException: Rate exceeded");
    let played = play(&busy().and("shop/worker", [Err(broken)]), 600, false);
    assert_eq!(played.exit, Exit::Problems);
    assert!(played.out.contains("baking"), "{}", played.out);
    assert!(played.err.contains("shop/worker could not be read: dynamodb:BatchGetItem: throttled"), "{}", played.err);
}

#[test]
fn a_ledger_that_is_not_there_is_an_error() {
    let gone = PortError::new(PortErrorKind::NotFound, "dynamodb:BatchGetItem", "ResourceNotFoundException");
    let ledger = Releases::default().and(WEB, [Err(gone)]);
    let keys = keys();
    let wish = ListWish { keys: &keys, since: Seconds::new(600), as_json: false, region: "us-east-1" };
    Stage::new().play(|world| {
        assert_eq!(wait(list_releases(&ledger, &wish, world)).unwrap_err().kind, PortErrorKind::NotFound);
        Exit::Problems
    });
}
