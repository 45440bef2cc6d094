//! Releases in words, rule by rule: names, questions, what comes next, notices, and what came of a look.

use nightshift_core::fleet::{ApprovalRule, Approver, ApproverName};
use nightshift_core::ledger::Lease;
use nightshift_core::notice::Severity;
use nightshift_core::outcome::Mode;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::release::{
    Answer, Approval, End, ImageRef, Note, Progress, ReleaseNotice, ReleaseOutcome, Scope, Shown, StepOutcome, StepResult, Unwind, Verdict,
    repository_of,
};

use super::*;
use crate::release_world::WEST;

const AGREES: Verdict = Verdict::Approve;

fn name(text: &str) -> ApproverName {
    text.to_owned().try_into().unwrap()
}

/// Ann, Bob and Cid are asked about production; started by hand by somebody, or by a push.
fn asking(needed: u32, starter: Option<&str>, answers: &[(&str, Verdict)]) -> Release {
    let by = ["ann", "bob", "cid"].map(|person| Approver { name: name(person), topic: None }).into();
    let rule = ApprovalRule { by, needed, expires: Seconds::new(86_400) };
    let answer = |(who, verdict): &(&str, Verdict)| (name(who), Answer { verdict: *verdict, at: ago(5), via: "page".into() });
    let answers = answers.iter().map(answer).collect();
    let (asked_at, expires_at) = (Some(ago(30)), now() + minutes(300));
    let approval = Approval { rule, asked_at, expires_at, running: None, answers, granted_at: None };
    let mut asking = release(vec![leg("production", 0, EAST, LegState::Waiting)]);
    asking.approvals = [("production".to_owned().try_into().unwrap(), approval)].into();
    if let Some(by) = starter {
        asking.started_by = StartedBy::Hand { by: by.to_owned() };
    }
    asking
}

/// What is read of a book's release: the drawn path, and what comes next.
fn read(book: &Book) -> (Vec<String>, Vec<String>) {
    let view = BookView { book: book.clone(), pause: None };
    let shown = Shown { key: &World::key(), release: told(book), view: &view, frozen: None, now: now() };
    (shown.path(), shown.next())
}

fn next(book: &Book) -> Vec<String> {
    read(book).1
}

#[test]
fn who_has_to_agree_is_who_counts_and_has_not_answered() {
    let there = "the answers about production are there; the next look takes them in";
    let table = [
        (1, None, vec![], 0, "1 of ann, bob, cid has to agree to production"),
        (2, None, vec![("bob", AGREES)], 1, "1 of ann, cid has to agree to production"),
        (2, Some("dan"), vec![], 0, "2 of ann, bob, cid have to agree to production"),
        (2, Some("ann"), vec![], 0, "bob and cid have to agree to production"),
        (2, Some("ann"), vec![("bob", AGREES)], 1, "cid has to agree to production"),
        (2, Some("ann"), vec![("ann", AGREES), ("bob", AGREES)], 1, "cid has to agree to production"),
        (2, Some("ann"), vec![("bob", AGREES), ("cid", AGREES)], 2, there),
        (1, Some("ann"), vec![("ann", AGREES)], 1, there),
        (1, None, vec![("bob", Verdict::Reject)], 0, there),
        (3, None, vec![("ann", AGREES), ("bob", Verdict::Reject)], 1, there),
    ];
    for (needed, starter, answers, agreed, expected) in table {
        let asking = asking(needed, starter, &answers);
        let case = format!("{needed} {starter:?} {answers:?}");
        assert_eq!(asking.agreed(&asking.approvals["production"]), agreed, "{case}");
        assert_eq!(Progress::of(&asking).waits_for_people(&asking), expected != there, "{case}");
        let line = if expected == there { there.to_owned() } else { format!("{expected} until 2026-11-20 17:00 UTC, or it expires") };
        assert_eq!(next(&book(asking))[0], line, "{case}");
    }
}

#[test]
fn with_four_eyes_it_is_drawn_whose_yes_does_not_count() {
    let own = ", who started it, so that a yes does not count";
    for (needed, starter, marks) in
        [(1, Some("ann"), ["", "", ""]), (2, Some("ann"), [own, "", ""]), (3, Some("bob"), ["", own, ""]), (2, None, ["", "", ""])]
    {
        let (path, _) = read(&book(asking(needed, starter, &[])));
        let people: Vec<&String> = path.iter().filter(|line| line.ends_with(": no answer")).collect();
        let expected: Vec<String> =
            ["ann", "bob", "cid"].iter().zip(marks).map(|(who, own)| format!("|    {who}{own}: no answer")).collect();
        assert_eq!(people, expected.iter().collect::<Vec<_>>(), "{needed} {starter:?}");
    }
}

#[test]
fn the_next_look_is_told_while_it_is_to_come() {
    for (at, is_told) in [(now() + minutes(5), true), (now(), false), (ago(1), false)] {
        let before = Book { recheck_at: Some(at), ..book(asking(1, None, &[])) };
        let line = format!("looked at again at {} UTC at the latest", at.strftime("%Y-%m-%d %H:%M"));
        assert_eq!(next(&before).contains(&line), is_told, "{at}");
    }
}

#[test]
fn what_people_were_told_last_is_repeated_where_it_holds_a_region_up() {
    for (token, line) in [
        ("alarm_before", Some("held: one of the path's alarms is in ALARM before anything has begun")),
        ("other_rollout", Some("held: somebody else's deployment is under way")),
        ("unreadable", Some("held: something that is needed cannot be read; the history says what")),
        ("paused", None),
    ] {
        let without = book(release(vec![leg("production", 0, EAST, LegState::Waiting)]));
        let with = Book { told: Some(token.into()), ..without.clone() };
        let expected: Vec<String> = line.map(str::to_owned).into_iter().chain(next(&without)).collect();
        assert_eq!(next(&with), expected, "{token}");
    }
}

#[test]
fn of_what_went_back_only_the_end_is_left_to_be_noted() {
    let unwind = Unwind { why: "5xx".into(), by: None, at: ago(9), scope: Scope::Everything };
    let gone_back = LegState::RolledBack { moved: back(9), at: ago(5), why: "5xx".into() };
    let is_back = Release { unwind: Some(unwind), ..release(vec![leg("production", 0, EAST, gone_back)]) };
    assert_eq!(next(&book(is_back)), ["everything is back; the end is about to be noted"]);
}

#[test]
fn a_region_that_was_left_out_is_drawn_as_such() {
    let skipped = LegState::Skipped { at: ago(9), why: "not heard of".into() };
    let (path, _) = read(&book(release(vec![leg("production", 0, EAST, passed(60)), leg("production", 1, WEST, skipped)])));
    let at = path.iter().position(|line| line == "|  - us-west-2: ECS service shop/web").unwrap_or_else(|| panic!("{path:#?}"));
    assert_eq!(path[at + 1], "|    left out at 2026-11-20 11:51 UTC: not heard of");
}

#[test]
fn a_release_is_called_by_its_first_tag_and_its_digest_or_by_its_digest_alone() {
    let mut named = release(Vec::new());
    for (tags, expected) in [(vec!["v1".to_owned(), "latest".to_owned()], "v1 (abababababab)"), (Vec::new(), "abababababab")] {
        if let Change::Image(image) = &mut named.change {
            image.tags = tags;
        }
        assert_eq!(named.name(), expected);
    }
    assert_eq!(restart(&["shop/db"], Vec::new()).name(), "restart for a rotated secret");
}

#[test]
fn images_are_named_by_tag_by_digest_or_by_their_whole_address() {
    let (tag, digest) = (|tag: &str| ImageRef::Tag(tag.into()), format!("sha256:{}", "cd".repeat(32)));
    let host = "111122223333.dkr.ecr.us-east-1.amazonaws.com";
    for (text, image, shown) in [
        ("v1".to_owned(), tag("v1"), "v1"),
        ("web:v1".to_owned(), tag("v1"), "v1"),
        (format!("{host}/shop/web:v1"), tag("v1"), "v1"),
        ("localhost:5000/web".to_owned(), tag("localhost:5000/web"), "localhost:5000/web"),
        (digest.clone(), ImageRef::Digest(digest.clone()), "cdcdcdcdcdcd"),
        (format!("{host}/shop/web:v1@{digest}"), ImageRef::Digest(digest.clone()), "cdcdcdcdcdcd"),
    ] {
        assert_eq!(ImageRef::parse(&text), image, "{text}");
        assert_eq!(image.to_string(), shown);
    }
    for (address, expected) in [
        (format!("{host}/shop/web"), Some(("shop/web", None))),
        (format!("{host}/shop/web:v1"), Some(("shop/web", None))),
        (format!("{host}/shop/web:v1@sha256:cd"), Some(("shop/web", Some("sha256:cd")))),
        ("localhost:5000/web".to_owned(), Some(("web", None))),
        ("library/redis".to_owned(), None),
        ("redis:7".to_owned(), None),
        (format!("{host}/"), None),
    ] {
        assert_eq!(repository_of(&address), expected, "{address}");
    }
}

fn note(release: &ReleaseId, kind: &str) -> Note {
    Note { release: release.clone(), kind: kind.into(), severity: Severity::Info, headline: "A headline".into(), text: "A text.".into() }
}

fn ended(release: Release, kind: EndKind) -> Release {
    Release { end: Some(End { kind, why: "why".into(), by: None, at: ago(1) }), ..release }
}

/// A restart has no older revision, and what changed nothing has nothing to go back to.
#[test]
fn a_notice_says_how_to_undo_what_can_be_undone() {
    let legs = |state| vec![leg("production", 0, EAST, state)];
    for (release, is_offered) in [
        (ended(release(legs(passed(60))), EndKind::Done), true),
        (ended(release(legs(passed(60))), EndKind::Failed), true),
        (ended(release(legs(passed(60))), EndKind::Aborted), false),
        (ended(release(legs(LegState::Waiting)), EndKind::Failed), false),
        (ended(restart(&["shop/db"], legs(passed(60))), EndKind::Done), false),
        (release(legs(passed(60))), false),
    ] {
        let (key, note) = (World::key(), note(&release.id, "any"));
        let text = ReleaseNotice { key: &key, region: EAST, mode: Mode::Act, at: now(), note: &note, release: Some(&release) }.text();
        let undo = format!("Undo it: nightshift release rollback shop/web {} --why \"...\"", release.id);
        assert_eq!(text.lines().any(|line| line == undo), is_offered, "{text}");
    }
}

fn outcome(before: Book, after: Book) -> ReleaseOutcome {
    ReleaseOutcome {
        at: now(),
        mode: Mode::Act,
        key: World::key(),
        region: EAST.into(),
        wake: Wake::Sweep,
        plan_id: "plan".into(),
        steps: Vec::new(),
        holds: Vec::new(),
        notes: Vec::new(),
        before,
        after,
        wants_look_at: None,
        look_again_at: None,
        is_lost: false,
        untold: Vec::new(),
        troubles: Vec::new(),
    }
}

fn with_ended(ended: Vec<Release>) -> Book {
    Book { ended, ..Book::default() }
}

#[test]
fn an_end_is_said_once_by_its_own_note_or_else_in_words() {
    let done = ended(release(Vec::new()), EndKind::Done);
    let (id, other) = (done.id.clone(), ReleaseId::from_text("another"));
    for (notes, expected) in [
        (vec![], "v1 (abababababab) done"),
        (vec![note(&id, "done")], "A headline"),
        (vec![note(&id, "approved")], "A headline; v1 (abababababab) done"),
        (vec![note(&other, "done")], "A headline; v1 (abababababab) done"),
    ] {
        let outcome = ReleaseOutcome { notes, ..outcome(Book::default(), with_ended(vec![done.clone()])) };
        assert_eq!(outcome.sentence(), expected);
    }
}

#[test]
fn errors_are_those_of_steps_and_of_what_is_around_them() {
    let error = |operation: &'static str| PortError::new(PortErrorKind::Denied, operation, "as the test wants it");
    let step = || Step::TakeBack { target: tasks("shop"), handle: "roll-1".into(), to: OLD.into() };
    let results = [StepResult::Done(StepDone::NotPossible), StepResult::Failed(error("step")), StepResult::NotTried { why: "late".into() }];
    let steps = results.map(|result| StepOutcome { step: step(), result }).into();
    let (troubles, untold) = (vec![error("trouble")], vec![error("untold")]);
    let outcome = ReleaseOutcome { steps, troubles, untold, ..outcome(Book::default(), Book::default()) };
    assert_eq!(outcome.errors().map(|error| error.operation.to_string()).collect::<Vec<_>>(), ["step", "trouble", "untold"]);
    assert!(outcome.is_worth_a_line());
}

/// A release that was undone ends a second time.
#[test]
fn what_ended_in_this_look_is_what_had_not_ended_so_before() {
    let done = ended(release(Vec::new()), EndKind::Done);
    let other = Release { id: ReleaseId::from_text("another"), ..done.clone() };
    let undone = ended(release(Vec::new()), EndKind::RolledBack);
    let of = |before: &[&Release], after: &[&Release]| {
        let book = |ended: &[&Release]| with_ended(ended.iter().copied().cloned().collect());
        let outcome = outcome(book(before), book(after));
        (outcome.ended().len(), outcome.count_ended(EndKind::Done), outcome.count_ended(EndKind::RolledBack))
    };
    assert_eq!(of(&[], &[]), (0, 0, 0));
    assert_eq!(of(&[&done], &[&done]), (0, 0, 0));
    assert_eq!(of(&[&done], &[&undone]), (1, 0, 1));
    assert_eq!(of(&[&done], &[&other, &done]), (1, 1, 0));
    assert_eq!(of(&[], &[&other, &done]), (2, 2, 0));
}

/// Who holds the lease, what people were told and when to look again is no news of a release.
#[test]
fn a_book_has_moved_when_its_releases_have() {
    let before = book(release(vec![leg("production", 0, EAST, LegState::Waiting)]));
    let moved = |change: fn(&mut Book)| {
        let mut after = before.clone();
        change(&mut after);
        outcome(before.clone(), after).has_moved()
    };
    assert!(!moved(|_| ()));
    assert!(!moved(|book| book.version += 1));
    assert!(!moved(|book| book.lease = Some(Lease { owner: "me".into(), until: now() })));
    assert!(!moved(|book| book.told = Some("paused".into())));
    assert!(!moved(|book| book.recheck_at = Some(now())));
    assert!(moved(|book| book.newest = Some(now())));
    assert!(moved(|book| book.active.as_mut().unwrap().legs[0].state = passed(10)));
}
