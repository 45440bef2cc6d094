//! `secrets unstick`: what is explained, what is asked, and what the function is told.

use insta::assert_snapshot;
use nightshift_aws::FunctionAnswer;
use nightshift_cli::{Exit, UnstickWish, unstick_secret};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use serde_json::{Value, json};

use super::shop::*;
use crate::fakes::{KeptSecret, Rotations, Rotator, Vault};
use crate::stage::{Played, Stage, wait};

fn play(stage: &Stage, name: &str, vault: &Vault, ledger: &Rotations, rotator: &Rotator<'_>, is_agreed: bool) -> Played {
    let fleets = fleets();
    let entry = entry(&fleets, name);
    let wish = UnstickWish { entry: &entry, region: "us-east-1", function: "rotate", is_agreed };
    stage.play(|world| match wait(unstick_secret(vault, ledger, rotator, &wish, world)) {
        Ok(exit) => exit,
        Err(error) => {
            world.complain(format!("error: {error:#}"));
            Exit::Problems
        }
    })
}

fn stuck() -> Vault {
    Vault::of([database().making("v2", "2026-11-20T13:00:00Z").valued("v2", r#"{"password":"canary-of-the-database"}"#)])
}

fn remembered() -> Rotations {
    let mut record = pending("v2", "2026-11-20T13:00:00Z", Some("2026-11-20T13:00:30Z"));
    record.last = last("2026-11-20T13:10:00Z", "admin_unusable", "the admin secret cannot be used: password authentication failed");
    Rotations::of([("shop/db", record)])
}

fn finishes(vault: &Vault) {
    vault.change("shop/db", |kept| kept.labelled("v1", &["AWSPREVIOUS"]).labelled("v2", &["AWSCURRENT", "AWSPENDING"]));
}

fn finished() -> Value {
    json!({
        "system": "shop", "secret": "shop/db", "decision": "act", "ending": "done", "reason": "finished", "mode": "act",
        "text": "the new version is current, and its readers are told", "steps": ["made the new version current", "told those who start readers anew"],
        "look_again_at": "2026-11-20T18:02:00Z", "errors": [],
    })
}

#[test]
fn it_explains_asks_has_the_function_go_on_and_tells_what_came_of_it() {
    let vault = stuck();
    let rotator = Rotator::answering(&vault, finishes, finished());
    let played = play(&Stage::new().typing("y\n"), "shop/db", &vault, &remembered(), &rotator, false);
    assert_snapshot!(played.whole());
    assert_eq!(vault.changes(), [] as [String; 0], "it moves no label itself");
    let input = json!({ "nightshift": "rotation", "asked": true, "system": "shop", "secret": "shop/db" });
    assert_eq!(*rotator.taken.borrow(), [("rotate".to_owned(), input)]);
    assert!(!played.whole().contains("canary"));
}

#[test]
fn without_a_yes_nothing_is_done() {
    let (vault, ledger) = (stuck(), remembered());
    let rotator = Rotator::answering(&vault, finishes, finished());
    let refused = play(&Stage::new().typing("n\n"), "shop/db", &vault, &ledger, &rotator, false);
    assert!(refused.exit == Exit::Problems && refused.out.ends_with("[y/N] nothing was done\n"), "{}", refused.out);
    let piped = play(&Stage::new(), "shop/db", &vault, &ledger, &rotator, false);
    assert_eq!((piped.exit, piped.err.as_str()), (Exit::Problems, "nothing was done; run with --yes to have the function go on\n"));
    assert!(rotator.taken.borrow().is_empty());
    let agreed = play(&Stage::new(), "shop/db", &vault, &ledger, &rotator, true);
    assert_eq!((agreed.exit, rotator.taken.borrow().len()), (Exit::Fine, 1));
}

#[test]
fn what_nobody_remembers_and_what_has_no_value_is_said_so() {
    let vault = Vault::of([database().making("v2", "2026-11-20T17:55:00Z")]);
    let rotator = Rotator::answering(&vault, |_| {}, json!({}));
    let played = play(&Stage::new(), "shop/db", &vault, &Rotations::default(), &rotator, false);
    assert_snapshot!(played.out);
    let unread = Vault::of([database().making("v2", "2026-11-20T13:00:00Z")]).refusing("value", PortErrorKind::Denied);
    let played = play(&Stage::new(), "shop/db", &unread, &Rotations::default(), &rotator, false);
    assert!(played.out.contains("whether it has a value may not be read with these credentials"), "{}", played.out);
}

#[test]
fn a_hand_over_that_has_not_ended_is_looked_at_too() {
    let vault = Vault::of([cache()]);
    let ledger = Rotations::of([("shop/cache", handing_over("v1", "2026-11-20T17:00:00Z"))]);
    let waits = json!({
        "decision": "hold", "ending": "waits", "reason": "readers_not_ready", "text": "readers are not yet healthy: api being started anew",
        "steps": [], "mode": "act", "look_again_at": "2026-11-20T18:02:00Z", "errors": [],
    });
    let rotator = Rotator::answering(&vault, |_| {}, waits);
    let played = play(&Stage::new(), "shop/cache", &vault, &ledger, &rotator, true);
    assert_eq!(played.exit, Exit::Fine, "it goes on by itself");
    assert_snapshot!(played.whole());
}

#[test]
fn where_nothing_is_half_done_nobody_is_called() {
    let vault = Vault::of([database(), mail_key()]);
    let rotator = Rotator::answering(&vault, |_| {}, json!({}));
    let ledger = Rotations::of([("shop/db", handed_over("v1", "2026-11-10T00:25:00Z"))]);
    let played = play(&Stage::new(), "shop/db", &vault, &ledger, &rotator, true);
    let said = "nothing of shop/shop/db is half done: no version is being made, and no hand-over is under way\n";
    assert_eq!((played.exit, played.out.as_str()), (Exit::Fine, said));
    let missing = play(&Stage::new(), "shop/jwt", &vault, &ledger, &rotator, true);
    assert!(missing.exit == Exit::Problems && missing.err.starts_with("shop/shop/jwt is not there: "), "{}", missing.err);
    let mut copy = old();
    copy.now.is_replica = true;
    let copied = play(&Stage::new(), "shop/old", &Vault::of([copy]), &ledger, &rotator, true);
    assert!(copied.exit == Exit::Problems && copied.err.contains("is copy: "), "{}", copied.err);
    assert!(rotator.taken.borrow().is_empty());
}

#[test]
fn what_the_function_stops_at_or_fails_with_is_a_problem() {
    let play = |answer: PortResult<FunctionAnswer>| {
        let vault = stuck();
        let rotator = Rotator::failing(&vault, answer);
        play(&Stage::new(), "shop/db", &vault, &remembered(), &rotator, true)
    };
    let stopped = json!({
        "decision": "hold", "ending": "stopped", "reason": "observe", "text": "the mode is observe", "steps": [], "mode": "observe",
        "look_again_at": null, "errors": [{ "kind": "denied", "operation": "sns:Publish", "message": "no" }],
    });
    let answers = [
        Ok(FunctionAnswer::Returned(stopped)),
        Ok(FunctionAnswer::Returned(json!({ "decision": "hold", "reason": "secret_unknown", "text": "no fleet file has the secret" }))),
        Ok(FunctionAnswer::Returned(json!([1]))),
        Ok(FunctionAnswer::Failed { code: "Nightshift.fleet_invalid".into(), message: "no such field".into() }),
        Ok(FunctionAnswer::Failed { code: String::new(), message: "Task timed out after 60.00 seconds".into() }),
        Err(PortError::new(PortErrorKind::NotFound, "lambda:InvokeFunction", "ResourceNotFoundException: Function not found")),
        Err(PortError::new(PortErrorKind::Unavailable, "lambda:InvokeFunction", "no answer within the call's time limit")),
    ];
    let mut all = String::new();
    for answer in answers {
        let played = play(answer);
        assert_eq!(played.exit, Exit::Problems, "{}", played.out);
        let said = played.out.split_once("\n\n").map_or("", |(_, said)| said);
        all.push_str(&format!("{said}{}\n", played.err));
    }
    assert_snapshot!(all);
}

#[test]
fn a_ledger_that_cannot_be_read_stops_it() {
    let vault = stuck();
    let rotator = Rotator::answering(&vault, |_| {}, json!({}));
    let ledger = Rotations { fails: Some(PortErrorKind::Throttled), ..Rotations::default() };
    let played = play(&Stage::new(), "shop/db", &vault, &ledger, &rotator, true);
    assert!(played.exit == Exit::Problems && rotator.taken.borrow().is_empty(), "{}", played.out);
}

#[test]
fn every_kind_says_what_the_function_will_do() {
    let mut all = String::new();
    for kept in [database(), cache(), jwt(), mail_key(), old()] {
        let name = kept.now.name.clone();
        let vault = Vault::of([KeptSecret { ..kept.making("v2", "2026-11-20T13:00:00Z") }]);
        let rotator = Rotator::answering(&vault, |_| {}, json!({}));
        let played = play(&Stage::new(), &name, &vault, &Rotations::default(), &rotator, false);
        all.push_str(&format!("{}\n", played.out.lines().filter(|line| line.starts_with("  The function")).collect::<String>()));
    }
    assert_snapshot!(all);
}
