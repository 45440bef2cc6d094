//! Calls of up to half a minute, and from a tenth of a second to a quarter of an hour left: the handler's own rule.
//!
//! The rule: a step is begun with four seconds left, or not at all. What is read and written around it has no such rule here.

use std::cell::Cell;
use std::time::Duration;

use nightshift_schedules::{Kind, Runs};

use super::*;

/// As `act.rs` says.
const TIME_FOR_A_STEP: Duration = Duration::from_secs(4);
/// How many seconds a call takes at most.
const SLOWEST: i64 = 30;
const MILLISECONDS_LEFT: [u64; 14] =
    [100, 500, 1_000, 2_000, 3_900, 4_100, 8_000, 15_000, 30_000, 45_000, 60_000, 120_000, 300_000, 900_000];

#[test]
fn no_step_is_begun_too_late_and_what_was_cut_off_is_done_later() {
    let (stepped, stopped, cut_off) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let runs = Runs { function: "scale", kind: Kind::Deadline, test: "no_step_too_late", seeds: 300, distinct: 250 };
    runs.each(|schedule| {
        let scene = *schedule.pick(&[Scene::Busy, Scene::Idle, Scene::Crowded]);
        let deps = scene.deps();
        let start = deps.estate.now.get();
        let mut watch = Watch::new(&deps, schedule);
        watch.saw();
        let left = Duration::from_millis(schedule.pick(&MILLISECONDS_LEFT) + schedule.below(100) as u64);
        schedule.calls_take_up_to(Duration::from_secs(*schedule.pick(&[1, 5, SLOWEST as u64])));
        let invocation = ticking(&deps, schedule, 0, SignedDuration::try_from(left).unwrap());
        let event = alarm_event(scene.rule(), "2026-11-20T13:59:40Z");
        // In every second run Lambda ends what is not done in time; in the others it is seen that an answer comes.
        let kills = schedule.chance(50);
        let (answer, took) = schedule.block_on(async {
            let answer = schedule.alone(handle(&invocation, &deps, &event));
            let limit = if kills { left } else { Duration::from_hours(24) };
            let answer = tokio::time::timeout(limit, answer).await.ok().flatten();
            (answer, schedule.elapsed())
        });
        for call in schedule.calls().iter().filter(|call| call.name.starts_with("set_")) {
            let left = left.checked_sub(call.at).unwrap_or_default();
            assert!(left >= TIME_FOR_A_STEP, "{} with {left:?} left", call.name);
            stepped.set(stepped.get() + 1);
            deps.estate.now.set(invocation.deadline - SignedDuration::try_from(left).unwrap());
        }
        watch.saw();
        deps.estate.now.set(start + SignedDuration::try_from(took).unwrap() + SignedDuration::from_mins(1));
        match answer {
            Some(Ok(answer)) => stopped.set(stopped.get() + usize::from(answer.to_string().contains("out_of_time"))),
            Some(Err(error)) => panic!("{error}"),
            None => {
                assert!(kills, "no answer came");
                cut_off.set(cut_off.get() + 1);
            }
        }
        schedule.calls_take_up_to(Duration::ZERO);
        assert!(watch.deliver(&event).unwrap().is_ok());
        watch.rest(20);
        assert_eq!(watch.way(), scene.way(), "{scene:?} with {left:?} left");
        watch.kept_its_cooldowns(SLOWEST * 2);
        watch.left_a_clean_record();
    });
    let seen = (stepped.get(), stopped.get(), cut_off.get());
    assert!(std::env::var_os("NIGHTSHIFT_SEED").is_some() || (seen.0 > 50 && seen.1 > 20 && seen.2 > 50), "{seen:?}");
}
