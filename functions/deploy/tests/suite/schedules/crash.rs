//! A process that dies before or after any of its calls, anywhere on a release's way, and what Lambda and our looks do then: the
//! same end, each step once.

use nightshift_core::release::*;
use nightshift_schedules::{Kind, Runs};

use super::*;
use crate::fake::Fate;
use crate::rotations::{URGENT, VERSION, told};
use crate::stories::{PLAIN, WEB, end_of};
use crate::troubles::{is_sound, plain};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Forward,
    Back,
    Restart,
}

fn town(way: Way, schedule: &Schedule) -> (Town, String) {
    let (mut town, digest) = match way {
        Way::Restart => (Town::of(&format!("{PLAIN}{URGENT}"), &[EAST]), String::new()),
        Way::Forward | Way::Back => plain(),
    };
    town.schedule = Some(schedule.clone());
    town.sweep = None;
    match way {
        Way::Forward => {}
        Way::Back => drop(town.estate(EAST).world().bad.insert(digest.clone(), Fate::Crashes)),
        Way::Restart => {
            let [direct, _] = told(&town, VERSION);
            town.happens(minutes(0), EAST, direct);
        }
    }
    (town, digest)
}

fn places(way: Way) -> usize {
    let schedule = Schedule::new(0);
    town(way, &schedule).0.run_for(minutes(60));
    schedule.pauses()
}

#[test]
fn a_process_that_dies_anywhere_leaves_the_same_end_and_no_step_twice() {
    let ways = [Way::Forward, Way::Back, Way::Restart];
    let places: Vec<(Way, usize)> = ways.into_iter().flat_map(|way| (0..places(way)).map(move |place| (way, place))).collect();
    assert!(places.len() > 150, "only {} places", places.len());
    let seeds = places.len() as u64;
    let runs = Runs { function: "deploy", kind: Kind::Crash, test: "dies_anywhere", seeds, distinct: places.len() };
    runs.each(|schedule| {
        let (way, place) = places[schedule.seed() as usize % places.len()];
        schedule.note(place, &format!("{way:?}"));
        let (mut town, digest) = town(way, schedule);
        schedule.crash_at(place);
        town.run_for(minutes(60 * 24));
        let case = format!("{way:?}, died at {place}");
        is_sound(&town, &case);
        assert_eq!(town.failed, [], "{case}");
        let (end, image, revisions) = match way {
            Way::Forward => (EndKind::Done, Some(digest), 1),
            Way::Back => (EndKind::RolledBack, None, 1),
            Way::Restart => (EndKind::Done, None, 0),
        };
        let book = town.book(EAST, "web");
        assert_eq!((book.ended.len(), end_of(&book, 0)), (1, end), "{case}");
        let world = town.estate(EAST).world();
        assert_eq!((world.digest_of(WEB), world.roll_outs, world.revisions_made.len()), (image, 1, revisions), "{case}");
    });
}
