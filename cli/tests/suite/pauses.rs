//! Pauses and overrides on a fake ledger: what is written and what people read.

use insta::assert_snapshot;
use nightshift_cli::{Exit, Scope, clear_override, override_bounds, pause, pauses, resume};
use nightshift_core::fleet::{Bounds, TaskCount};
use nightshift_core::ledger::{BoundsOverride, Pause};

use crate::fakes::Book;
use crate::stage::{Played, Stage, good_fleets, key, wait};

fn of(scope: &str, until: &str) -> Pause {
    Pause { scope: scope.to_owned(), by: "ana".to_owned(), why: "load test".to_owned(), until: until.parse().unwrap() }
}

fn set_by_hand(until: &str) -> BoundsOverride {
    let bounds = Bounds::new(TaskCount::new(6).unwrap(), TaskCount::new(20).unwrap()).unwrap();
    BoundsOverride { bounds, by: "ben".to_owned(), why: "launch".to_owned(), until: until.parse().unwrap() }
}

fn resumed(book: &Book, scope: &str) -> Played {
    Stage::new().play(|world| wait(resume(book, &scope.parse::<Scope>().unwrap(), world)).unwrap())
}

#[test]
fn a_pause_is_written_and_told_in_utc_and_on_the_readers_clock() {
    let book = Book::default();
    let stage = Stage::new().in_zone("Asia/Tokyo");
    let played = stage.play(|world| wait(pause(&book, &of("shop/api", "2026-11-20T20:00:00Z"), world)).unwrap());
    assert_eq!(*book.pauses.borrow(), [of("shop/api", "2026-11-20T20:00:00Z")]);
    assert_snapshot!(played.whole());
}

#[test]
fn a_second_pause_of_the_same_scope_takes_the_place_of_the_first() {
    let book = Book::default();
    for until in ["2026-11-20T20:00:00Z", "2026-11-20T19:00:00Z"] {
        Stage::new().play(|world| wait(pause(&book, &of("shop", until), world)).unwrap());
    }
    assert_eq!(*book.pauses.borrow(), [of("shop", "2026-11-20T19:00:00Z")]);
}

#[test]
fn resuming_says_whether_something_else_still_stops_it() {
    let later = "2026-11-20T20:00:00Z";
    let over = "2026-11-20T17:00:00Z";
    let plays = [
        ("shop/api", vec![of("shop/api", later)]),
        ("shop/api", vec![]),
        ("shop/api", vec![of("shop/api", over), of("shop", over)]),
        ("shop/api", vec![of("shop/api", later), of("all", later)]),
        ("shop/api", vec![of("shop", later)]),
        ("shop/api", vec![of("shop/worker", later), of("web", later)]),
        ("shop", vec![of("shop", later), of("shop/api", later)]),
        ("all", vec![of("all", later), of("web", later)]),
    ];
    let mut all = String::new();
    for (scope, held) in plays {
        let before: Vec<String> = held.iter().map(|pause| format!("{} until {}", pause.scope, pause.until.strftime("%H:%M"))).collect();
        let book = Book { pauses: held.into(), ..Book::default() };
        let played = resumed(&book, scope);
        assert!(!book.pauses.borrow().iter().any(|pause| pause.scope == scope));
        all.push_str(&format!("[{}] resume {scope}\n{}\n", before.join(", "), played.whole()));
    }
    assert_snapshot!(all);
}

#[test]
fn the_list_shows_what_holds_and_nothing_that_is_over() {
    let held = vec![of("shop/api", "2026-11-20T20:00:00Z"), of("all", "2026-11-20T18:00:00Z"), of("shop", "2026-11-21T02:00:00Z")];
    let overrides = vec![(key("shop/api"), set_by_hand("2026-11-20T22:00:00Z")), (key("web/front"), set_by_hand("2026-11-20T10:00:00Z"))];
    let book = Book { pauses: held.into(), overrides: overrides.into(), ..Book::default() };
    let stage = Stage::new().in_zone("Europe/Berlin");
    assert_snapshot!(stage.play(|world| wait(pauses(&book, false, world)).unwrap()).whole());
    let json = stage.play(|world| wait(pauses(&book, true, world)).unwrap()).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((json["pauses"].as_array().unwrap().len(), json["overrides"].as_array().unwrap().len()), (2, 1));
    assert_eq!(json["pauses"][0]["scope"], "shop");

    let nothing = stage.play(|world| wait(pauses(&Book::default(), false, world)).unwrap());
    assert_eq!((nothing.exit, nothing.out.as_str()), (Exit::Fine, "nothing is paused\n"));
}

#[test]
fn bounds_are_set_and_taken_away() {
    let (book, service) = (Book::default(), key("shop/api"));
    let set = Stage::new().play(|world| wait(override_bounds(&book, &service, &set_by_hand("2026-11-20T22:00:00Z"), world)).unwrap());
    assert_eq!(book.overrides.borrow().len(), 1);
    let cleared = Stage::new().play(|world| wait(clear_override(&book, &service, world)).unwrap());
    assert!(book.overrides.borrow().is_empty());
    let again = Stage::new().play(|world| wait(clear_override(&book, &service, world)).unwrap());
    assert_snapshot!([set.whole(), cleared.whole(), again.whole()].join("\n"));
}

#[test]
fn a_ledger_that_is_gone_is_an_error_and_not_an_empty_one() {
    let book = Book { is_gone: true, ..Book::default() };
    Stage::new().play(|world| {
        assert!(wait(pauses(&book, false, world)).is_err());
        assert!(wait(pause(&book, &of("all", "2026-11-20T20:00:00Z"), world)).is_err());
        assert!(wait(resume(&book, &Scope::All, world)).is_err());
        Exit::Fine
    });
}

#[test]
fn a_scope_that_no_fleet_file_names_is_refused_with_the_nearest_one() {
    let check = |scope: &str| scope.parse::<Scope>().unwrap().check(&good_fleets());
    for known in ["all", "shop", "shop/api", "web/front"] {
        assert_eq!(check(known), Ok(()), "{known}");
    }
    assert_eq!(check("shpo").unwrap_err(), "no fleet file names the system shpo; did you mean shop?");
    assert_eq!(check("shop/apis").unwrap_err(), "no fleet file names the service shop/apis; did you mean shop/api?");
    assert_eq!(check("qqqqq").unwrap_err(), "no fleet file names the system qqqqq; they name shop, web");
}

#[test]
fn the_whole_command_refuses_an_unknown_scope_before_it_asks_aws() {
    let stage = Stage::new().with("USER", "ana").with("NIGHTSHIFT_TABLE", "ledger");
    for line in ["pause shop/apis --why x", "resume shop/apis", "override shop/apis --clear"] {
        let played = stage.run(&format!("{line} --fleet tests/fleets/good"));
        assert_eq!(played.exit, Exit::WrongUsage, "{line}");
        assert_eq!(played.err, "error: no fleet file names the service shop/apis; did you mean shop/api?\n");
    }
}

#[test]
fn the_scope_is_written_as_the_ledger_reads_it() {
    for scope in ["all", "shop", "shop/api"] {
        assert_eq!(scope.parse::<Scope>().unwrap().to_string(), scope);
    }
}
