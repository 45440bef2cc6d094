//! `secret put`: where the key comes from, which is refused, and what becomes of it.

use insta::assert_snapshot;
use nightshift_cli::{Exit, PutWish, put_secret};
use nightshift_core::ports::{PortError, PortErrorKind};
use serde_json::{Value, json};

use super::shop::*;
use crate::fakes::{KeptSecret, Rotations, Rotator, Vault};
use crate::stage::{NEW_ID, Played, Stage, wait};

const NEW_KEY: &str = "a-new-key-of-november";

pub fn play(stage: &Stage, name: &str, vault: &Vault, rotator: &Rotator<'_>) -> Played {
    let fleets = fleets();
    let entry = entry(&fleets, name);
    let wish = PutWish { entry: &entry, region: "us-east-1", function: "rotate" };
    stage.play(|world| match wait(put_secret(vault, &Rotations::default(), rotator, &wish, world)) {
        Ok(exit) => exit,
        Err(error) => {
            world.complain(format!("error: {error:#}"));
            Exit::Problems
        }
    })
}

pub fn takes_it_up(vault: &Vault) {
    let fresh = |kept: KeptSecret| kept.labelled("v1", &["AWSPREVIOUS"]).labelled(NEW_ID, &["AWSCURRENT", "AWSPENDING"]);
    vault.change("shop/mail-key", fresh);
}

pub fn finished() -> Value {
    json!({
        "decision": "act", "ending": "done", "reason": "handed_over", "text": "every reader is healthy on the current version",
        "steps": ["made the new version current"], "mode": "act", "look_again_at": null, "errors": [],
    })
}

fn vault() -> Vault {
    Vault::of([mail_key(), database()])
}

fn stored(vault: &Vault, version: &str) -> Option<Value> {
    let kept = vault.kept.borrow();
    kept["shop/mail-key"].values.get(version).map(|text| serde_json::from_str(text).unwrap())
}

#[test]
fn a_key_that_is_typed_unseen_is_put_tried_and_taken_up() {
    let vault = vault();
    let rotator = Rotator::answering(&vault, takes_it_up, finished());
    let played = play(&Stage::new().typing_unseen(NEW_KEY), "shop/mail-key", &vault, &rotator);
    assert_eq!(played.exit, Exit::Fine, "{}", played.err);
    assert_snapshot!(played.whole());
    assert_eq!(stored(&vault, NEW_ID), Some(json!({ "key": NEW_KEY, "host": "mail" })), "the other fields stay");
    assert_eq!(vault.changes(), [format!("put shop/mail-key {NEW_ID}")]);
    let input = json!({ "nightshift": "rotation", "asked": true, "system": "shop", "secret": "shop/mail-key" });
    assert_eq!(*rotator.taken.borrow(), [("rotate".to_owned(), input)]);
}

#[test]
fn without_a_terminal_it_is_one_line_of_standard_input() {
    for typed in [NEW_KEY.to_owned(), format!("{NEW_KEY}\n"), format!("{NEW_KEY}\r\n")] {
        let vault = vault();
        let rotator = Rotator::answering(&vault, takes_it_up, finished());
        let played = play(&Stage::new().piping(&typed), "shop/mail-key", &vault, &rotator);
        assert_eq!((played.exit, stored(&vault, NEW_ID).unwrap()["key"].as_str()), (Exit::Fine, Some(NEW_KEY)), "{typed:?}");
    }
}

#[test]
fn what_is_no_new_key_is_refused_and_nothing_changes() {
    let whole = "x".repeat(70_000);
    let mut all = String::new();
    for (what, typed) in [
        ("nothing", ""),
        ("an empty line", "\n"),
        ("blanks", "  \n"),
        ("two lines", "first-line-of-a-key\nsecond-line-of-a-key\n"),
        ("a blank at the end", "a-new-key \n"),
        ("too long", &whole),
        ("the current key", "the-old-key-of-october\n"),
    ] {
        let vault = vault();
        let rotator = Rotator::answering(&vault, |_| {}, json!({}));
        let played = play(&Stage::new().piping(typed), "shop/mail-key", &vault, &rotator);
        assert_eq!((played.exit, vault.changes().len(), rotator.taken.borrow().len()), (Exit::Problems, 0, 0), "{what}");
        all.push_str(&format!("{what}: {}", played.err));
    }
    assert_snapshot!(all);
}

#[test]
fn only_a_secret_that_can_take_one_is_asked_for() {
    let refused = |vault: &Vault, name: &str| {
        let rotator = Rotator::answering(vault, |_| {}, json!({}));
        let played = play(&Stage::new().typing_unseen(NEW_KEY), name, vault, &rotator);
        assert_eq!((played.exit, played.out.as_str()), (Exit::Problems, ""), "{name}");
        assert!(vault.changes().is_empty() && rotator.taken.borrow().is_empty());
        played.err
    };
    let changed = |change: fn(&mut KeptSecret)| {
        let mut kept = mail_key();
        change(&mut kept);
        Vault::of([kept])
    };
    let told = [
        refused(&vault(), "shop/db"),
        refused(&Vault::default(), "shop/mail-key"),
        refused(&Vault::of([mail_key().making("v2", "2026-11-20T17:00:00Z")]), "shop/mail-key"),
        refused(&changed(|kept| kept.now.is_deleted = true), "shop/mail-key"),
        refused(&changed(|kept| kept.now.is_replica = true), "shop/mail-key"),
        refused(&changed(|kept| kept.values.clear()), "shop/mail-key"),
        refused(&changed(|kept| drop(kept.values.insert("v1".into(), "no json".into()))), "shop/mail-key"),
        refused(&vault().refusing("describe", PortErrorKind::Denied), "shop/mail-key"),
        refused(&vault().refusing("value", PortErrorKind::Denied), "shop/mail-key"),
    ];
    assert_snapshot!(told.concat());
}

#[test]
fn another_key_that_came_while_this_one_was_typed_stays() {
    let first = |vault: &Vault| vault.change("shop/mail-key", |kept| kept.making("v7", "2026-11-20T18:00:00Z"));
    let vault = Vault { meanwhile: Some((2, first)), ..vault() };
    let rotator = Rotator::answering(&vault, |_| {}, json!({}));
    let played = play(&Stage::new().typing_unseen(NEW_KEY), "shop/mail-key", &vault, &rotator);
    assert_eq!((played.exit, vault.changes().len()), (Exit::Problems, 0));
    assert!(played.err.contains("on its way already (version v7)") && played.err.contains("secrets unstick"), "{}", played.err);
}

#[test]
fn a_key_that_was_put_is_not_lost_when_the_function_cannot_be_reached() {
    let vault = vault();
    let unreachable = Err(PortError::new(PortErrorKind::Unavailable, "lambda:InvokeFunction", "AWS cannot be reached: connection refused"));
    let rotator = Rotator::failing(&vault, unreachable);
    let played = play(&Stage::new().typing_unseen(NEW_KEY), "shop/mail-key", &vault, &rotator);
    assert_eq!(played.exit, Exit::Problems);
    assert!(stored(&vault, NEW_ID).is_some());
    assert!(played.err.contains("the key is kept all the same") && played.err.contains("secrets unstick"), "{}", played.err);
    let refused = Vault::of([mail_key()]).refusing("put", PortErrorKind::Conflict);
    let rotator = Rotator::answering(&refused, |_| {}, json!({}));
    let played = play(&Stage::new().typing_unseen(NEW_KEY), "shop/mail-key", &refused, &rotator);
    assert!(played.exit == Exit::Problems && rotator.taken.borrow().is_empty(), "{}", played.out);
}

#[test]
fn the_old_key_is_not_to_be_revoked_before_the_readers_have_left_it() {
    let say = |does: fn(&Vault), ending: &str| {
        let vault = vault();
        let rotator =
            Rotator::answering(&vault, does, json!({ "decision": "act", "ending": ending, "reason": "x", "text": "as it ended" }));
        play(&Stage::new().typing_unseen(NEW_KEY), "shop/mail-key", &vault, &rotator)
    };
    let waits = say(|_| {}, "waits");
    assert!(waits.exit == Exit::Fine && waits.out.contains("revoke the old key only when `nightshift secrets shop` says"), "{}", waits.out);
    let given_up = |vault: &Vault| {
        vault.change("shop/mail-key", |mut kept| {
            kept.now.versions.remove(NEW_ID);
            kept
        });
    };
    let stopped = say(given_up, "stopped");
    assert!(stopped.exit == Exit::Problems && !stopped.out.contains("revoke"), "{}", stopped.out);
}
