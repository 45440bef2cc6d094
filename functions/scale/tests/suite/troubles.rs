//! Every call of an invocation fails in turn, in every way. Whatever fails: nothing is done twice, nothing is lost, and
//! when the trouble is over the next look brings the service where it should be.

use nightshift_core::ports::PortErrorKind;
use nightshift_lambda::ErrorClass;
use serde_json::json;

use crate::fake::*;
use crate::handler::{ok, run};

const WAYS: [Failure; 5] = [
    Failure::Refused(PortErrorKind::Throttled),
    Failure::Refused(PortErrorKind::Unavailable),
    Failure::Refused(PortErrorKind::Denied),
    Failure::Refused(PortErrorKind::Conflict),
    Failure::AnswerLost,
];

fn calls_of_a_good_run(deps: &nightshift_scale::Deps<FakeEstate>, rule: &str) -> usize {
    ok(deps, "good", &alarm_event(rule, "2026-11-20T13:59:40Z"));
    deps.estate.journal.borrow().len()
}

/// A conflict on arranging a look means that the very same look is arranged already: no failure, and no such answer comes
/// where it is not.
fn is_no_failure(good: &nightshift_scale::Deps<FakeEstate>, rule: &str, at: usize, way: Failure) -> bool {
    calls_of_a_good_run(good, rule);
    way == Failure::Refused(PortErrorKind::Conflict) && good.estate.journal.borrow().get(at).is_some_and(|call| call == "schedule")
}

#[test]
fn growing_survives_a_failure_at_every_call() {
    for at in 0..calls_of_a_good_run(&busy(PIZZA), "cpu-high") {
        for way in WAYS {
            let deps = busy(PIZZA);
            if is_no_failure(&busy(PIZZA), "cpu-high", at, way) {
                continue;
            }
            deps.estate.fail_at.set(Some((at, way)));
            let event = alarm_event("cpu-high", "2026-11-20T13:59:40Z");
            let first = run(&deps, "1", &event);
            let call = deps.estate.journal.borrow()[at].clone();
            assert!(deps.estate.desired() <= 4, "{way:?} at {call}: grew too far");

            // Either a later look is arranged, or Lambda retries the event: nothing may be left to nobody.
            let is_kept = first.is_err() || !deps.estate.world.borrow().rechecks.is_empty();
            assert!(is_kept, "{way:?} at {call}: nobody will look again: {first:?}");

            // The trouble is over: the retry, then the arranged look.
            deps.estate.fail_at.set(None);
            deps.estate.pass(60);
            let _ = run(&deps, "2", &event);
            assert!(deps.estate.desired() <= 4, "{way:?} at {call}: grew twice within the cooldown");
            deps.estate.pass(60);
            let _ = run(&deps, "3", &recheck_event(1));
            deps.estate.pass(120);
            let _ = run(&deps, "4", &recheck_event(2));
            deps.estate.pass(120);
            let _ = run(&deps, "5", &recheck_event(3));
            assert_eq!(deps.estate.desired(), 6, "{way:?} at {call}: did not get where it should in the end");
        }
    }
}

#[test]
fn shrinking_survives_a_failure_at_every_call_and_never_goes_too_far() {
    for at in 0..calls_of_a_good_run(&idle(PIZZA), "cpu-low") {
        for way in WAYS {
            let deps = idle(PIZZA);
            if is_no_failure(&idle(PIZZA), "cpu-low", at, way) {
                continue;
            }
            deps.estate.fail_at.set(Some((at, way)));
            let event = alarm_event("cpu-low", "2026-11-20T13:59:40Z");
            let first = run(&deps, "1", &event);
            let call = deps.estate.journal.borrow()[at].clone();
            assert!(deps.estate.desired() >= 3, "{way:?} at {call}: shrank too far");
            let is_kept = first.is_err() || !deps.estate.world.borrow().rechecks.is_empty();
            assert!(is_kept, "{way:?} at {call}: nobody will look again: {first:?}");
            deps.estate.fail_at.set(None);
            deps.estate.pass(60);
            let _ = run(&deps, "2", &event);
            assert!(deps.estate.desired() >= 3, "{way:?} at {call}: shrank twice within the cooldown");
        }
    }
}

/// The process dies after call n: nothing after it happens. Lambda retries the event once the lease has run out.
#[test]
fn growing_survives_a_process_that_dies_after_every_call() {
    for at in 0..calls_of_a_good_run(&busy(PIZZA), "cpu-high") {
        let deps = busy(PIZZA);
        let event = alarm_event("cpu-high", "2026-11-20T13:59:40Z");
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            deps.estate.die_after.set(Some(at));
            run(&deps, "1", &event)
        }));
        assert!(outcome.is_err(), "the process did not die at call {at}");
        deps.estate.die_after.set(None);
        let call = deps.estate.journal.borrow()[at].clone();
        for (minute, id) in ["2", "3", "4", "5", "6", "7", "8"].into_iter().enumerate() {
            deps.estate.pass(60);
            let desired = deps.estate.desired();
            let answer = if minute < 2 { run(&deps, id, &event) } else { run(&deps, id, &recheck_event(u32::try_from(minute).unwrap())) };
            assert!(deps.estate.desired() <= desired + 2, "died after {call}: {answer:?}");
        }
        assert_eq!(deps.estate.desired(), 6, "died after {call}: did not get there");
        let record = deps.estate.world.borrow().view.record.clone();
        assert_eq!((record.lease, record.intent), (None, None), "died after {call}: a lease or an intent was left for ever");
    }
}

#[test]
fn no_permission_pages_a_person_and_the_event_is_not_lost() {
    let deps = busy(PIZZA);
    *deps.estate.fail_named.borrow_mut() = Some(("set_desired_tasks", PortErrorKind::Denied));
    let error = run(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z")).unwrap_err();
    assert_eq!((error.code(), error.class()), ("refused_by_aws", ErrorClass::PagePerson));
    let world = deps.estate.world.borrow();
    assert!(world.view.record.handled.is_empty(), "the event comes again from the failure queue and is then judged afresh");
    let severity = world.told[0].1.attributes.iter().find(|(name, _)| *name == "severity").map(|(_, value)| value.clone());
    assert_eq!(severity.as_deref(), Some("critical"));
    insta::assert_snapshot!(world.told[0].1.subject);
}

#[test]
fn a_failed_step_is_tried_again_by_the_arranged_look_and_told_once() {
    let deps = busy(PIZZA);
    *deps.estate.fail_named.borrow_mut() = Some(("set_desired_tasks", PortErrorKind::Throttled));
    for attempt in 1..4 {
        ok(&deps, "1", &recheck_event(attempt));
        deps.estate.pass(60);
    }
    assert_eq!(deps.estate.world.borrow().rechecks.len(), 3);
    assert_eq!(deps.estate.world.borrow().told.len(), 1);
    *deps.estate.fail_named.borrow_mut() = None;
    ok(&deps, "1", &recheck_event(4));
    assert_eq!(deps.estate.desired(), 4);
}

#[test]
fn without_the_ledger_it_grows_once_with_a_warning() {
    let deps = busy(PIZZA);
    *deps.estate.fail_named.borrow_mut() = Some(("ledger", PortErrorKind::Unavailable));
    let event = alarm_event("cpu-high", "2026-11-20T13:59:40Z");
    let first = ok(&deps, "1", &event);
    assert_eq!((first["warnings"][0]["code"].as_str(), deps.estate.desired()), (Some("without_ledger"), 4));
    // The same event again, and our own look: both find that the one growth has been.
    assert_eq!(ok(&deps, "2", &event)["reason"], "ledger_unavailable");
    deps.estate.pass(120);
    assert_eq!(ok(&deps, "3", &recheck_event(1))["reason"], "ledger_unavailable");
    assert_eq!(deps.estate.desired(), 4);
}

#[test]
fn without_the_ledger_shrinking_waits() {
    let deps = idle(PIZZA);
    *deps.estate.fail_named.borrow_mut() = Some(("ledger", PortErrorKind::Denied));
    let answer = ok(&deps, "1", &alarm_event("cpu-low", "2026-11-20T13:59:40Z"));
    assert_eq!((&answer["reason"], deps.estate.desired()), (&json!("ledger_unavailable"), 4));
    assert_eq!(deps.estate.world.borrow().rechecks.len(), 1, "and is looked at again");
}

#[test]
fn a_service_that_is_missing_is_told_once() {
    let deps = busy(PIZZA);
    deps.estate.world.borrow_mut().tasks = None;
    ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    ok(&deps, "2", &alarm_event("cpu-high", "2026-11-20T14:20:40Z"));
    let world = deps.estate.world.borrow();
    let subjects: Vec<_> = world.told.iter().map(|(_, message)| message.subject.as_str()).collect();
    assert_eq!(subjects, ["pizza/api: nothing done: it does not exist in this account and region; correct runs_on in the fleet "]);
}

#[test]
fn of_two_that_hold_at_once_for_the_same_reason_one_tells() {
    let deps = busy(PIZZA);
    deps.estate.world.borrow_mut().tasks = None;
    *deps.estate.meanwhile.borrow_mut() = Some(("ledger store", |world| world.view.record.version += 1));
    ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    assert_eq!(deps.estate.world.borrow().told.len(), 0, "the other one noted it, and tells it");
}

#[test]
fn what_could_not_be_finished_nor_arranged_is_an_error_that_lambda_retries() {
    let deps = busy(PIZZA);
    *deps.estate.fail_named.borrow_mut() = Some(("schedule", PortErrorKind::Unavailable));
    let error = run(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z")).unwrap_err();
    assert_eq!((error.code(), error.class()), ("recheck_not_arranged", ErrorClass::Retry));
    // The retry finds what was done, and arranges the look that is still missing.
    *deps.estate.fail_named.borrow_mut() = None;
    deps.estate.pass(60);
    ok(&deps, "2", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    assert_eq!((deps.estate.desired(), deps.estate.world.borrow().rechecks.len()), (4, 1));
}

#[test]
fn a_step_whose_answer_was_lost_is_not_taken_again_within_the_cooldown() {
    let deps = busy(PIZZA);
    let good = busy(PIZZA);
    calls_of_a_good_run(&good, "cpu-high");
    let step = good.estate.journal.borrow().iter().position(|call| call.starts_with("set_desired_tasks")).unwrap();
    deps.estate.fail_at.set(Some((step, Failure::AnswerLost)));
    let first = ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    assert_eq!((&first["ending"], deps.estate.desired()), (&json!("unfinished"), 4), "it happened, and we were not told");
    deps.estate.fail_at.set(None);
    deps.estate.pass(60);
    assert_eq!(ok(&deps, "2", &recheck_event(1))["reason"], "in_cooldown");
    deps.estate.pass(60);
    ok(&deps, "3", &recheck_event(2));
    assert_eq!(deps.estate.desired(), 6);
}
