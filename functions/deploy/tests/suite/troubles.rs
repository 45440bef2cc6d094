//! Every call fails in turn, in every way, and every invocation dies after every call; events come twice, late, in the wrong
//! order, or at once. Whatever happens: nothing is done twice, everything ends, and people read each thing once.

use std::collections::BTreeSet;
use std::time::Duration;

use nightshift_core::ports::PortErrorKind;
use nightshift_core::release::*;
use serde_json::json;

use crate::fake::*;
use crate::stories::{CAREFUL, PLAIN, WEB, end_of};
use crate::town::*;

const WAYS: [Failure; 7] = [
    Failure::Refused(PortErrorKind::Throttled),
    Failure::Refused(PortErrorKind::Unavailable),
    Failure::Refused(PortErrorKind::Conflict),
    Failure::Refused(PortErrorKind::Denied),
    Failure::Refused(PortErrorKind::NotFound),
    Failure::AnswerLost,
    Failure::Death,
];

/// What must be true at the end of every story.
pub fn is_sound(town: &Town, case: &str) {
    assert!(town.ends_everywhere(), "{case}: something is left in hand: {:#?}", town.told());
    for (region, deps) in &town.regions {
        let world = deps.estate.world();
        for book in world.books.values() {
            assert!(book.leased(town.now()).is_none(), "{case}: a lease is left in {region}");
            let ids: BTreeSet<&ReleaseId> = book.ended.iter().map(|release| &release.id).collect();
            assert_eq!(ids.len(), book.ended.len(), "{case}: a release twice");
        }
    }
    let mut told: Vec<String> = town.told().into_iter().filter(|told| !told.contains(" approval")).collect();
    let count = told.len();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), count, "{case}: told twice: {:#?}", town.told());
}

/// Without a sweep: what is left must be left to an arranged look, or to Lambda's retry.
pub fn plain() -> (Town, String) {
    let mut town = Town::of(PLAIN, &[EAST]);
    town.sweep = None;
    let digest = town.push("web", "v1");
    (town, digest)
}

/// The calls of a region, each with its place; of invocations that call alike only the first.
fn calls(town: &Town, region: &str) -> Vec<(usize, String)> {
    let journal = town.estate(region).shared.journal.borrow();
    let numbered: Vec<(usize, &Called)> = journal.iter().enumerate().collect();
    let invocations = numbered.chunk_by(|(_, before), (_, call)| before.round <= call.round);
    let mut seen = BTreeSet::new();
    let first_of_a_kind = invocations.filter(|calls| seen.insert(calls.iter().map(|(_, call)| call.name.clone()).collect::<Vec<_>>()));
    first_of_a_kind.flatten().map(|(at, call)| (*at, call.name.clone())).collect()
}

#[test]
fn a_release_survives_a_failure_at_every_call() {
    let (mut good, _) = plain();
    good.run_for(minutes(60));
    for (at, call) in calls(&good, EAST) {
        for way in WAYS {
            let (mut town, digest) = plain();
            town.fail_at(EAST, at, 0, way);
            town.run_for(minutes(60 * 24 * 3));
            let case = format!("{way:?} at call {at}, {call}");
            is_sound(&town, &case);
            // A service that is said to be missing ends the release: that is its right.
            if !(way == Failure::Refused(PortErrorKind::NotFound) && call == "target_now") {
                assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(digest), "{case}");
                assert_eq!(end_of(&town.book(EAST, "web"), 0), EndKind::Done, "{case}");
            }
        }
    }
}

/// A ledger that is away for longer than a second try.
#[test]
fn a_release_survives_a_ledger_that_fails_again_and_again() {
    let (mut good, _) = plain();
    good.run_for(minutes(60));
    let stores = calls(&good, EAST).into_iter().filter(|(_, call)| call == "store_book");
    for (at, _) in stores {
        for way in WAYS {
            // Six deaths a quarter of an hour apart outlast the path's deadline, and the release is rightly given up.
            for more in if way == Failure::Death { [1, 2, 2] } else { [1, 2, 5] } {
                let (mut town, digest) = plain();
                // Three deaths or refusals in a row are more than Lambda's retries: only the sweep is left then.
                let is_for_good = |kind: PortErrorKind| !kind.may_pass();
                let is_left_to_the_sweep = way == Failure::Death || matches!(way, Failure::Refused(kind) if is_for_good(kind));
                town.sweep = (is_left_to_the_sweep && more > 1).then(|| minutes(15));
                town.loses_events = town.sweep.is_some();
                town.estate(EAST).world().books.entry(key("shop", "web")).or_default().newest = Some(town.now() - minutes(60));
                town.fail_at(EAST, at, more, way);
                town.run_for(minutes(60 * 24));
                let case = format!("{way:?} at call {at} and {more} more");
                is_sound(&town, &case);
                assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(digest), "{case}");
            }
        }
    }
}

#[test]
fn going_back_survives_a_failure_at_every_call() {
    for takes_back in [true, false] {
        let broken = || {
            let (town, digest) = plain();
            town.estate(EAST).world().bad.insert(digest, Fate::Crashes);
            town.estate(EAST).world().takes_back = takes_back;
            town
        };
        let mut good = broken();
        good.run_for(minutes(60));
        for (at, call) in calls(&good, EAST) {
            for way in WAYS {
                let mut town = broken();
                town.fail_at(EAST, at, 0, way);
                town.run_for(minutes(60 * 24 * 3));
                let case = format!("{way:?} at call {at}, {call}, natively {takes_back}");
                is_sound(&town, &case);
                if !(way == Failure::Refused(PortErrorKind::NotFound) && call == "target_now") {
                    assert_eq!(town.estate(EAST).world().digest_of(WEB), None, "{case}: on what ran before");
                }
            }
        }
    }
}

/// Both regions, each in turn, with one way of failing after the other; every call meets a death.
#[test]
fn a_release_over_two_regions_survives_a_failure_at_every_call() {
    let careful = || {
        let mut town = Town::of(CAREFUL, &[EAST, WEST]);
        town.sweep = Some(minutes(15));
        let digest = town.push("web", "v1");
        (town, digest)
    };
    let (mut good, _) = careful();
    good.run_for(minutes(300));
    let mut count = 0;
    for region in [EAST, WEST] {
        for (at, call) in calls(&good, region) {
            count += 1;
            for way in [Failure::Death, WAYS[at % 6]] {
                let (mut town, digest) = careful();
                town.fail_at(region, at, 0, way);
                town.run_for(minutes(60 * 24 * 3));
                let case = format!("{way:?} in {region} at call {at}, {call}");
                is_sound(&town, &case);
                if way != Failure::Refused(PortErrorKind::NotFound) {
                    assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(digest.clone()), "{case}");
                    assert_eq!(town.estate(WEST).world().digest_of(WEB), Some(digest), "{case}");
                }
            }
        }
    }
    assert!(count > 100, "only {count} calls");
}

#[test]
fn every_event_twice_is_every_event_once() {
    let mut town = Town::of(CAREFUL, &[EAST, WEST]);
    town.twice = true;
    let digest = town.push("web", "v1");
    town.run_for(minutes(60 * 24));
    is_sound(&town, "twice");
    assert_eq!(town.estate(WEST).world().digest_of(WEB), Some(digest));
    assert_eq!(town.failed, []);
}

#[test]
fn two_invocations_at_once_do_what_one_does() {
    for half_milliseconds in 0..40 {
        for latency in [Duration::from_millis(1), Duration::ZERO, Duration::from_millis(3)] {
            let (mut town, digest) = plain();
            town.twin = Some((Duration::from_micros(half_milliseconds * 500), latency));
            town.run_for(minutes(60 * 24));
            let case = format!("{half_milliseconds} half milliseconds later, {latency:?} a call");
            is_sound(&town, &case);
            assert_eq!(end_of(&town.book(EAST, "web"), 0), EndKind::Done, "{case}");
            let world = town.estate(EAST).world();
            assert_eq!((world.digest_of(WEB), world.roll_outs, world.changes), (Some(digest), 1, 2), "{case}");
            drop(world);
            assert_eq!(town.failed, [], "{case}");
        }
    }
}

#[test]
fn two_invocations_at_once_do_what_one_does_over_two_regions() {
    for half_milliseconds in 0..8 {
        let mut town = Town::of(CAREFUL, &[EAST, WEST]);
        let digest = town.push("web", "v1");
        town.twin = Some((Duration::from_micros(half_milliseconds * 500), Duration::from_millis(1)));
        town.run_for(minutes(60 * 24));
        let case = format!("{half_milliseconds} half milliseconds later");
        is_sound(&town, &case);
        assert_eq!(town.estate(WEST).world().digest_of(WEB), Some(digest), "{case}");
        assert_eq!(town.failed, [], "{case}");
    }
}

#[test]
fn a_push_that_comes_late_does_not_win() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let first = town.push_without_event("web", "v1");
    town.clock.set(town.now() + minutes(1));
    let second = town.push_without_event("web", "v2");
    town.happens(minutes(0), EAST, push_event(EAST, "web", &second, "v2"));
    town.happens(minutes(3), EAST, push_event(EAST, "web", &first, "v1"));
    town.run_for(minutes(120));
    assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(second));
    assert_eq!(town.book(EAST, "web").ended.len(), 1);
    assert!(town.answers.iter().any(|answer| answer["reason"] == "not_newer" || answer["holds"].to_string().contains("not_newer")));
}

#[test]
fn a_ledger_that_is_away_loses_no_command() {
    let mut town = Town::of(PLAIN, &[EAST]);
    town.sweep = None;
    let image = town.push_without_event("web", "v1");
    *town.estate(EAST).shared.fail_named.borrow_mut() = Some(("read_book", PortErrorKind::Unavailable));
    let verb = nightshift_core::signal::ReleaseVerb::Deploy { image: image.clone(), accepts_drift: false, only_here: false };
    town.command(EAST, "web", verb);
    town.run_for(minutes(1));
    *town.estate(EAST).shared.fail_named.borrow_mut() = None;
    town.run_for(minutes(60));
    assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(image), "Lambda's retry brings it again");
}

#[test]
fn what_aws_refuses_pages_a_person_and_is_told_once() {
    let (mut town, _) = plain();
    *town.estate(EAST).shared.fail_named.borrow_mut() = Some(("make_revision", PortErrorKind::Denied));
    town.run_for(minutes(60 * 24));
    is_sound(&town, "denied");
    let error = town.failed.first().expect("no error reached Lambda");
    assert_eq!(error.code(), "refused_by_aws");
    let book = town.book(EAST, "web");
    assert_eq!(end_of(&book, 0), EndKind::Refused, "after the deadline it is given up");
    let world = town.estate(EAST).world();
    assert_eq!((world.count_told("release_step_failed"), world.changes), (1, 0));
    let told = world.told.iter().find(|(_, message)| attribute(message, "kind") == "release_step_failed").unwrap();
    assert_eq!(attribute(&told.1, "severity"), "critical");
    insta::assert_snapshot!(told.1.subject);
}

#[test]
fn what_time_mends_is_told_when_it_fails_twice() {
    let (mut town, digest) = plain();
    *town.estate(EAST).shared.fail_named.borrow_mut() = Some(("make_revision", PortErrorKind::Throttled));
    town.run_for(minutes(1));
    assert_eq!(town.estate(EAST).world().count_told("release_step_failed"), 0);
    town.run_for(minutes(5));
    assert_eq!(town.estate(EAST).world().count_told("release_step_failed"), 1);
    *town.estate(EAST).shared.fail_named.borrow_mut() = None;
    town.run_for(minutes(60));
    assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(digest));
    assert_eq!(town.failed, [], "it is tried again by itself");
}

#[test]
fn near_its_end_the_invocation_begins_no_step_and_looks_again_soon() {
    let (mut town, digest) = plain();
    let (event, now) = (push_event(EAST, "web", &digest, "v1"), town.now());
    let late = invocation("late", EAST, now, jiff::SignedDuration::from_secs(2));
    let answer = paused_runtime().block_on(nightshift_deploy::handle(&late, &town.regions[EAST], &event)).unwrap();
    assert_eq!((&answer["ending"], &answer["steps"][0]["result"]), (&json!("unfinished"), &json!("not_tried")));
    assert_eq!(town.estate(EAST).world().changes, 0);
    assert_eq!(town.estate(EAST).world().rechecks[0].at, now + jiff::SignedDuration::from_secs(5));
    town.run_for(minutes(60));
    assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(digest));
}

#[test]
fn an_approver_who_cannot_be_reached_keeps_nobody_else_from_being_asked() {
    let mut town = Town::of(CAREFUL, &[EAST, WEST]);
    town.verdict = None;
    town.push("web", "v1");
    town.run_for(minutes(4));
    // The first of the four mails; by then the first approver has none, and the second has both.
    *town.estate(EAST).shared.fail_named.borrow_mut() =
        Some(("publish approval to arn:aws:sns:us-east-1:111122223333:lead", PortErrorKind::Throttled));
    town.run_for(minutes(3));
    let topics = |town: &Town| -> BTreeSet<String> {
        let world = town.estate(EAST).world();
        world.told.iter().filter(|(_, message)| attribute(message, "kind") == "approval_code").map(|(topic, _)| topic.clone()).collect()
    };
    assert_eq!(topics(&town).into_iter().collect::<Vec<_>>(), ["arn:aws:sns:us-east-1:111122223333:deputy"]);
    *town.estate(EAST).shared.fail_named.borrow_mut() = None;
    town.run_for(minutes(5));
    assert_eq!(topics(&town).len(), 2);
    let world = town.estate(EAST).world();
    let to_deputy = world.told.iter().filter(|(topic, message)| topic.ends_with("deputy") && attribute(message, "kind") == "approval_code");
    let mails: BTreeSet<&String> = to_deputy.map(|(_, message)| &message.body).collect();
    assert_eq!(mails.len(), 1, "the same code each time");
}
