//! Two to sixteen invocations at once for one service, at each turn of its way: one acts.

use nightshift_core::fleet::ApproverName;
use nightshift_core::release::*;
use nightshift_schedules::{Kind, Runs, Schedule};

use super::*;
use crate::rotations::{URGENT, VERSION, told};
use crate::stories::{CAREFUL, PLAIN, WEB, end_of};
use crate::troubles::{is_sound, plain};

/// Two to sixteen of these.
fn some(schedule: &Schedule, events: &[Value]) -> Vec<Value> {
    (0..2 + schedule.below(15)).map(|_| schedule.pick(events).clone()).collect()
}

/// Each ended in an answer, or in an error that Lambda tries again.
fn are_typed(answers: &[Result<Value, HandlerError>]) {
    for answer in answers {
        match answer {
            Ok(answer) => assert!(answer["decision"].is_string() && answer["reason"].is_string(), "{answer}"),
            Err(error) => assert_eq!(error.code(), "recheck_not_arranged", "{error}"),
        }
    }
}

#[test]
fn a_push_that_comes_many_times_at_once_is_one_release() {
    let runs = Runs { function: "deploy", kind: Kind::Concurrency, test: "pushes", seeds: 110, distinct: 105 };
    runs.each(|schedule| {
        let (mut town, digest) = plain();
        let push = push_event(EAST, "web", &digest, "v1");
        let mut events = some(schedule, &[push.clone(), scan_complete(&digest, "v1"), sweep(), look()]);
        events.push(push);
        are_typed(&at_once(&mut town, schedule, &events));
        assert_eq!(schedule.count("roll_out"), 1, "{} at once", events.len());
        town.run_for(minutes(60 * 24));
        is_sound(&town, "pushes at once");
        let world = town.estate(EAST).world();
        assert_eq!((world.digest_of(WEB), world.roll_outs, world.changes), (Some(digest), 1, 2));
        drop(world);
        assert_eq!((end_of(&town.book(EAST, "web"), 0), town.failed.len()), (EndKind::Done, 0));
    });
}

/// What rolls has succeeded, failed, or was told to go back; all who look find it at once.
#[test]
fn of_many_that_look_at_a_roll_out_at_once_one_goes_on() {
    let runs = Runs { function: "deploy", kind: Kind::Concurrency, test: "roll_outs", seeds: 110, distinct: 105 };
    runs.each(|schedule| {
        let (mut town, digest) = plain();
        let is_bad = schedule.chance(50);
        town.estate(EAST).world().takes_back = schedule.chance(50);
        if is_bad {
            town.estate(EAST).world().bad.insert(digest.clone(), crate::fake::Fate::Crashes);
        }
        town.run_for(minutes(1));
        town.clock.set(town.now() + minutes(4));
        let word = if is_bad { "IN_PROGRESS" } else { "COMPLETED" };
        let events = some(schedule, &[look(), sweep(), deployment(word), push_event(EAST, "web", &digest, "v1")]);
        are_typed(&at_once(&mut town, schedule, &events));
        let goes_back = schedule.count("take_back") + schedule.count("roll_out");
        assert!(goes_back <= 2 * usize::from(is_bad), "{goes_back} steps back");
        town.run_for(minutes(60 * 24));
        is_sound(&town, "looks at once");
        let world = town.estate(EAST).world();
        let natively = world.takes_back;
        assert_eq!(world.roll_outs, 1 + u32::from(is_bad && !natively), "bad {is_bad}, natively {natively}");
        assert_eq!(world.digest_of(WEB), (!is_bad).then_some(digest));
    });
}

#[test]
fn of_many_that_bring_the_last_answer_at_once_one_rolls_out() {
    let runs = Runs { function: "deploy", kind: Kind::Concurrency, test: "answers", seeds: 24, distinct: 23 };
    runs.each(|schedule| {
        let mut town = Town::of(CAREFUL, &[EAST, WEST]);
        town.verdict = None;
        let digest = town.push("web", "v1");
        town.run_for(minutes(12));
        let release = town.book(EAST, "web").active.unwrap().id.to_string();
        for name in ["lead", "deputy"] {
            let answer = Answer { verdict: Verdict::Approve, at: town.now(), via: "page".into() };
            let name: ApproverName = name.to_owned().try_into().unwrap();
            let slot = (release.clone(), "production".to_owned());
            town.estate(EAST).world().answers.entry(slot).or_default().insert(name, answer);
        }
        let events = some(schedule, &[answered(&town), answered(&town), look(), sweep()]);
        are_typed(&at_once(&mut town, schedule, &events));
        assert_eq!(schedule.count("roll_out"), 1);
        town.run_for(minutes(60 * 9));
        is_sound(&town, "answers at once");
        for (region, roll_outs) in [(EAST, 2), (WEST, 1)] {
            let world = town.estate(region).world();
            assert_eq!((world.digest_of(WEB), world.roll_outs), (Some(digest.clone()), roll_outs), "{region}");
        }
    });
}

#[test]
fn a_rotated_secret_that_is_told_many_times_at_once_is_one_restart() {
    let runs = Runs { function: "deploy", kind: Kind::Concurrency, test: "restarts", seeds: 110, distinct: 105 };
    runs.each(|schedule| {
        let mut town = Town::of(&format!("{PLAIN}{URGENT}"), &[EAST]);
        let [direct, label] = told(&town, VERSION);
        let mut events = some(schedule, &[direct.clone(), label, look(), sweep()]);
        events.push(direct);
        are_typed(&at_once(&mut town, schedule, &events));
        town.run_for(minutes(120));
        is_sound(&town, "restarts at once");
        let handed = town.book(EAST, "web").handed("web/db").unwrap().state.clone();
        assert!(matches!(handed, HandedState::Proven { .. }), "{handed:?}");
        let world = town.estate(EAST).world();
        assert_eq!((world.roll_outs, world.revisions_made.len()), (1, 0));
    });
}
