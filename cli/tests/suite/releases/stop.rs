//! `release abort` and `release rollback`: which release is meant, what the function is told, what became of it.

use insta::assert_snapshot;
use nightshift_cli::{Exit, StopWish, stop_release};
use nightshift_core::ports::PortErrorKind;
use nightshift_core::release::{Book, EndKind, LegState, Release, Scope, StopHow, Unwind};
use nightshift_core::signal::{ReleaseCommand, ReleaseVerb, Signal, parse};
use serde_json::json;

use super::world::*;
use crate::fakes::{Function, Releases};
use crate::stage::{Played, Stage, key, now, wait};

fn play(ledger: &Releases, function: &Function, how: StopHow, named: Option<&str>) -> Played {
    let key = key(WEB);
    let wish = StopWish { key: &key, named, how, by: "ana", why: "orders fail", function: "deploy" };
    Stage::new().play(|world| match wait(stop_release(function, ledger, &wish, world)) {
        Ok(exit) => exit,
        Err(error) => {
            world.complain(format!("error: {error:#}"));
            Exit::Problems
        }
    })
}

fn heeded() -> Function {
    Function::answering(
        json!({ "system": "shop", "service": "web", "decision": "act", "reason": "rolling_back", "text": "going back", "mode": "act" }),
    )
}

fn told(function: &Function) -> ReleaseCommand {
    let taken = function.taken.borrow();
    let [(_, input)] = taken.as_slice() else { panic!("{taken:?}") };
    match parse(input).records.remove(0).result {
        Ok(Signal::Release(command)) => command,
        other => panic!("{other:?}"),
    }
}

fn unwound(mut release: Release, scope: Scope) -> Release {
    release.end = None;
    release.unwind = Some(Unwind { why: "orders fail".into(), by: Some("ana".into()), at: now(), scope });
    release
}

fn older() -> Release {
    let mut older = done();
    older.id = nightshift_core::release::ReleaseId::from_text("20261118t090000z-0a1b2c3d4e5f");
    older
}

#[test]
fn an_abort_names_the_release_that_was_in_hand_when_it_was_typed() {
    let ledger = Releases::of(WEB, [in_hand(baking()), in_hand(unwound(baking(), Scope::Unfinished))]);
    let function = heeded();
    assert_snapshot!(play(&ledger, &function, StopHow::Abort, None).whole());
    let command = told(&function);
    assert_eq!((command.by.as_str(), command.at), ("ana", Some(now())));
    assert_eq!(command.verb, ReleaseVerb::Abort { release: Some(baking().id.to_string()), why: "orders fail".into() });
}

#[test]
fn a_waiting_release_that_ends_at_once_is_told_as_ended() {
    let mut ended = asked();
    ended.end = Some(end(EndKind::Aborted, "orders fail", Some("ana"), "18:00:00"));
    let ledger = Releases::of(WEB, [in_hand(asked()), all_ended([ended])]);
    assert_snapshot!(play(&ledger, &heeded(), StopHow::Abort, Some("v1.4.2")).whole());
}

#[test]
fn a_roll_back_names_the_last_release_that_changed_something() {
    let (mut refused, back) = (detected(), unwound(done(), Scope::Everything));
    refused.id = nightshift_core::release::ReleaseId::from_text("20261120t170000z-aaaaaaaaaaaa");
    refused.end = Some(end(EndKind::Refused, "the scan found 1 critical", None, "17:03:00"));
    let book = all_ended([refused.clone(), done(), older()]);
    let ledger = Releases::of(WEB, [book, Book { active: Some(back), ..all_ended([refused, older()]) }]);
    let function = heeded();
    assert_snapshot!(play(&ledger, &function, StopHow::RollBack, None).whole());
    assert_eq!(told(&function).verb, ReleaseVerb::Rollback { release: Some(done().id.to_string()), why: "orders fail".into() });
}

/// What has gone back has nothing more to go back: a second command would undo the release before it.
#[test]
fn a_roll_back_typed_twice_undoes_no_second_release_unless_it_is_named() {
    let book = all_ended([rolled_back_everywhere(), older()]);
    let (unnamed, named, gone) = (heeded(), heeded(), heeded());
    let played = play(&Releases::of(WEB, [book.clone()]), &unnamed, StopHow::RollBack, None);
    assert!(unnamed.taken.borrow().is_empty() && played.err.contains("has gone back already; to undo the one before it"), "{}", played.err);
    play(&Releases::of(WEB, [book.clone()]), &named, StopHow::RollBack, Some("20261118t0900"));
    assert_eq!(told(&named).verb, ReleaseVerb::Rollback { release: Some(older().id.to_string()), why: "orders fail".into() });
    let played = play(&Releases::of(WEB, [book]), &gone, StopHow::RollBack, Some(done().id.as_str()));
    assert!(gone.taken.borrow().is_empty() && played.err.contains("only the last release that changed something"), "{}", played.err);
}

fn rolled_back_everywhere() -> Release {
    let mut release = done();
    for (leg, from) in release.legs.iter_mut().zip(["web-staging:42", "web:17", "web:9"]) {
        leg.state = LegState::RolledBack { moved: moved(from, "before:1", "17:59:00"), at: now(), why: "orders fail".into() };
    }
    release.unwind = Some(Unwind { why: "orders fail".into(), by: Some("ana".into()), at: now(), scope: Scope::Everything });
    release.end = Some(end(EndKind::RolledBack, "orders fail", Some("ana"), "18:00:00"));
    release
}

#[test]
fn what_cannot_be_stopped_is_refused_before_the_function_is_called() {
    let nothing_changed = {
        let mut refused = detected();
        refused.end = Some(end(EndKind::Refused, "the scan found 1 critical", None, "17:03:00"));
        all_ended([refused])
    };
    let busy = Book { active: Some(by_hand("ana", "v1.4.3", "17:59:00")), ..all_ended([done()]) };
    let plays = [
        ("abort, none in hand", StopHow::Abort, None, all_ended([done()])),
        ("abort one that has ended", StopHow::Abort, Some("v1.4.2"), all_ended([done()])),
        ("abort an unknown one", StopHow::Abort, Some("v7"), all_ended([done()])),
        ("roll back, nothing known", StopHow::RollBack, None, Book::default()),
        ("roll back, nothing changed", StopHow::RollBack, None, nothing_changed),
        ("roll back an older one", StopHow::RollBack, Some("20261118"), all_ended([done(), older()])),
        ("roll back while another is in hand", StopHow::RollBack, Some("v1.4.2"), busy),
    ];
    let mut all = String::new();
    for (what, how, named, book) in plays {
        let function = heeded();
        let played = play(&Releases::of(WEB, [book]), &function, how, named);
        assert_eq!((played.exit, played.out.as_str()), (Exit::Problems, ""), "{what}");
        assert!(function.taken.borrow().is_empty(), "{what}");
        all.push_str(&format!("{what}: {}", played.err));
    }
    assert_snapshot!(all);
}

#[test]
fn a_command_that_changed_nothing_is_a_problem() {
    let deaf = Function::answering(json!({ "decision": "hold", "reason": "not_stoppable", "text": "it cannot be stopped any more" }));
    let played = play(&Releases::of(WEB, [in_hand(baking())]), &deaf, StopHow::Abort, None);
    assert_eq!(played.exit, Exit::Problems);
    assert_eq!(played.out, "hold (not_stoppable): it cannot be stopped any more\n");
    assert_eq!(played.err, "nothing is changed; see what there is with: nightshift release list shop/web\n");
    // Going back already, but not as far as was asked for.
    let half = in_hand(unwound(baking(), Scope::Unfinished));
    assert_eq!(play(&Releases::of(WEB, [half]), &heeded(), StopHow::RollBack, None).exit, Exit::Problems);
}

#[test]
fn a_ledger_that_cannot_be_read_is_no_empty_one() {
    for kind in [PortErrorKind::NotFound, PortErrorKind::Unavailable] {
        let ledger = Releases::of(WEB, [in_hand(baking())]).refusing("read", kind);
        let function = heeded();
        let played = play(&ledger, &function, StopHow::Abort, None);
        assert!(played.err.contains("as the test wishes") && function.taken.borrow().is_empty(), "{}", played.err);
    }
}
