//! A process that dies among the calls that it has out together, then the step up to three times more, or nobody but our own looks.

use nightshift_schedules::{Kind, Runs};

use super::*;

/// The pauses of an undisturbed rotation: before and after each call.
fn places(name: &str) -> usize {
    let (schedule, mut town) = (Schedule::new(0), FakeTown::new());
    let token = town.begin(name).unwrap();
    for one in StepName::ALL {
        assert!(deliver(&town, &schedule, &step(name, &token, one)).unwrap().is_done());
    }
    schedule.pauses()
}

#[test]
fn a_process_that_dies_anywhere_leaves_the_same_end() {
    let places: Vec<(&'static str, usize)> =
        ROTATED.into_iter().flat_map(|name| (0..places(name)).map(move |place| (name, place))).collect();
    assert!(places.len() > 300, "only {} places", places.len());
    let runs = Runs { function: "rotate", kind: Kind::Crash, test: "among_calls", seeds: places.len() as u64, distinct: places.len() };
    runs.each(|schedule| {
        let (name, place) = places[schedule.seed() as usize % places.len()];
        schedule.note(place, name);
        let mut town = town(schedule, name);
        let token = town.begin(name).unwrap();
        let mut watch = Watch::new(&town, name, &token);
        let deliveries = schedule.below(4);
        schedule.crash_at(place);
        'steps: for one in StepName::ALL {
            for _ in 0..=deliveries {
                let came = deliver(&town, schedule, &step(name, &token, one));
                watch.check(&town, schedule, &format!("{name}: {one}, dies at {place}"));
                if came.is_some_and(|came| came.is_done()) {
                    continue 'steps;
                }
            }
            break;
        }
        hours(&town, schedule, &mut watch, 3);
        watch.has_ended_well(&town, schedule);
    });
}
