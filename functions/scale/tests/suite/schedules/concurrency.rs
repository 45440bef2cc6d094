//! Two to sixteen invocations at once for one service: one acts, the others hold and say why.

use std::collections::BTreeSet;

use nightshift_schedules::{Kind, Runs};

use super::*;

/// Why the others did nothing. `rule` is the reason of who acted.
const REASONS: [&str; 4] = ["rule", "busy", "in_cooldown", "already_handled"];

#[test]
fn of_many_at_once_one_acts() {
    let runs = Runs { function: "scale", kind: Kind::Concurrency, test: "one_acts", seeds: 500, distinct: 490 };
    runs.each(|schedule| {
        let scene = *schedule.pick(&[Scene::Busy, Scene::Idle, Scene::Crowded]);
        let deps = scene.deps();
        let mut events = Vec::from(shapes(scene.rule(), "ALARM", "2026-11-20T13:59:40.000+0000"));
        events.extend([recheck_event(1), tick()]);
        let count = 2 + schedule.below(15);
        let events: Vec<&Value> = (0..count).map(|_| schedule.pick(&events)).collect();
        let invocations: Vec<Invocation> = (0..count).map(|id| ticking(&deps, schedule, id, SignedDuration::from_secs(30))).collect();
        let calls = invocations.iter().zip(&events).map(|(invocation, event)| handle(invocation, &deps, event));
        let answers = schedule.block_on(schedule.together(calls));

        let mut acted = 0;
        for answer in answers {
            let answer = answer.unwrap().unwrap_or_else(|error| panic!("{error}"));
            let reason = answer["reason"].as_str().unwrap().to_owned();
            assert!(REASONS.contains(&reason.as_str()), "{answer}");
            acted += usize::from(answer["ending"] == "acted");
        }
        assert_eq!(acted, 1, "{count} at once");
        assert_eq!((schedule.count("set_desired_tasks"), schedule.count(&scene.first_step())), (1, 1));
        assert_eq!(schedule.count("set_group_capacity"), usize::from(scene == Scene::Crowded));
        assert_eq!(deps.estate.desired(), scene.way()[1]);
        is_written_down_once(&deps, scene);
    });
}

/// The ledger, the history and the people's topic agree with what was done.
fn is_written_down_once(deps: &Deps<FakeEstate>, scene: Scene) {
    let world = deps.estate.world.borrow();
    let record = &world.view.record;
    assert_eq!((&record.lease, &record.intent), (&None, &None));
    let mark = if scene == Scene::Idle { &record.last_shrink } else { &record.last_grow };
    let mark = mark.as_ref().map(|mark| (mark.from.get(), mark.to.get()));
    assert_eq!(mark, Some((scene.way()[0], scene.way()[1])));
    assert!(!world.rechecks.is_empty(), "nobody looks again");
    let looks: BTreeSet<_> = world.rechecks.iter().map(|request| (&request.token, request.at)).collect();
    assert_eq!(looks.len(), world.rechecks.len(), "a look twice");
    let decided = if scene == Scene::Idle { "shrink" } else { "grow" };
    assert_eq!(world.history.iter().filter(|entry| entry.decision == decided).count(), 1);
    let is_of_the_act = |(name, value): &(&'static str, String)| *name == "kind" && value == "acted";
    assert_eq!(world.told.iter().filter(|(_, message)| message.attributes.iter().any(is_of_the_act)).count(), 1);
}
