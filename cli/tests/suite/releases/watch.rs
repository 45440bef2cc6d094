//! `--watch`: a line for each change, until the release ends or waits for people.

use std::time::Duration;

use insta::assert_snapshot;
use nightshift_cli::{Exit, watch_release};
use nightshift_core::ledger::Pause;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::{Book, BookView, LegState, Release, Verdict};

use super::world::*;
use crate::fakes::Releases;
use crate::stage::{Played, Stage, key, wait};

fn play(ledger: &Releases, of: &Release, shown: Option<&Release>) -> Played {
    let key = key(WEB);
    Stage::new().play(|world| wait(watch_release(ledger, &key, &of.id, shown, Duration::ZERO, world)).unwrap())
}

fn rolling() -> Release {
    let mut release = baking();
    release.legs[1].state = LegState::Rolling(moved("web:16", "web:17", "17:50:10"));
    release
}

fn view(book: Book) -> PortResult<BookView> {
    Ok(BookView { book, pause: None })
}

#[test]
fn each_change_is_a_line_and_what_stays_is_none() {
    let mut end = done();
    end.log.push(line("17:58:00", "us-east-1", "done: through the whole path"));
    let looks = [rolling(), rolling(), rolling(), baking(), baking()].map(in_hand).into_iter().chain([all_ended([end])]);
    let ledger = Releases::of(WEB, looks);
    let played = play(&ledger, &done(), Some(&asked()));
    assert_snapshot!(played.whole());
    assert_eq!(ledger.journal.borrow().len(), 6);
}

#[test]
fn it_ends_where_people_are_awaited_and_says_what_to_do() {
    let unasked = || {
        let mut release = asked();
        release.approvals.get_mut("production").unwrap().asked_at = None;
        release
    };
    let ledger = Releases::of(WEB, [in_hand(detected()), in_hand(scanned()), in_hand(unasked()), in_hand(asked())]);
    let played = play(&ledger, &asked(), None);
    assert_eq!(played.exit, Exit::Fine);
    assert_snapshot!(played.whole());
}

#[test]
fn an_answer_that_was_just_given_is_waited_for_and_not_asked_for_again() {
    let looks = [in_hand(asked()), in_hand(asked()), in_hand(rolling()), all_ended([done()])];
    let ledger = Releases::of(WEB, looks);
    let kept = crate::fakes::Kept { answer: Some(answer(Verdict::Approve, "17:59:00", "command line")), wrong: 0 };
    ledger.desk.borrow_mut().insert(format!("{}#production#owner", asked().id), kept);
    let played = play(&ledger, &asked(), Some(&asked()));
    assert_eq!(played.exit, Exit::Fine);
    assert!(played.out.contains("now rolling") && !played.out.contains("answer it"), "{}", played.out);
}

#[test]
fn an_end_that_is_not_done_is_a_problem_for_scripts() {
    let ledger = Releases::of(WEB, [in_hand(rolling()), all_ended([rolled_back()])]);
    let played = play(&ledger, &rolling(), Some(&rolling()));
    assert_eq!(played.exit, Exit::Problems);
    assert!(played.out.ends_with("v1.4.2 (4f5c00000012) rolled back: alarm shop-errors went into ALARM\n"), "{}", played.out);
    let forgotten = play(&Releases::of(WEB, [all_ended([])]), &rolling(), None);
    assert_eq!((forgotten.exit, forgotten.out.as_str()), (Exit::Problems, ""));
    assert!(forgotten.err.contains("does not know release"), "{}", forgotten.err);
}

#[test]
fn its_turn_and_pauses_are_told_once_each() {
    let next = by_hand("ana", "v1.4.3", "17:59:00");
    let waiting = Book { next: Some(next.clone()), ..in_hand(baking()) };
    let pause = Pause { scope: "shop".into(), by: "ben".into(), why: "load test".into(), until: at("20:00:00") };
    let paused = || Ok(BookView { book: waiting.clone(), pause: Some(pause.clone()) });
    let mut ended = next.clone();
    ended.end = Some(end(nightshift_core::release::EndKind::Aborted, "wrong branch", Some("ana"), "18:00:00"));
    let looks = [view(waiting.clone()), paused(), paused(), view(waiting.clone()), view(in_hand(next.clone())), view(all_ended([ended]))];
    assert_snapshot!(play(&Releases::default().and(WEB, looks), &next, None).whole());
}

#[test]
fn a_ledger_that_does_not_answer_for_a_while_is_asked_again_and_one_that_refuses_is_not() {
    let lost = || Err(PortError::new(PortErrorKind::Unavailable, "dynamodb:BatchGetItem", "no answer within the call's time limit"));
    let ledger = Releases::default().and(WEB, [view(in_hand(rolling())), lost(), lost(), view(all_ended([done()]))]);
    let played = play(&ledger, &done(), Some(&rolling()));
    assert_eq!((played.exit, played.err.lines().count()), (Exit::Fine, 1));

    for (error, reads) in [(lost(), 13), (Err(PortError::new(PortErrorKind::Denied, "dynamodb:BatchGetItem", "no")), 1)] {
        let ledger = Releases::default().and(WEB, [error]);
        let key = key(WEB);
        Stage::new().play(|world| {
            wait(watch_release(&ledger, &key, &done().id, None, Duration::ZERO, world)).unwrap_err();
            Exit::Problems
        });
        assert_eq!(ledger.journal.borrow().len(), reads);
    }
}
