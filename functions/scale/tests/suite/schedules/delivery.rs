//! Related events in any order, more than once, up to a day late: the service goes the same way as with each once and in time.

use jiff::{SignedDuration, Timestamp};
use nightshift_schedules::{Kind, Runs, Schedule};
use serde_json::Value;

use super::*;

/// From here on no alarm stands; what comes later finds nothing to do.
const CALM_AFTER: i64 = 30;
/// How late a copy may be, in seconds.
const LATE: [i64; 9] = [0, 0, 1, 20, 61, 180, 660, 3_600, 86_400];

/// The mail of a scene: the transition in every shape, older ones that mean nothing any more, looks that nobody arranged.
fn mail(scene: Scene, schedule: &Schedule, start: Timestamp) -> Vec<(Timestamp, Value)> {
    let now = "2026-11-20T13:59:40.000+0000";
    let mut events: Vec<Value> = match scene {
        Scene::Quiet => Vec::from(shapes("cpu-high", "ALARM", "2026-11-20T13:50:00.000+0000")),
        _ => Vec::from(shapes(scene.rule(), "ALARM", now)),
    };
    let other = if scene.rule() == "cpu-high" { "cpu-low" } else { "cpu-high" };
    events.extend(shapes(other, "ALARM", "2026-11-20T12:00:00.000+0000"));
    events.extend(shapes(other, "OK", "2026-11-20T13:30:00.000+0000"));
    events.extend(shapes(scene.rule(), "OK", "2026-11-20T13:00:00.000+0000"));
    events.extend([recheck_event(1), recheck_event(2), tick()]);
    let mut mail = Vec::new();
    for event in events {
        for _ in 0..schedule.below(3) {
            mail.push((start + SignedDuration::from_secs(*schedule.pick(&LATE)), event.clone()));
        }
    }
    schedule.shuffle(&mut mail);
    mail.sort_by_key(|(at, _)| *at);
    mail
}

#[test]
fn related_events_in_any_order_late_and_more_than_once() {
    let runs = Runs { function: "scale", kind: Kind::Delivery, test: "any_order", seeds: 510, distinct: 500 };
    runs.each(|schedule| {
        let scene = *schedule.pick(&[Scene::Busy, Scene::Idle, Scene::Crowded, Scene::Quiet]);
        let deps = scene.deps();
        let start = deps.estate.now.get();
        let mut mail = mail(scene, schedule, start).into_iter().peekable();
        let mut watch = Watch::new(&deps, schedule);
        watch.saw();
        // The tick of each minute, and with it what came since.
        for minute in 0..CALM_AFTER + 6 {
            if minute == CALM_AFTER {
                calm(&deps);
            }
            let end_of_minute = start + SignedDuration::from_mins(minute);
            while let Some((at, event)) = mail.next_if(|(at, _)| *at <= end_of_minute) {
                deps.estate.now.set(at.max(deps.estate.now.get()));
                schedule.note(0, &event.to_string());
                let answer = watch.deliver(&event).unwrap();
                assert!(answer.is_ok(), "{event}: {answer:?}");
            }
            deps.estate.now.set(end_of_minute.max(deps.estate.now.get()));
            for event in watch.due().into_iter().chain([tick()]) {
                let answer = watch.deliver(&event).unwrap();
                assert!(answer.is_ok(), "{event}: {answer:?}");
            }
        }
        let at_rest = watch.way();
        for (at, event) in mail {
            deps.estate.now.set(at.max(deps.estate.now.get()));
            assert!(watch.deliver(&event).unwrap().is_ok(), "{event}");
        }
        assert_eq!(watch.way(), at_rest, "something was done for an event that came late");
        assert_eq!(watch.way(), scene.way(), "{scene:?}");
        watch.kept_its_cooldowns(0);
        watch.left_a_clean_record();
    });
}
