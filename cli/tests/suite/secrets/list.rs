//! `secrets`: the table, its states, and what could not be read.

use insta::assert_snapshot;
use nightshift_cli::{Exit, SecretsWish, list_secrets};
use nightshift_core::ledger::Pause;
use nightshift_core::ports::{PortError, PortErrorKind};
use serde_json::Value;

use super::shop::*;
use crate::fakes::{KeptSecret, Rotations, TaskDefinitions, Vault};
use crate::stage::{Played, Stage, wait};

fn play_in(region: &str, vault: &Vault, ledger: &Rotations, tasks: &TaskDefinitions, as_json: bool) -> Played {
    let fleets = fleets();
    let entries = entries(&fleets);
    let wish = SecretsWish { entries: &entries, as_json, region };
    Stage::new().play(|world| wait(list_secrets(vault, ledger, tasks, &wish, world)).unwrap())
}

fn play(vault: &Vault, ledger: &Rotations, tasks: &TaskDefinitions, as_json: bool) -> Played {
    play_in("us-east-1", vault, ledger, tasks, as_json)
}

fn tasks() -> TaskDefinitions {
    TaskDefinitions::reading(&[("api", &["shop/db", "shop/cache"]), ("worker", &["shop/db"])])
}

fn all() -> Vault {
    Vault::of([database(), cache(), jwt(), mail_key(), old()])
}

fn calm() -> Rotations {
    Rotations::of([("shop/db", handed_over("v1", "2026-11-10T00:25:00Z")), ("shop/cache", handed_over("v1", "2026-11-20T17:05:00Z"))])
}

/// The state and the sentence of one secret.
fn state(kept: KeptSecret, ledger: &Rotations) -> (String, String) {
    let name = kept.now.name.clone();
    let played = play(&Vault::of([kept]), ledger, &tasks(), true);
    let rows: Vec<Value> = serde_json::from_str(&played.out).unwrap();
    let row = rows.iter().find(|row| row["secret"] == name.as_str()).unwrap();
    (row["state"].as_str().unwrap().to_owned(), row["why"].as_str().unwrap().to_owned())
}

#[test]
fn a_calm_system() {
    let played = play(&all(), &calm(), &tasks(), false);
    assert_eq!(played.exit, Exit::Fine);
    assert_snapshot!(played.whole());
}

#[test]
fn a_busy_system() {
    let vault = all();
    vault.change("shop/db", |kept| kept.making("v2", "2026-11-20T13:00:00Z"));
    vault.change("shop/jwt", |kept| KeptSecret { setup: None, ..kept });
    vault.change("shop/mail-key", |kept| KeptSecret { made_at: [("v1".to_owned(), at("2026-08-30T12:00:00Z"))].into(), ..kept });
    vault.kept.borrow_mut().remove("shop/old");
    let ledger = Rotations::of([
        ("shop/db", pending("v2", "2026-11-20T13:00:00Z", Some("2026-11-20T13:00:30Z"))),
        ("shop/cache", handing_over("v1", "2026-11-20T17:00:00Z")),
    ]);
    let played = play(&vault, &ledger, &tasks(), false);
    assert_eq!(played.exit, Exit::Problems);
    assert_snapshot!(played.whole());
}

#[test]
fn every_state_has_its_reason() {
    let none = Rotations::default();
    let is = |kept: KeptSecret, ledger: &Rotations, state_word: &str, reason: &str| {
        let (state, why) = state(kept, ledger);
        assert!(state == state_word && why.contains(reason), "{state}: {why}");
    };
    is(database(), &none, "fine", "");
    is(database().making("v2", "2026-11-20T17:30:00Z"), &none, "rotating", "since 2026-11-20 17:30 UTC");
    is(database().making("v2", "2026-11-20T16:59:00Z"), &none, "stuck", "nightshift secrets unstick shop/shop/db");
    // What the ledger remembers counts before when the version was made.
    let known = Rotations::of([("shop/db", pending("v2", "2026-11-20T17:30:00Z", None))]);
    is(database().making("v2", "2026-11-20T10:00:00Z"), &known, "rotating", "17:30");
    let other = Rotations::of([("shop/db", pending("v0", "2026-11-20T17:30:00Z", None))]);
    is(database().making("v2", "2026-11-20T10:00:00Z"), &other, "stuck", "10:00");
    let done = database().labelled("v1", &["AWSCURRENT", "AWSPENDING"]);
    is(done, &none, "fine", "");
    is(database(), &Rotations::of([("shop/db", handing_over("v1", "2026-11-20T17:00:00Z"))]), "handing_over", "told at 2026-11-20 17:00");
    is(database(), &Rotations::of([("shop/db", handing_over("v0", "2026-11-20T17:00:00Z"))]), "fine", "");
    let mut unscheduled = database();
    unscheduled.setup = None;
    is(unscheduled, &none, "not_scheduled", "it should be rotated every 30d; set it with: nightshift secrets sync");
    let weekly = database().scheduled(FUNCTION, "rate(7 days)", None, "2026-12-10T00:00:00Z");
    is(weekly, &none, "not_scheduled", "Secrets Manager has rate(7 days)");
    is(database().scheduled(FUNCTION, "rate(30 days)", None, "2026-11-20T00:00:00Z"), &none, "due", "should have rotated it by 2026-11-20");
    let mut dying = database();
    dying.now.is_deleted = true;
    is(dying, &none, "deleted", "restore it");
    let mut copy = database();
    copy.now.is_replica = true;
    is(copy, &none, "copy", "rotated there");
    let mut empty = database();
    empty.now.versions.clear();
    is(empty, &none, "empty", "store a first one");
}

#[test]
fn a_key_is_due_two_weeks_before_it_is_too_old() {
    let made = |at_time: &str| KeptSecret { made_at: [("v1".to_owned(), at(at_time))].into(), ..mail_key() };
    let none = Rotations::default();
    // 90 days less 14 before 2026-11-20 18:00.
    assert_eq!(state(made("2026-09-05T18:00:01Z"), &none).0, "fine");
    let (word, why) = state(made("2026-09-05T18:00:00Z"), &none);
    assert!(word == "due" && why.contains("by 2026-12-04 18:00 UTC") && why.contains("nightshift secret put shop/shop/mail-key"), "{why}");
}

#[test]
fn with_redis_and_elasticache_it_is_over_when_the_old_password_is_useless() {
    let mut record = handed_over("v1", "2026-11-20T17:05:00Z");
    record.hand_over.as_mut().unwrap().retired_at = None;
    let (word, why) = state(cache(), &Rotations::of([("shop/cache", record.clone())]));
    assert!(word == "handing_over" && why.contains("the old credential still works"), "{why}");
    assert_eq!(state(database(), &Rotations::of([("shop/db", record.clone())])).0, "fine", "there it comes with the next rotation");
    record.last = last("2026-11-20T17:06:00Z", "old_kept", "nobody is known to read it");
    assert_eq!(state(cache(), &Rotations::of([("shop/cache", record)])).0, "fine");
}

#[test]
fn json_has_all_that_is_known() {
    let vault = all();
    vault.change("shop/db", |kept| kept.making("v2", "2026-11-20T13:00:00Z"));
    let played = play(&vault, &calm(), &tasks(), true);
    let rows: Vec<Value> = serde_json::from_str(&played.out).unwrap();
    insta::assert_json_snapshot!(rows.iter().find(|row| row["secret"] == "shop/db").unwrap());
    assert_eq!(rows.len(), 5);
}

#[test]
fn what_is_missing_in_another_region_lives_at_home() {
    let played = play_in("us-west-2", &Vault::default(), &Rotations::default(), &tasks(), false);
    assert_eq!(played.exit, Exit::Fine, "{}", played.err);
    assert!(played.out.contains("shop/shop/db is elsewhere: shop has it in us-east-1"), "{}", played.out);
    let at_home = play(&Vault::default(), &Rotations::default(), &tasks(), false);
    assert_eq!(at_home.exit, Exit::Problems);
    assert!(at_home.out.contains("shop/shop/db is not there"), "{}", at_home.out);
}

#[test]
fn what_cannot_be_read_is_told_and_hides_nothing_else() {
    let vault = all().refusing("describe shop/jwt", PortErrorKind::Throttled).refusing("versions shop/db", PortErrorKind::Denied);
    let mut definitions = tasks();
    definitions.0.insert("worker", Err(PortError::new(PortErrorKind::Denied, "ecs:DescribeServices", "AccessDeniedException: no")));
    let played = play(&vault, &calm(), &definitions, false);
    assert_eq!(played.exit, Exit::Problems);
    assert_snapshot!(played.whole());
}

#[test]
fn a_pause_is_told_beside() {
    let mut ledger = calm();
    let pause = Pause { scope: "shop".into(), by: "ben".into(), why: "load test".into(), until: at("2026-11-20T20:00:00Z") };
    ledger.views.get_mut("shop/db").unwrap().pause = Some(pause);
    let played = play(&all(), &ledger, &tasks(), false);
    assert_eq!(played.exit, Exit::Fine);
    assert_eq!(played.err, "shop is paused by ben until 2026-11-20 20:00 UTC, and no rotation is begun: load test\n");
}

#[test]
fn a_ledger_that_is_not_there_is_an_error() {
    let ledger = Rotations { fails: Some(PortErrorKind::NotFound), ..Rotations::default() };
    let fleets = fleets();
    let entries = entries(&fleets);
    let wish = SecretsWish { entries: &entries, as_json: false, region: "us-east-1" };
    Stage::new().play(|world| {
        assert_eq!(wait(list_secrets(&all(), &ledger, &tasks(), &wish, world)).unwrap_err().kind, PortErrorKind::NotFound);
        Exit::Problems
    });
}
