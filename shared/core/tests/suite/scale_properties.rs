//! The decider's rules as properties over worlds nobody wrote down.

use jiff::SignedDuration;
use nightshift_core::fleet::TaskCount;
use nightshift_core::ledger::{Mark, Pause};
use nightshift_core::ports::PortErrorKind;
use nightshift_core::scale::*;
use nightshift_core::signal::AlarmState;
use proptest::prelude::*;

use crate::scale_world::{FLEET, GROUP, ON_GROUP, World, count, failed, tasks};

fn state() -> impl Strategy<Value = AlarmState> {
    prop_oneof![Just(AlarmState::Alarm), Just(AlarmState::Ok), Just(AlarmState::InsufficientData)]
}

fn trouble() -> impl Strategy<Value = Option<PortErrorKind>> {
    prop_oneof![
        8 => Just(None),
        1 => Just(Some(PortErrorKind::Throttled)),
        1 => Just(Some(PortErrorKind::Denied)),
        1 => Just(Some(PortErrorKind::NotFound)),
    ]
}

prop_compose! {
    /// Any world: any sizes, alarms, metrics of any age, troubles in any part, any memory.
    fn world()(
        yaml in prop_oneof![Just(FLEET), Just(GROUP), Just(ON_GROUP)],
        desired in 0_u32..30, running in 0_u32..30, instances in 0_u32..8, in_service in 0_u32..8,
        states in prop::collection::vec((state(), 0.0_f64..300.0, -60_i64..900), 3),
        deployment in any::<bool>(), grew in prop::option::of(0_i64..900), shrank in prop::option::of(0_i64..900), actions in 0_i64..8,
        troubles in (trouble(), trouble(), trouble(), trouble()),
        placement in prop::option::of((0_u32..3_000, 0_u32..4)),
        wake in 0_u8..3,
    ) -> World {
        let mut world = World::quiet(yaml);
        let now = world.now;
        match world.seen.target.as_mut().unwrap() {
            TargetNow::Tasks(tasks) | TargetNow::TasksOnGroup(tasks, _) => {
                tasks.desired = count(desired);
                tasks.running = count(running);
                tasks.deployment = deployment.then(|| "deployment 1".to_owned());
            }
            TargetNow::Group(_) => {}
        }
        if let TargetNow::Group(group) | TargetNow::TasksOnGroup(_, group) = world.seen.target.as_mut().unwrap() {
            group.desired = count(instances);
            group.in_service = count(in_service);
        }
        let names: Vec<String> = world.seen.alarms.as_ref().unwrap().keys().map(ToString::to_string).collect();
        for (name, (state, value, age)) in names.iter().zip(states) {
            world.alarm(name).state = state;
            *world.metric(name) = MetricValue { value, period_end: now - SignedDuration::from_secs(age) };
        }
        let mark = |age: i64| Mark { at: now - SignedDuration::from_secs(age), from: count(1), to: count(2) };
        world.ledger().record.last_grow = grew.map(mark);
        world.ledger().record.last_shrink = shrank.map(mark);
        world.ledger().record.acted_at = (0..actions).map(|n| now - SignedDuration::from_mins(n * 8)).collect();
        world.wake.kind = match wake { 0 => WakeKind::Tick, 1 => WakeKind::Recheck { attempt: 2 }, _ => world.wake.kind.clone() };
        world.seen.placement = placement.map(|(cpu_left, interfaces_taken)| {
            let room = InstanceRoom { cpu_left, memory_left: 4_000, cpu_total: 2_048, memory_total: 4_000, interfaces_taken, ..InstanceRoom::default() };
            Ok(Placement { need: TaskNeed { cpu: 512, memory: 512, host_ports: Vec::new(), has_own_interface: true }, rooms: vec![room; instances as usize] })
        });
        let (target, alarms, metrics, ledger) = troubles;
        if let Some(kind) = target { world.seen.target = Err(failed(kind)); }
        if let Some(kind) = alarms { world.seen.alarms = Err(failed(kind)); }
        if let Some(kind) = metrics { world.seen.metrics = Err(failed(kind)); }
        if let Some(kind) = ledger { world.seen.ledger = Err(failed(kind)); }
        world
    }
}

/// The world after the plan's steps, a moment later: everything asked for has arrived.
fn after(mut world: World, plan: &Plan) -> World {
    for step in &plan.steps {
        match (world.seen.target.as_mut().unwrap(), &step.target) {
            (TargetNow::Tasks(tasks) | TargetNow::TasksOnGroup(tasks, _), StepTarget::Tasks(_)) => {
                tasks.desired = step.to;
                tasks.running = step.to;
            }
            (TargetNow::Group(group) | TargetNow::TasksOnGroup(_, group), StepTarget::Group(_)) => {
                group.desired = step.to;
                group.in_service = step.to;
            }
            _ => panic!("a step on something foreign"),
        }
    }
    if let Ok(view) = &mut world.seen.ledger {
        let mark = plan.main_step().map(|step| Mark { at: world.now, from: step.from, to: step.to });
        match plan.decision {
            Decision::Grow => view.record.last_grow = mark,
            Decision::Shrink => view.record.last_shrink = mark,
            Decision::Hold => {}
        }
    }
    world
}

fn is_main(step: &Step, world: &World) -> bool {
    matches!((&step.target, &world.seen.target), (StepTarget::Tasks(_), _) | (_, Ok(TargetNow::Group(_))))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, max_global_rejects: 100_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// `plan()` runs the checker too: bounds, guards, direction and step size hold in every world.
    #[test]
    fn the_same_world_has_the_same_plan_and_the_checker_agrees(world in world()) {
        prop_assert_eq!(world.plan(), world.plan());
    }

    #[test]
    fn steps_move_towards_the_bounds_or_stay_inside(world in world()) {
        let service = world.fleet.services.values().next().unwrap();
        for step in world.plan().steps.iter().filter(|step| is_main(step, &world)) {
            if step.to > step.from { prop_assert!(step.to <= service.bounds.max()); } else { prop_assert!(step.to >= service.bounds.min()); }
        }
    }

    #[test]
    fn deciding_again_on_the_result_is_nothing_to_do(world in world()) {
        let plan = world.plan();
        prop_assume!(!plan.steps.is_empty() && world.seen.ledger.is_ok());
        let later = after(world.clone(), &plan);
        let main = |plan: &Plan| plan.steps.iter().filter(|step| is_main(step, &world)).count();
        prop_assert_eq!(main(&later.plan()), 0, "first\n{}then\n{}", plan, later.plan());
    }

    #[test]
    fn paused_and_frozen_mean_no_step(world in world(), frozen in any::<bool>()) {
        let mut world = world;
        if frozen && world.fleet.services.values().any(|service| !service.limits.freeze.is_empty()) {
            world.now = "2026-12-31T12:00:00Z".parse().unwrap();
        } else {
            prop_assume!(world.seen.ledger.is_ok());
            let until = world.now + SignedDuration::from_mins(1);
            world.ledger().pause = Some(Pause { scope: "all".into(), by: "b".into(), why: "w".into(), until });
        }
        prop_assert_eq!(world.plan().steps.len(), 0);
    }

    #[test]
    fn nothing_shrinks_on_missing_old_or_unreadable_data(world in world(), how in 0_u8..4) {
        let mut world = world;
        let now = world.now;
        match how {
            0 => world.seen.metrics = Err(failed(PortErrorKind::Unavailable)),
            1 => if let Ok(values) = &mut world.seen.metrics { values.clear() },
            2 => if let Ok(values) = &mut world.seen.metrics {
                values.values_mut().for_each(|value| value.period_end = now - SignedDuration::from_secs(121));
            },
            _ => world.seen.ledger = Err(failed(PortErrorKind::Unavailable)),
        }
        let most = world.fleet.services.values().next().unwrap().bounds.max();
        // A service above its most comes down by its bounds, which are no metric; group steps follow tasks, not metrics.
        prop_assume!(how == 3 || world.seen.target.as_ref().is_ok_and(|target| target.desired() <= most));
        let shrinks = world.plan().steps.iter().filter(|step| is_main(step, &world) && step.to < step.from).count();
        prop_assert_eq!(shrinks, 0);
    }

    #[test]
    fn raising_the_signal_never_lowers_the_wish(desired in 2_u32..10, value in 101.0_f64..1_000.0, more in 0.0_f64..500.0) {
        let wish = |value: f64| {
            let world = World::quiet(FLEET).in_alarm("requests", value).with(|world| *world.tasks() = tasks(desired));
            world.plan().wish.map_or(0, TaskCount::get)
        };
        prop_assert!(wish(value) <= wish(value + more));
    }

    /// The first pass (room unknown) and the second (room known) wish for the same tasks.
    #[test]
    fn the_room_on_instances_never_changes_what_the_tasks_get(world in world()) {
        let without = World { seen: Observation { placement: None, ..world.seen.clone() }, ..world.clone() }.plan();
        let of_tasks = |plan: &Plan| plan.steps.iter().find(|step| matches!(step.target, StepTarget::Tasks(_))).map(|step| (step.from, step.to));
        prop_assert_eq!(of_tasks(&without), of_tasks(&world.plan()));
    }

    #[test]
    fn a_plan_without_steps_says_why(world in world()) {
        let plan = world.plan();
        prop_assert!(!plan.steps.is_empty() || !plan.withheld.is_empty(), "{}", plan);
    }
}
