//! Both sides of the decider's edges: bounds, wishes for what is there already, which reason says most, when a group is spared.

use nightshift_core::fleet::EcsService;
use nightshift_core::ledger::Pause;
use nightshift_core::scale::*;
use nightshift_core::signal::AlarmState;

use crate::scale_world::{FLEET, GROUP, ON_GROUP, World, count, group, tasks};

#[test]
fn a_pause_is_the_reason_only_where_it_holds_something_back() {
    let paused = |desired: u32| {
        World::quiet(FLEET).with(|world| {
            let until = world.now + jiff::SignedDuration::from_hours(1);
            world.ledger().pause = Some(Pause { scope: "shop".into(), by: "ann".into(), why: "a move".into(), until });
            *world.tasks() = tasks(desired);
        })
    };
    // The bounds are 2 to 10: inside them, nothing is to be done that the pause would hold back.
    for (desired, reason) in [(1, "paused"), (2, "alarm_cleared"), (10, "alarm_cleared"), (11, "paused"), (12, "paused")] {
        assert_eq!(paused(desired).plan().reason_code(), reason, "{desired} tasks");
    }
    assert_eq!(paused(10).in_alarm("cpu-low", 12.0).plan().reason_code(), "paused");
}

#[test]
fn of_several_reasons_the_one_that_says_most_is_told() {
    let back = || World::quiet(FLEET).in_alarm("cpu-high", 60.0);
    assert_eq!(back().plan().reason_code(), "metric_back", "it says more than quiet rules");
    let no_data = back().with(|world| world.alarm("requests").state = AlarmState::InsufficientData);
    assert_eq!(no_data.plan().reason_code(), "alarm_has_no_data");
    let missing = no_data.in_alarm("cpu-low", 12.0).with(|world| {
        world.seen.metrics.as_mut().unwrap().retain(|rule, _| rule.as_str() != "cpu-low");
    });
    assert_eq!(missing.plan().reason_code(), "metric_missing");
}

#[test]
fn a_rule_that_would_take_nothing_away_is_quiet_and_at_nothing_it_is_at_the_least() {
    let low = |then: &str, desired: u32, value: f64| {
        let fleet = FLEET.replace("{ min: 2, max: 10 }", "{ min: 0, max: 10 }").replace("{ remove: 1 }", then);
        let world = World::quiet(&fleet).in_alarm("cpu-low", value).with(|world| world.wake.kind = WakeKind::Tick);
        let plan = world.with(|world| *world.tasks() = tasks(desired)).plan();
        (plan.reason_code().to_owned(), plan.steps.first().map(|step| step.to.get()))
    };
    let held = |code: &str| (code.to_owned(), None);
    // ceil(4 x 29 / 30) is 4 again, ceil(4 x 22 / 30) is 3.
    assert_eq!(low("{ to_target: 30 }", 4, 29.0), held("quiet"));
    assert_eq!(low("{ to_target: 30 }", 4, 22.0).1, Some(3));
    assert_eq!(low("{ remove: 1 }", 1, 12.0).1, Some(0));
    assert_eq!(low("{ remove: 1 }", 0, 12.0), held("at_bound"));
}

fn on_three() -> World {
    World::quiet(ON_GROUP).with(|world| *world.group() = GroupNow { name: "shop-instances".into(), ..group(3) })
}

/// Only when everything runs as it was asked for, and above the group's least, is it looked whether an instance can go.
#[test]
fn whether_instances_can_go_is_looked_at_when_all_is_settled() {
    type Case = (&'static str, fn(&mut World), bool);
    let cases: [Case; 5] = [
        ("all is settled", |_| {}, true),
        ("a task that is to go still runs", |world| world.tasks().running = count(5), false),
        ("a task is about to start", |world| world.tasks().pending = count(1), false),
        ("an instance is not in service", |world| world.group().in_service = count(2), false),
        ("the group is at its least", |world| (world.group().desired, world.group().in_service) = (count(2), count(2)), false),
    ];
    for (what, change, is_looked) in cases {
        let plan = on_three().with(change).plan();
        assert_eq!((plan.decision, plan.needs_placement), (Decision::Hold, is_looked), "{what}");
    }
}

#[test]
fn an_instance_goes_when_no_rule_asks_to_grow_and_every_instance_is_known() {
    let known = |instances: usize| {
        on_three().with(|world| {
            let full = InstanceRoom { cpu_left: 1_024, memory_left: 1_800, running_tasks: 2, ..InstanceRoom::default() };
            let empty = InstanceRoom { cpu_left: 2_048, memory_left: 3_900, running_tasks: 0, ..full.clone() };
            let need = TaskNeed { cpu: 512, memory: 1_024, host_ports: Vec::new(), has_own_interface: false };
            let rooms = [full.clone(), full, empty].into_iter().take(instances).collect();
            world.seen.placement = Some(Ok(Placement { need, rooms }));
        })
    };
    let goes_to = |world: World| world.plan().steps.first().map(|step| step.to.get());
    assert_eq!(goes_to(known(3)), Some(2));
    assert_eq!(goes_to(known(2)), None, "one of the three has not registered");
    // Both alarms stand although their metrics are back: one of them may soon ask for more.
    assert_eq!(goes_to(known(3).in_alarm("cpu-high", 50.0)), None);
    assert_eq!(goes_to(known(3).in_alarm("cpu-low", 50.0)), Some(2));
}

/// The checker knows what the service runs on: its cluster, its service and its group, by their names.
#[test]
fn a_step_on_anything_else_is_refused() {
    let ecs = |cluster: &str, service: &str| StepTarget::Tasks(EcsService { cluster: cluster.into(), service: service.into() });
    let asg = |name: &str| StepTarget::Group(name.into());
    let both = World::quiet(ON_GROUP).in_alarm("cpu-high", 91.0).with(|world| {
        let room = InstanceRoom { cpu_total: 1_024, memory_total: 1_024, ..InstanceRoom::default() };
        let need = TaskNeed { cpu: 512, memory: 512, host_ports: Vec::new(), has_own_interface: false };
        world.seen.placement = Some(Ok(Placement { need, rooms: vec![room; 2] }));
    });
    for (world, own, others) in [
        (
            World::quiet(FLEET).in_alarm("cpu-high", 91.0),
            vec![ecs("shop", "shop-api")],
            vec![ecs("shop", "other"), ecs("other", "shop-api"), asg("shop-api")],
        ),
        (World::quiet(GROUP).in_alarm("cpu-high", 91.0), vec![asg("shop-web")], vec![asg("other"), ecs("shop", "shop-web")]),
        (both, vec![asg("shop-instances"), ecs("shop", "shop-api")], vec![asg("other"), ecs("shop", "other")]),
    ] {
        let plan = world.plan();
        let service = world.fleet.services.values().next().unwrap();
        let policy = ServicePolicy::at(world.key(), service, world.now);
        assert_eq!(plan.steps.iter().map(|step| step.target.clone()).collect::<Vec<_>>(), own);
        for at in 0..plan.steps.len() {
            for other in &others {
                let mut spoilt = plan.clone();
                spoilt.steps[at].target = other.clone();
                assert_eq!(check(&spoilt, &world.seen, &policy, world.now), Err(Violation::ForeignTarget), "{other}");
            }
        }
    }
}
