//! A process that dies before or after any of its calls, and the event again: the same end, and no step twice.

use nightshift_schedules::{Kind, Runs};

use super::*;

const SCENES: [Scene; 3] = [Scene::Busy, Scene::Idle, Scene::Crowded];

fn event(scene: Scene) -> Value {
    alarm_event(scene.rule(), "2026-11-20T13:59:40Z")
}

/// Where an undisturbed invocation can die: before and after each call.
fn places(scene: Scene) -> usize {
    let (deps, schedule) = (scene.deps(), Schedule::new(0));
    Watch::new(&deps, &schedule).deliver(&event(scene)).unwrap().unwrap();
    schedule.pauses()
}

#[test]
fn a_process_that_dies_anywhere_leaves_the_same_end() {
    let places: Vec<(Scene, usize)> = SCENES.into_iter().flat_map(|scene| (0..places(scene)).map(move |place| (scene, place))).collect();
    assert!(places.len() > 60, "only {} places", places.len());
    let seeds = 2 * places.len() as u64;
    let runs = Runs { function: "scale", kind: Kind::Crash, test: "dies_anywhere", seeds, distinct: places.len() };
    runs.each(|schedule| {
        let (scene, place) = places[schedule.seed() as usize % places.len()];
        schedule.note(place, &format!("{scene:?}"));
        let deps = scene.deps();
        let mut watch = Watch::new(&deps, schedule);
        watch.saw();
        schedule.crash_at(place);
        assert!(watch.deliver(&event(scene)).is_none(), "{scene:?}: it did not die at {place}");
        // Lambda's two retries, and one copy more.
        for again in 0..=schedule.below(3) {
            deps.estate.pass(60 * (1 + again as i64));
            let answer = watch.deliver(&event(scene)).unwrap();
            assert!(answer.is_ok(), "{answer:?}");
        }
        watch.rest(20);
        assert_eq!(watch.way(), scene.way(), "{scene:?}, died at {place}");
        watch.kept_its_cooldowns(0);
        watch.left_a_clean_record();
    });
}
