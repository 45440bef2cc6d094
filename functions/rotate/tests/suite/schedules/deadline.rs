//! Calls of up to half a minute, and from a tenth of a second to a quarter of an hour left: the handler's own rule.
//!
//! The rule: neither a reading nor a step is begun with fourteen seconds left or less. What is recorded after it has no such rule here.

use std::cell::Cell;
use std::time::Duration;

use nightshift_schedules::{Kind, Runs};

use super::*;

/// As `walk.rs` says.
const TIME_FOR_A_ROUND: Duration = Duration::from_secs(14);
const MILLISECONDS_LEFT: [u64; 14] =
    [100, 1_000, 5_000, 13_900, 14_100, 20_000, 30_000, 45_000, 60_000, 90_000, 120_000, 180_000, 300_000, 900_000];

#[test]
fn no_step_is_begun_too_late_and_what_was_cut_off_is_done_later() {
    let (stepped, stopped, cut_off) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let runs = Runs { function: "rotate", kind: Kind::Deadline, test: "no_step_too_late", seeds: 250, distinct: 240 };
    runs.each(|schedule| {
        let name = *schedule.pick(&ROTATED);
        let mut town = town(schedule, name);
        let token = town.begin(name).unwrap();
        let mut watch = Watch::new(&town, name, &token);
        for one in StepName::ALL {
            let left = Duration::from_millis(schedule.pick(&MILLISECONDS_LEFT) + schedule.below(100) as u64);
            schedule.note(0, &format!("{left:?}"));
            schedule.calls_take_up_to(Duration::from_secs(*schedule.pick(&[1, 5, 30])));
            let invocation = ticking(&town, schedule, SignedDuration::try_from(left).unwrap());
            let event = step(name, &token, one);
            // In every second run Lambda ends what is not done in time; in the others it is seen that an answer comes.
            let kills = schedule.chance(50);
            let earlier = schedule.calls().len();
            let (came, took) = schedule.block_on(async {
                let came = schedule.alone(handle(&invocation, &town.deps, &event));
                let limit = if kills { left } else { Duration::from_hours(24) };
                (tokio::time::timeout(limit, came).await.ok().flatten(), schedule.elapsed())
            });
            schedule.calls_take_up_to(Duration::ZERO);
            for call in schedule.calls().iter().skip(earlier).filter(|call| STEPS.contains(&call.name.as_str())) {
                let left = left.checked_sub(call.at).unwrap_or_default();
                assert!(left > TIME_FOR_A_ROUND, "{} with {left:?} left", call.name);
                stepped.set(stepped.get() + 1);
            }
            match came {
                Some(came) => stopped.set(stopped.get() + usize::from(format!("{came:?}").contains("no time is left"))),
                None => {
                    assert!(kills, "no answer came");
                    cut_off.set(cut_off.get() + 1);
                }
            }
            watch.check(&town, schedule, &format!("{name}: {one} with {left:?} left"));
            town.pass_minutes(1 + took.as_secs() as i64 / 60);
        }
        hours(&town, schedule, &mut watch, 3);
        watch.has_ended_well(&town, schedule);
    });
    let seen = (stepped.get(), stopped.get(), cut_off.get());
    assert!(std::env::var_os("NIGHTSHIFT_SEED").is_some() || (seen.0 > 50 && seen.1 > 20 && seen.2 > 50), "{seen:?}");
}
