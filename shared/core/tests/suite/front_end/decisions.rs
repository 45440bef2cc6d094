use std::collections::BTreeSet;

use jiff::Timestamp;
use nightshift_core::ledger::Pause;
use nightshift_core::outcome::Mode;
use nightshift_core::ports::PortErrorKind;
use nightshift_core::release::front_end::*;

use super::{at, failed, front_end, key};

fn waiting(first: i64, last: i64) -> Pending {
    Pending { paths: BTreeSet::from(["/".to_owned(), "/index.html".to_owned()]), first: at(first), last: at(last) }
}

fn view(pending: Option<Pending>, batch: Option<Batch>) -> FrontEndView {
    FrontEndView { uploads: Uploads { count: 7, pending, look_at: None }, work: Work { version: 3, batch, told: None }, pause: None }
}

fn decided(view: &FrontEndView, invalidation: Option<Reading>, now: i64) -> FrontEndPlan {
    let seen = FrontEndSeen { at: at(now), view: Ok(view.clone()), invalidation };
    decide_front_end(&key(), &front_end("", &[]), &seen, at(now))
}

type Reading = Result<InvalidationNow, nightshift_core::ports::PortError>;

fn reading(status: InvalidationStatus) -> Option<Reading> {
    Some(Ok(InvalidationNow { id: "I1".into(), status }))
}

fn batch(taken_at: i64) -> Batch {
    let paths = vec!["/".to_owned(), "/index.html".to_owned()];
    Batch { reference: "nightshift-pizza-site-1".into(), paths, first: at(taken_at - 60), taken_at: at(taken_at), made: None }
}

fn made(taken_at: i64) -> Batch {
    let made = Made { distribution: "E2QWRUHAPOMQZL".into(), invalidation: "I1".into(), at: at(taken_at) };
    Batch { made: Some(made), ..batch(taken_at) }
}

#[test]
fn nothing_waits_nothing_is_done() {
    let plan = decided(&view(None, None), None, 0);
    assert_eq!((plan.hold, plan.look_again_at, plan.step), (Some(FrontEndHold::Quiet), None, None));
}

#[test]
fn an_upload_is_complete_after_its_settle_time_or_ten_of_them() {
    // (first, last, now) and when it counts as complete, or how it is taken.
    let early = decided(&view(Some(waiting(0, 10)), None), None, 39);
    assert_eq!((early.hold, early.look_again_at), (Some(FrontEndHold::Settling { until: at(40) }), Some(at(40))));
    let quiet = decided(&view(Some(waiting(0, 10)), None), None, 40);
    assert_eq!(quiet.takes, Some(Takes::Quiet { count: 7 }));
    // A stream that never ends.
    let going_on = decided(&view(Some(waiting(0, 299)), None), None, 299);
    assert_eq!(going_on.look_again_at, Some(at(300)));
    let overdue = decided(&view(Some(waiting(0, 299)), None), None, 300);
    assert_eq!(overdue.takes, Some(Takes::Overdue { paths: waiting(0, 0).paths, now: at(300) }));
}

#[test]
fn the_batch_is_written_before_cloudfront_is_asked_and_its_reference_never_changes() {
    let plan = decided(&view(Some(waiting(0, 10)), None), None, 45);
    let work = plan.work.unwrap();
    let batch = work.batch.clone().unwrap();
    assert_eq!((work.version, batch.paths.as_slice(), batch.taken_at), (4, &["/".to_owned(), "/index.html".to_owned()][..], at(45)));
    let step = plan.step.unwrap();
    assert_eq!((step.reference.as_str(), step.distribution.as_str()), ("nightshift-pizza-site-1795204845000", "E2QWRUHAPOMQZL"));
    // Whoever comes after a crash asks for the same one.
    let again = decided(&FrontEndView { work, ..view(None, None) }, None, 500).step.unwrap();
    assert_eq!(again, step);
}

#[test]
fn only_an_invalidation_that_was_made_is_followed() {
    assert_eq!(view(None, None).work.followed(), None);
    assert_eq!(view(None, Some(batch(0))).work.followed(), None);
    assert_eq!(view(None, Some(made(0))).work.followed(), made(0).made.as_ref());
}

#[test]
fn a_made_invalidation_is_followed_less_and_less_often_until_half_an_hour_is_over() {
    let mut looks = Vec::new();
    let mut now = 0;
    while now < 1_800 {
        let plan = decided(&view(None, Some(made(0))), reading(InvalidationStatus::InProgress), now);
        assert_eq!(plan.hold, Some(FrontEndHold::InProgress { since: at(0) }));
        now = plan.look_again_at.unwrap().duration_since(at(0)).as_secs();
        looks.push(now);
    }
    assert_eq!(looks, [30, 60, 120, 240, 480, 780, 1_080, 1_380, 1_680, 1_800]);
    let late = decided(&view(None, Some(made(0))), reading(InvalidationStatus::InProgress), 1_800);
    assert_eq!((late.notes[0].kind.as_str(), late.work.unwrap().batch, late.look_again_at), ("late", None, None));
}

#[test]
fn a_completed_one_is_told_and_what_arrived_meanwhile_is_the_next_batch() {
    let completed = reading(InvalidationStatus::Completed);
    let plan = decided(&view(None, Some(made(0))), completed.clone(), 50);
    assert_eq!((plan.notes[0].kind.as_str(), plan.hold, plan.step), ("completed", Some(FrontEndHold::Quiet), None));
    assert_eq!(plan.work.unwrap(), Work { version: 4, batch: None, told: None });
    let plan = decided(&view(Some(waiting(10, 15)), Some(made(0))), completed.clone(), 50);
    assert_eq!((plan.notes.len(), plan.work.unwrap().batch.unwrap().taken_at, plan.step.is_some()), (1, at(50), true));
    // Not before it has settled, and the end of the first is written all the same.
    let plan = decided(&view(Some(waiting(40, 45)), Some(made(0))), completed, 50);
    assert_eq!((plan.look_again_at, plan.work.unwrap().batch, plan.takes), (Some(at(75)), None, None));
    // One at a time.
    let plan = decided(&view(Some(waiting(10, 15)), Some(made(0))), reading(InvalidationStatus::InProgress), 50);
    assert_eq!((plan.step, plan.takes, plan.work), (None, None, None));
}

#[test]
fn a_pause_holds_the_step_but_not_the_following() {
    let pause = |until| Some(Pause { scope: "all".into(), by: "ana".into(), why: "sale".into(), until: at(until) });
    let paused = |pending, batch, until| FrontEndView { pause: pause(until), ..view(pending, batch) };
    for view in [paused(Some(waiting(0, 10)), None, 600), paused(None, Some(batch(50)), 600)] {
        let plan = decided(&view, None, 100);
        assert_eq!((plan.hold.unwrap().code(), plan.step, plan.takes, plan.look_again_at), ("paused", None, None, Some(at(600))));
    }
    // It may be ended early, so it is looked for in between.
    assert_eq!(decided(&paused(Some(waiting(0, 10)), None, 86_400), None, 100).look_again_at, Some(at(1_000)));
    let plan = decided(&paused(None, Some(made(0)), 600), reading(InvalidationStatus::Completed), 100);
    assert_eq!(plan.notes[0].kind, "completed");
    assert!(decided(&paused(Some(waiting(0, 10)), None, 99), None, 100).step.is_some(), "it is over");
}

#[test]
fn what_cannot_be_read_is_no_quiet() {
    for (kind, wait) in [(PortErrorKind::Throttled, 60), (PortErrorKind::Denied, 900)] {
        let seen = FrontEndSeen { at: at(0), view: Err(failed(kind)), invalidation: None };
        let plan = decide_front_end(&key(), &front_end("", &[]), &seen, at(0));
        assert_eq!((plan.hold.unwrap().code(), plan.look_again_at, plan.work), ("unreadable", Some(at(wait)), None));
        let plan = decided(&view(Some(waiting(0, 0)), Some(made(0))), Some(Err(failed(kind))), 60);
        assert_eq!((plan.hold.unwrap().code(), plan.look_again_at, plan.work), ("unreadable", Some(at(60 + wait)), None));
        let plan = decided(&view(None, Some(made(0))), Some(Err(failed(kind))), 1_800);
        assert_eq!(plan.notes[0].kind, "late", "not even an outage is waited for without end");
    }
    let gone = decided(&view(None, Some(made(0))), Some(Err(failed(PortErrorKind::NotFound))), 60);
    assert_eq!((gone.notes[0].kind.as_str(), gone.work.unwrap().batch), ("lost", None));
}

fn after(work: &Work, taken: &Taken, now: i64) -> After {
    let plan = decided(&FrontEndView { work: work.clone(), ..view(None, None) }, None, now);
    after_step(&front_end("", &[]), &plan, work, taken, at(now))
}

#[test]
fn after_the_step_it_is_followed_or_over() {
    let work = Work { version: 4, batch: Some(batch(0)), told: Some("x".into()) };
    let done = |status| Taken::Done { invalidation: InvalidationNow { id: "I1".into(), status } };
    let followed = after(&work, &done(InvalidationStatus::InProgress), 0);
    let expected = Work { version: 5, batch: Some(made(0)), told: None };
    assert_eq!((followed.work, followed.notes.len(), followed.look_again_at), (Some(expected), 0, Some(at(30))));
    let over = after(&work, &done(InvalidationStatus::Completed), 0);
    assert_eq!((over.work.unwrap().batch, over.notes[0].kind.as_str(), over.look_again_at), (None, "completed", None));
    let observed = after(&work, &Taken::WouldHaveDone, 0);
    assert_eq!((observed.work.unwrap().batch, observed.notes[0].kind.as_str()), (None, "would_have_invalidated"));
}

#[test]
fn a_refusal_is_told_once_and_tried_again_until_a_day_is_over() {
    let work = Work { version: 4, batch: Some(batch(0)), told: None };
    let refused = |kind| Taken::Failed { error: failed(kind) };
    let first = after(&work, &refused(PortErrorKind::Denied), 0);
    assert_eq!((first.notes[0].kind.as_str(), first.look_again_at), ("failed", Some(at(900))));
    let told = first.work.unwrap();
    assert_eq!(told.batch, work.batch);
    let again = after(&told, &refused(PortErrorKind::Denied), 900);
    assert_eq!((again.work, again.notes.len(), again.look_again_at), (None, 0, Some(at(1_800))));
    // What time can mend is told only after half an hour.
    let throttled = after(&work, &refused(PortErrorKind::Throttled), 60);
    assert_eq!((throttled.work, throttled.notes.len(), throttled.look_again_at), (None, 0, Some(at(120))));
    assert_eq!(after(&work, &refused(PortErrorKind::Throttled), 1_800).notes.len(), 1);
    let given_up = decided(&view(None, Some(batch(0))), None, 86_400);
    assert_eq!((given_up.notes[0].kind.as_str(), given_up.work.unwrap().batch, given_up.step), ("given_up", None, None));
}

#[test]
fn a_corrected_distribution_is_used_by_the_next_try() {
    let seen = FrontEndSeen { at: at(60), view: Ok(view(None, Some(batch(0)))), invalidation: None };
    let mut corrected = front_end("", &[]);
    corrected.distribution = "E3CORRECTED".into();
    assert_eq!(decide_front_end(&key(), &corrected, &seen, at(60)).step.unwrap().distribution, "E3CORRECTED");
}

#[test]
fn arrivals_close_together_arrange_one_look_that_comes_late_enough() {
    let site = front_end("", &[]);
    let looks: BTreeSet<Timestamp> = (0..30).map(|second| settle_look(&site, at(second))).collect();
    assert_eq!(looks, BTreeSet::from([at(60)]));
    for second in 0..200 {
        let wait = settle_look(&site, at(second)).duration_since(at(second)).as_secs();
        assert!((31..=60).contains(&wait), "{second}: {wait}");
    }
}

#[test]
fn people_read_what_happened_and_what_to_do() {
    let mut texts = Vec::new();
    let completed = decided(&view(None, Some(made(0))), reading(InvalidationStatus::Completed), 50).notes.remove(0);
    let late = decided(&view(None, Some(made(0))), reading(InvalidationStatus::InProgress), 1_800).notes.remove(0);
    let work = Work { version: 4, batch: Some(batch(0)), told: None };
    let denied = after(&work, &Taken::Failed { error: failed(PortErrorKind::NotFound) }, 0).notes.remove(0);
    let observed = after(&work, &Taken::WouldHaveDone, 0).notes.remove(0);
    for (note, mode) in [(completed, Mode::Act), (late, Mode::Act), (denied, Mode::Act), (observed, Mode::Observe)] {
        let message = note.message(&key(), "us-east-1", mode);
        assert!(message.subject.len() <= 100 && message.subject.is_ascii());
        let body: serde_json::Value = serde_json::from_str(&message.body).unwrap();
        texts.push(format!("{:?}\n{}\n{}", message.attributes, message.subject, body["email"].as_str().unwrap()));
        let chat: serde_json::Value = serde_json::from_str(&note.chat_message(&key(), mode).body).unwrap();
        assert_eq!((&chat["source"], &chat["metadata"]["threadId"]), (&"custom".into(), &"pizza/site".into()));
    }
    insta::assert_snapshot!(texts.join("\n\n"));
}

/// What came of a look is told in one word, one code and one sentence, whatever became of its step.
#[test]
fn an_outcome_says_what_became_of_the_step() {
    let asks = decided(&view(Some(waiting(0, 10)), None), None, 45);
    let holds = decided(&view(None, None), None, 0);
    let denied = failed(PortErrorKind::Denied);
    let unreadable = decided(&view(None, Some(made(0))), Some(Err(denied.clone())), 60);
    let outcome = |plan: &FrontEndPlan, taken: Option<Taken>| FrontEndOutcome {
        at: at(45),
        mode: Mode::Act,
        notes: plan.notes.clone(),
        plan: plan.clone(),
        taken,
        look_again_at: plan.look_again_at,
        troubles: Vec::new(),
    };
    let invalidation = InvalidationNow { id: "I1".into(), status: InvalidationStatus::InProgress };
    let cases = [
        ("done", outcome(&asks, Some(Taken::Done { invalidation })), true, 0),
        ("would have done", outcome(&asks, Some(Taken::WouldHaveDone)), true, 0),
        ("failed", outcome(&asks, Some(Taken::Failed { error: denied })), true, 1),
        ("not tried", outcome(&asks, None), true, 0),
        ("holds", outcome(&holds, None), false, 0),
        ("cannot be read", outcome(&unreadable, None), !unreadable.notes.is_empty(), 1),
        ("is followed", outcome(&decided(&view(None, Some(made(0))), reading(InvalidationStatus::Completed), 60), None), true, 0),
    ];
    let mut text = String::new();
    for (name, mut outcome, is_history, errors) in cases {
        assert_eq!((outcome.is_history(), outcome.errors().count()), (is_history, errors), "{name}");
        let seen = FrontEndSeen { at: at(45), view: Ok(view(None, None)), invalidation: None };
        let (answer, history) = (outcome.to_answer(), outcome.to_history(&seen));
        assert_eq!((history.decision.as_str(), history.reason.as_str()), (outcome.decision(), outcome.reason_code()), "{name}");
        assert_eq!((history.text, history.plan_id), (outcome.sentence(), outcome.plan.id.clone()), "{name}");
        assert_eq!(history.outcome["observation"], serde_json::json!(seen), "{name}: for replay");
        assert_eq!((&answer["decision"], &answer["mode"]), (&outcome.decision().into(), &"act".into()), "{name}");
        assert_eq!(answer["errors"].as_array().unwrap().len(), errors, "{name}");
        text.push_str(&format!("{name}: {} ({}): {}\n", outcome.decision(), outcome.reason_code(), outcome.sentence()));
        outcome.troubles.push(failed(PortErrorKind::Throttled));
        assert_eq!(outcome.errors().count(), errors + 1, "{name}: what failed beside it counts too");
    }
    insta::assert_snapshot!(text);
}
