//! The four steps in any order, more than once, late, among looks and sweeps, and those of the rotation before: the same end.

use nightshift_schedules::{Kind, Runs};

use super::*;

#[test]
fn steps_looks_and_sweeps_in_any_order() {
    let runs = Runs { function: "rotate", kind: Kind::Delivery, test: "any_order", seeds: 510, distinct: 505 };
    runs.each(|schedule| {
        let name = *schedule.pick(&ROTATED);
        let mut town = town(schedule, name);
        // Steps of the rotation before may come again, whenever they like.
        let older = town.current_version(name);
        let token = town.begin(name).unwrap();
        let mut watch = Watch::new(&town, name, &token);
        let mut events: Vec<Value> = Vec::new();
        for one in StepName::ALL {
            events.extend((0..1 + schedule.below(3)).map(|_| step(name, &token, one)));
            events.extend((0..schedule.below(2)).map(|_| step(name, &older, one)));
        }
        events.extend((0..schedule.below(3)).map(|_| look(name)));
        events.extend((0..schedule.below(2)).map(|_| sweep()));
        // Anything goes, or only a little out of order.
        if schedule.chance(50) {
            schedule.shuffle(&mut events);
        } else {
            for _ in 0..4 {
                let place = schedule.below(events.len() - 1);
                events.swap(place, place + 1);
            }
        }
        for event in events {
            schedule.note(0, &event.to_string());
            let came = deliver(&town, schedule, &event).unwrap();
            watch.check(&town, schedule, &format!("{name}: {event}: {came:?}"));
            town.pass_minutes(*schedule.pick(&[0, 0, 0, 1, 2, 10, 70]));
        }
        hours(&town, schedule, &mut watch, 3);
        watch.has_ended_well(&town, schedule);
        // And late, after the end: nothing is changed any more.
        let value = town.value(name, "AWSCURRENT");
        for one in StepName::ALL {
            let token = if schedule.chance(50) { &token } else { &older };
            deliver(&town, schedule, &step(name, token, one)).unwrap();
            watch.check(&town, schedule, "after the end");
        }
        assert_eq!(town.value(name, "AWSCURRENT"), value);
        watch.has_ended_well(&town, schedule);
        town.readers_become(name, true);
        town.pass_minutes(61);
        deliver(&town, schedule, &sweep()).unwrap();
        watch.check(&town, schedule, "handed over");
    });
}
