//! Two to sixteen invocations at once for one secret: one value, one move of the label, and one of them gets through.

use nightshift_schedules::{Kind, Runs};

use super::*;

#[test]
fn of_many_at_once_one_value_comes_and_nobody_is_shut_out() {
    let runs = Runs { function: "rotate", kind: Kind::Concurrency, test: "one_value", seeds: 250, distinct: 245 };
    runs.each(|schedule| {
        let name = *schedule.pick(&ROTATED);
        let mut town = town(schedule, name);
        let token = town.begin(name).unwrap();
        let mut watch = Watch::new(&town, name, &token);
        // A change of ElastiCache's takes minutes, in which another is refused: longer than any of these is at work.
        town.memory().clusters.values_mut().for_each(|cluster| cluster.takes = 1_000);
        for one in StepName::ALL {
            let own = step(name, &token, one);
            let others = [own.clone(), own.clone(), look(name), sweep()];
            let mut events: Vec<Value> = (0..1 + schedule.below(15)).map(|_| schedule.pick(&others).clone()).collect();
            events.push(own.clone());
            let invocations: Vec<Invocation> = events.iter().map(|_| ticking(&town, schedule, SignedDuration::from_secs(120))).collect();
            let calls = invocations.iter().zip(&events).map(|(invocation, event)| handle(invocation, &town.deps, event));
            let came: Vec<Came> = schedule.block_on(schedule.together(calls)).into_iter().map(|came| came_of(came.unwrap())).collect();
            let case = format!("{name}: {one}: {came:?}");
            watch.check(&town, schedule, &case);
            town.pass_minutes(1);
            town.memory().clusters.values_mut().for_each(|cluster| cluster.left = 0);
            // Whoever failed, Secrets Manager delivers the step again.
            let is_done = came.iter().zip(&events).any(|(came, event)| *event == own && came.is_done());
            if !is_done {
                let again = deliver(&town, schedule, &own).unwrap();
                assert!(again.is_done(), "{case}, and again: {again:?}");
            }
        }
        hours(&town, schedule, &mut watch, 2);
        watch.has_ended_well(&town, schedule);
    });
}
