//! `history` on a fake ledger: lines, details, JSON, and what an older version stored.

use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use nightshift_cli::{Exit, Shown, Wish, history};
use nightshift_core::fleet::Seconds;
use nightshift_core::ledger::HistoryEntry;
use nightshift_core::outcome::{Mode, StepResult};
use nightshift_core::ports::{PortError, PortErrorKind};
use serde_json::json;

use crate::fakes::{Book, Looked};
use crate::plan::recorded;
use crate::stage::{Played, Stage, key, now, wait};

fn minutes_ago(minutes: i64, entry: HistoryEntry) -> HistoryEntry {
    let at: Timestamp = now().checked_sub(SignedDuration::from_mins(minutes)).unwrap();
    HistoryEntry { at, ..entry }
}

fn some_history() -> Book {
    let busy = Looked { in_alarm: vec!["nightshift-shop-api-busy"], value: 90.0, ..Looked::quiet() };
    let error = PortError::new(PortErrorKind::Denied, "ecs:UpdateService", "AccessDenied: not authorized");
    let old = HistoryEntry {
        at: now(),
        plan_id: "0000000000000000".to_owned(),
        decision: "hold".to_owned(),
        reason: "quiet".to_owned(),
        text: "nothing done: as an older version wrote it".to_owned(),
        mode: "act".to_owned(),
        outcome: json!({ "steps": "other" }),
    };
    let entries = vec![
        minutes_ago(1, recorded(&Looked { desired: 10, ..busy.clone() }, Mode::Act, StepResult::Done)),
        minutes_ago(2, recorded(&busy, Mode::Observe, StepResult::WouldHaveDone)),
        minutes_ago(3, recorded(&busy, Mode::Act, StepResult::Failed { error })),
        minutes_ago(4, recorded(&busy, Mode::Act, StepResult::Done)),
        minutes_ago(90, old),
    ];
    Book { entries, ..Book::default() }
}

fn play(since: u32, limit: u32, shown: Shown) -> Played {
    let (book, key) = (some_history(), key("shop/api"));
    let wish = Wish { key: &key, since: Seconds::new(since), limit, shown };
    Stage::new().play(|world| wait(history(&book, &wish, world)).unwrap())
}

#[test]
fn a_line_each_newest_first() {
    let played = play(86_400, 50, Shown::Lines);
    assert_eq!(played.exit, Exit::Fine);
    assert_snapshot!(played.whole());
}

#[test]
fn why_shows_what_is_behind_each() {
    assert_snapshot!(play(86_400, 50, Shown::Why).whole());
}

#[test]
fn since_and_limit_hold_and_are_told() {
    assert_eq!(play(3_600, 50, Shown::Lines).out.lines().count(), 4);
    let two = play(3_600, 2, Shown::Lines);
    assert_eq!((two.out.lines().count(), two.err.as_str()), (2, "2 entries are shown; see more with --limit\n"));
    let none = play(10, 50, Shown::Lines);
    assert_eq!((none.exit, none.out.as_str()), (Exit::Fine, ""));
    assert_eq!(none.err, "nothing is recorded of shop/api in the last 10s; look further back with --since 7d, or check the name\n");
}

#[test]
fn json_is_what_was_stored_with_its_observation() {
    let played = play(3_600, 50, Shown::Json);
    let entries: Vec<HistoryEntry> = played.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries, some_history().entries[..4]);
    assert!(entries[0].outcome.pointer("/observation/target/Ok").is_some());
}
