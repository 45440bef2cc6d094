//! `deploy`: what the function is told and what is said of its answer.

use insta::assert_snapshot;
use nightshift_aws::FunctionAnswer;
use nightshift_cli::{Exit, Sent, send};
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::{Book, EndKind};
use nightshift_core::signal::{ReleaseVerb, Signal, parse};
use serde_json::{Value, json};

use super::world::*;
use crate::fakes::{Function, Releases};
use crate::stage::{Played, Stage, key, now, wait};

fn verb() -> ReleaseVerb {
    ReleaseVerb::Deploy { image: "v1.4.3".into(), accepts_drift: true, only_here: false }
}

fn play(ledger: &Releases, function: &Function) -> Played {
    let (key, verb) = (key(WEB), verb());
    let sent = Sent { key: &key, by: "ana", verb: &verb, function: "deploy" };
    Stage::new().play(|world| match wait(send(function, ledger, &sent, world)) {
        Ok((exit, release)) => {
            assert!(exit != Exit::Fine || release.is_some());
            exit
        }
        Err(error) => {
            world.complain(format!("error: {error:#}"));
            Exit::Problems
        }
    })
}

fn begun() -> Book {
    in_hand(by_hand("ana", "v1.4.3", "18:00:00"))
}

fn answer() -> Value {
    json!({ "system": "shop", "service": "web", "decision": "act", "reason": "waiting_for_scan", "text": "v1.4.3 begins; waiting for the image's scan", "mode": "act" })
}

#[test]
fn the_function_is_told_when_it_was_typed_so_that_twice_is_once() {
    let function = Function::answering(answer());
    assert_snapshot!(play(&Releases::of(WEB, [begun()]), &function).whole());
    let taken = function.taken.borrow();
    let [(name, input)] = taken.as_slice() else { panic!("{taken:?}") };
    let Ok(Signal::Release(command)) = parse(input).records.remove(0).result else { panic!("{input}") };
    assert_eq!((name.as_str(), command.system.as_str(), command.service.as_str()), ("deploy", "shop", "web"));
    assert_eq!((command.by.as_str(), command.at, command.verb), ("ana", Some(now()), verb()));
}

#[test]
fn whatever_the_answer_looks_like_the_ledger_says_whether_a_release_was_begun() {
    let mut waits = in_hand(baking());
    waits.next = Some(by_hand("ana", "v1.4.3", "18:00:00"));
    let mut refused = by_hand("ana", "v1.4.3", "18:00:00");
    refused.end = Some(end(EndKind::Refused, "secret shop/db: there is no such secret", None, "18:00:00"));
    let several = json!({ "decision": "hold", "outcomes": [
        { "system": "shop", "service": "worker", "decision": "hold", "reason": "quiet", "text": "not this one" },
        { "system": "shop", "service": "web", "decision": "act", "reason": "another_in_hand", "text": "release x is in hand; this one waits for its end" },
    ] });
    let mut observing = answer();
    observing["mode"] = json!("observe");
    let no_image =
        json!({ "decision": "hold", "reason": "no_such_image", "text": "there is no image v1.4.3 in the repository", "mode": "act" });
    let plays = [
        ("waits", waits, several, Exit::Fine),
        ("refused at once", all_ended([refused]), answer(), Exit::Problems),
        ("observing", begun(), observing, Exit::Fine),
        ("no such image", in_hand(baking()), no_image, Exit::Problems),
        ("somebody else's at the same second", in_hand(by_hand("ben", "v1.4.3", "18:00:00")), answer(), Exit::Problems),
        ("an earlier one of the same person", in_hand(by_hand("ana", "v1.4.3", "17:00:00")), answer(), Exit::Problems),
        ("an answer without any words", begun(), json!({ "ok": true }), Exit::Fine),
    ];
    let mut all = String::new();
    for (what, book, answer, exit) in plays {
        let played = play(&Releases::of(WEB, [book]), &Function::answering(answer));
        assert_eq!(played.exit, exit, "{what}: {}{}", played.out, played.err);
        all.push_str(&format!("{what}: {}\n", played.whole()));
    }
    assert_snapshot!(all);
}

#[test]
fn a_function_that_cannot_be_called_or_fails_is_told_with_what_to_do() {
    let failed: PortResult<FunctionAnswer> =
        Ok(FunctionAnswer::Failed { code: "Nightshift.fleet_invalid".into(), message: "systems/shop.yaml:3:1: no such field".into() });
    let functions = [
        Function::failing(PortErrorKind::NotFound, "ResourceNotFoundException: Function not found: deploy"),
        Function::failing(PortErrorKind::Denied, "AccessDeniedException: not authorized to perform lambda:InvokeFunction"),
        Function::failing(PortErrorKind::Unavailable, "no answer within the call's time limit"),
        Function::failing(PortErrorKind::Throttled, "TooManyRequestsException: Rate Exceeded"),
        Function { answer: failed, taken: Default::default() },
    ];
    let mut all = String::new();
    for function in functions {
        let played = play(&Releases::of(WEB, [begun()]), &function);
        assert_eq!((played.exit, played.out.as_str()), (Exit::Problems, ""));
        all.push_str(&played.err);
    }
    assert_snapshot!(all);
}

#[test]
fn a_ledger_that_cannot_be_read_afterwards_does_not_unsay_the_answer() {
    let ledger = Releases::default().refusing("read", PortErrorKind::Denied);
    let played = play(&ledger, &Function::answering(answer()));
    assert_eq!(played.exit, Exit::Problems);
    assert!(played.out.contains("v1.4.3 begins") && played.err.contains("what the ledger says now could not be read"), "{}", played.err);
}
