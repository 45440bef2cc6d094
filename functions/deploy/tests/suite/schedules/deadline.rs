//! Calls of up to half a minute, and from a tenth of a second to a quarter of an hour left: the handler's own rule.
//!
//! The rule: a step is begun with three seconds left, or not at all. What is read and written around it has no such rule here.

use std::cell::Cell;
use std::time::Duration;

use jiff::SignedDuration;
use nightshift_core::release::*;
use nightshift_schedules::{Kind, Runs};

use super::*;
use crate::rotations::{URGENT, VERSION, told};
use crate::stories::{PLAIN, WEB, end_of};
use crate::troubles::{is_sound, plain};

/// As `walk.rs` says.
const TIME_FOR_A_STEP: Duration = Duration::from_secs(3);
const STEPS: [&str; 3] = ["make_revision", "roll_out", "take_back"];
const MILLISECONDS_LEFT: [u64; 14] =
    [100, 500, 1_000, 2_000, 2_900, 3_100, 8_000, 15_000, 30_000, 45_000, 60_000, 120_000, 300_000, 900_000];

#[test]
fn no_step_is_begun_too_late_and_what_was_cut_off_is_done_later() {
    let (stepped, stopped, cut_off) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let runs = Runs { function: "deploy", kind: Kind::Deadline, test: "no_step_too_late", seeds: 240, distinct: 200 };
    runs.each(|schedule| {
        let is_restart = schedule.chance(50);
        let (mut town, digest) = if is_restart { (Town::of(&format!("{PLAIN}{URGENT}"), &[EAST]), String::new()) } else { plain() };
        let left = Duration::from_millis(schedule.pick(&MILLISECONDS_LEFT) + schedule.below(100) as u64);
        schedule.note(0, &format!("{left:?}"));
        schedule.calls_take_up_to(Duration::from_secs(*schedule.pick(&[1, 5, 30])));
        let event = if is_restart { told(&town, VERSION)[0].clone() } else { push_event(EAST, "web", &digest, "v1") };
        let invocation = ticking("late", EAST, town.now(), SignedDuration::try_from(left).unwrap(), schedule);
        // In every second run Lambda ends what is not done in time; in the others it is seen that an answer comes.
        let kills = schedule.chance(50);
        let (answer, took) = schedule.block_on(async {
            let answer = schedule.alone(handle(&invocation, &town.regions[EAST], &event));
            let limit = if kills { left } else { Duration::from_hours(24) };
            (tokio::time::timeout(limit, answer).await.ok().flatten(), schedule.elapsed())
        });
        for call in schedule.calls().iter().filter(|call| STEPS.contains(&call.name.as_str())) {
            let left = left.checked_sub(call.at).unwrap_or_default();
            assert!(left >= TIME_FOR_A_STEP, "{} with {left:?} left", call.name);
            stepped.set(stepped.get() + 1);
        }
        match answer {
            Some(Ok(answer)) => stopped.set(stopped.get() + usize::from(answer.to_string().contains("no time left"))),
            Some(Err(error)) => assert_eq!(error.code(), "recheck_not_arranged", "{error}"),
            None => {
                assert!(kills, "no answer came");
                cut_off.set(cut_off.get() + 1);
            }
        }
        town.clock.set(town.now() + SignedDuration::try_from(took).unwrap());
        town.happens(minutes(1), EAST, event);
        town.run_for(minutes(60 * 24));
        is_sound(&town, &format!("{left:?} left"));
        assert_eq!(end_of(&town.book(EAST, "web"), 0), EndKind::Done);
        let world = town.estate(EAST).world();
        assert_eq!((world.digest_of(WEB), world.roll_outs), ((!is_restart).then_some(digest), 1));
    });
    let seen = (stepped.get(), stopped.get(), cut_off.get());
    assert!(std::env::var_os("NIGHTSHIFT_SEED").is_some() || (seen.0 > 50 && seen.1 > 20 && seen.2 > 50), "{seen:?}");
}
