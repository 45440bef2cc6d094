//! The decider's table: a state, and the plan that comes of it as a person reads it.

use jiff::SignedDuration;
use nightshift_core::fleet::Bounds;
use nightshift_core::fleet::Direction;
use nightshift_core::ledger::{BoundsOverride, Handled, Intent, Lease, Pause};
use nightshift_core::ports::PortErrorKind;
use nightshift_core::scale::*;
use nightshift_core::signal::AlarmState;

use crate::scale_world::{FLEET, GROUP, ON_GROUP, World, count, failed};

fn table(cases: Vec<(&str, World)>) -> String {
    cases.into_iter().map(|(name, world)| format!("## {name}\n{}\n", world.plan())).collect()
}

fn grows() -> World {
    World::quiet(FLEET).in_alarm("cpu-high", 91.0)
}

fn shrinks() -> World {
    World::quiet(FLEET).in_alarm("cpu-low", 12.0)
}

fn minutes(number: i64) -> SignedDuration {
    SignedDuration::from_mins(number)
}

#[test]
fn growing() {
    let text = table(vec![
        ("the alarm stands and the metric agrees", grows()),
        ("to target: ceil(4 x 150 / 80) = 8", World::quiet(FLEET).in_alarm("requests", 150.0)),
        (
            "to target without a readable metric adds one",
            World::quiet(FLEET).in_alarm("requests", 150.0).with(|w| w.seen.metrics = Err(failed(PortErrorKind::Throttled))),
        ),
        ("two rules: the greater wish", grows().in_alarm("requests", 150.0)),
        ("the largest step is 4", World::quiet(FLEET).in_alarm("requests", 900.0)),
        ("near the most", grows().with(|w| *w.tasks() = crate::scale_world::tasks(9))),
        ("at the most", grows().with(|w| *w.tasks() = crate::scale_world::tasks(10))),
        ("in cooldown", grows().grew(60)),
        ("cooldown is over", grows().grew(120)),
        (
            "growing does not wait for a shrink's cooldown",
            grows().with(|w| {
                let at = w.now - minutes(1);
                w.ledger().record.last_shrink = Some(nightshift_core::ledger::Mark { at, from: count(5), to: count(4) });
            }),
        ),
        ("what was asked for has not arrived", grows().grew(150).with(|w| w.tasks().running = count(2))),
        ("what was asked for long ago will not arrive", grows().grew(600).with(|w| w.tasks().running = count(2))),
        ("during a deployment, under load that was seen", grows().with(|w| w.tasks().deployment = Some("deployment ecs-svc/7".into()))),
        (
            "during a deployment, with old data",
            grows().with(|w| {
                w.tasks().deployment = Some("deployment ecs-svc/7".into());
                w.metric("cpu-high").period_end = w.now - minutes(5);
            }),
        ),
        (
            "the hour's budget is spent",
            grows().with(|w| {
                let now = w.now;
                w.ledger().record.acted_at = (1..=6).map(|n| now - minutes(9 * n)).collect();
            }),
        ),
        ("fewer than the least", World::quiet(FLEET).with(|w| *w.tasks() = crate::scale_world::tasks(1))),
        ("none at all and in alarm", grows().with(|w| *w.tasks() = crate::scale_world::tasks(0))),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn shrinking() {
    let text = table(vec![
        ("the alarm stands and the metric agrees", shrinks()),
        ("at the least", shrinks().with(|w| *w.tasks() = crate::scale_world::tasks(2))),
        ("old data", shrinks().with(|w| w.metric("cpu-low").period_end = w.now - SignedDuration::from_secs(121))),
        ("data just young enough", shrinks().with(|w| w.metric("cpu-low").period_end = w.now - SignedDuration::from_secs(120))),
        ("no data", shrinks().with(|w| w.seen.metrics.as_mut().unwrap().clear())),
        ("the metric cannot be read", shrinks().with(|w| w.seen.metrics = Err(failed(PortErrorKind::Throttled)))),
        ("the metric is back", shrinks().with(|w| w.metric("cpu-low").value = 30.0)),
        ("soon after growing", shrinks().grew(200)),
        ("long after growing", shrinks().grew(300)),
        ("a rule that grows is in alarm too", shrinks().in_alarm("cpu-high", 95.0)),
        (
            "a rule that grows is in alarm, and at the most",
            shrinks().in_alarm("requests", 95.0).with(|w| *w.tasks() = crate::scale_world::tasks(10)),
        ),
        ("an alarm that would grow has no data", shrinks().with(|w| w.alarm("requests").state = AlarmState::InsufficientData)),
        (
            "an alarm that would grow does not exist",
            shrinks().with(|w| {
                w.seen.alarms.as_mut().unwrap().retain(|rule, _| rule.as_str() != "cpu-high");
            }),
        ),
        ("during a deployment", shrinks().with(|w| w.tasks().deployment = Some("deployment ecs-svc/7".into()))),
        ("not everything runs", shrinks().with(|w| w.tasks().running = count(3))),
        ("who else scales it is not known", shrinks().with(|w| w.seen.other_scaler = Err(failed(PortErrorKind::Unavailable)))),
        ("there is no Application Auto Scaling here", shrinks().with(|w| w.seen.other_scaler = Err(failed(PortErrorKind::NotFound)))),
        ("the ledger cannot be reached", shrinks().with(|w| w.seen.ledger = Err(failed(PortErrorKind::Unavailable)))),
        ("more than the most", World::quiet(FLEET).with(|w| *w.tasks() = crate::scale_world::tasks(18))),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn events_that_do_no_harm() {
    let text = table(vec![
        ("the alarm has cleared meanwhile", World::quiet(FLEET)),
        (
            "the very same event again",
            grows().with(|w| {
                let at = w.now - minutes(3);
                w.ledger().record.handled.push(Handled { key: "alarm/1".into(), at });
            }),
        ),
        ("a flap: ALARM, OK, ALARM within the cooldown", grows().grew(30)),
        ("ALARM by missing data: no datapoint for long", grows().with(|w| w.metric("cpu-high").period_end = w.now - minutes(11))),
        ("the alarm has no data", World::quiet(FLEET).with(|w| w.alarm("cpu-high").state = AlarmState::InsufficientData)),
        ("the alarm is suppressed", grows().with(|w| w.alarm("cpu-high").suppressed_by = Some("Alarm".into()))),
        ("the alarm stands, the metric is back", grows().with(|w| w.metric("cpu-high").value = 70.0)),
        (
            "alarms cannot be read, the event is fresh",
            World::quiet(FLEET).with(|w| w.seen.alarms = Err(failed(PortErrorKind::Throttled))).with(|w| w.metric("cpu-high").value = 90.0),
        ),
        (
            "alarms cannot be read, the event is old",
            World::quiet(FLEET).with(|w| w.seen.alarms = Err(failed(PortErrorKind::Throttled))).with(|w| {
                if let WakeKind::Alarm { changed_at, .. } = &mut w.wake.kind {
                    *changed_at = Some(w.now - minutes(3));
                }
            }),
        ),
        (
            "alarms cannot be read, the event's time is unknown",
            World::quiet(FLEET).with(|w| w.seen.alarms = Err(failed(PortErrorKind::Throttled))).with(|w| {
                if let WakeKind::Alarm { changed_at, .. } = &mut w.wake.kind {
                    *changed_at = None;
                }
            }),
        ),
        ("a tick when all is quiet", World::quiet(FLEET).with(|w| w.wake.kind = WakeKind::Tick)),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn gates() {
    let pause = |w: &mut World| {
        let until = w.now + minutes(90);
        w.ledger().pause = Some(Pause { scope: "shop".into(), by: "on-call".into(), why: "migration".into(), until });
    };
    let text = table(vec![
        ("paused", grows().with(pause)),
        ("a pause that has ended", grows().with(pause).with(|w| w.ledger().pause.as_mut().unwrap().until = w.now)),
        ("paused, and nothing is wanted", World::quiet(FLEET).with(pause)),
        ("paused, and fewer than the least", World::quiet(FLEET).with(pause).with(|w| *w.tasks() = crate::scale_world::tasks(1))),
        ("frozen", grows().with(|w| w.now = "2026-12-31T12:00:00Z".parse().unwrap())),
        (
            "another invocation acts",
            grows().with(|w| {
                let until = w.now + SignedDuration::from_secs(20);
                w.ledger().record.lease = Some(Lease { owner: "other".into(), until });
            }),
        ),
        (
            "Application Auto Scaling owns it",
            grows().with(|w| w.seen.other_scaler = Ok(Some(OtherScaler { name: "Application Auto Scaling".into() }))),
        ),
        ("the service is missing", grows().with(|w| w.seen.target = Err(failed(PortErrorKind::NotFound)))),
        ("the service is draining", grows().with(|w| w.tasks().status = "DRAINING".into())),
        ("the service cannot be read", grows().with(|w| w.seen.target = Err(failed(PortErrorKind::Throttled)))),
        ("no permission to read the service", grows().with(|w| w.seen.target = Err(failed(PortErrorKind::Denied)))),
        ("without the ledger growing goes ahead", grows().with(|w| w.seen.ledger = Err(failed(PortErrorKind::Unavailable)))),
        (
            "without the ledger our own repeat waits",
            grows().with(|w| {
                w.seen.ledger = Err(failed(PortErrorKind::Unavailable));
                w.wake.kind = WakeKind::Recheck { attempt: 1 };
            }),
        ),
        (
            "bounds set by hand",
            grows().with(|w| {
                let until = w.now + minutes(60);
                let bounds = Bounds::new(count(6), count(12)).unwrap();
                w.ledger().bounds_override = Some(BoundsOverride { bounds, by: "on-call".into(), why: "sale".into(), until });
            }),
        ),
    ]);
    insta::assert_snapshot!(text);
}

fn intent(from: u32, to: u32) -> impl FnOnce(&mut World) {
    move |w: &mut World| {
        let at = w.now - minutes(1);
        let target = StepTarget::Tasks(nightshift_core::fleet::EcsService { cluster: "shop".into(), service: "shop-api".into() });
        let record = &mut w.ledger().record;
        record.last_grow = Some(nightshift_core::ledger::Mark { at, from: count(from), to: count(to) });
        record.acted_at.push(at);
        record.intent = Some(Intent {
            plan_id: "dead".into(),
            direction: Direction::Grow,
            target,
            from: count(from),
            to: count(to),
            at,
            replaced: None,
        });
    }
}

#[test]
fn after_an_invocation_that_died() {
    let text = table(vec![
        ("it died before the call: the service still has what it had", grows().with(intent(4, 6))),
        ("it died after the call: the service has what was wished", grows().with(intent(2, 4))),
        ("somebody else set something else meanwhile", grows().with(intent(2, 3))),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn groups() {
    let quiet = || World::quiet(GROUP);
    let text = table(vec![
        ("CPU over 50 for 2 minutes adds one", quiet().in_alarm("cpu-high", 60.0)),
        ("CPU under 30 for 5 minutes removes one", quiet().in_alarm("cpu-low", 20.0)),
        ("the group's own most is lower", quiet().in_alarm("cpu-high", 60.0).with(|w| w.group().max = count(4))),
        (
            "during an instance refresh nothing is removed",
            quiet().in_alarm("cpu-low", 20.0).with(|w| w.group().refresh = Some("instance refresh 08b9 (50 %)".into())),
        ),
        (
            "a scaling policy owns the group",
            quiet()
                .in_alarm("cpu-high", 60.0)
                .with(|w| w.group().other_scaler = Some(OtherScaler { name: "the scaling policy cpu50".into() })),
        ),
        ("an instance in Terminating:Wait is not counted", quiet().in_alarm("cpu-low", 20.0).with(|w| w.group().in_service = count(3))),
    ]);
    insta::assert_snapshot!(text);
}

/// Two instances of 2,048 CPU units and 3,900 MiB with two tasks each.
fn rooms(cpu_left: u32, interfaces_taken: u32) -> Option<Reading<Placement>> {
    let room = InstanceRoom {
        cpu_left,
        memory_left: 1_800,
        cpu_total: 2_048,
        memory_total: 3_900,
        ports_taken: vec![22],
        interfaces_taken,
        pending_tasks: 0,
        running_tasks: 2,
    };
    let need = TaskNeed { cpu: 512, memory: 1_024, host_ports: Vec::new(), has_own_interface: true };
    Some(Ok(Placement { need, rooms: vec![room.clone(), room] }))
}

#[test]
fn tasks_on_instances() {
    let grows = || World::quiet(ON_GROUP).in_alarm("cpu-high", 91.0);
    let low = || World::quiet(ON_GROUP).in_alarm("cpu-low", 10.0);
    let text = table(vec![
        ("the room is not known yet", grows()),
        ("every interface is taken: the group grows in the same plan", grows().with(|w| w.seen.placement = rooms(1_024, 2))),
        ("there is room", grows().with(|w| w.seen.placement = rooms(1_024, 1))),
        ("CPU is short", grows().with(|w| w.seen.placement = rooms(100, 0))),
        (
            "the group is at its most",
            grows().with(|w| {
                *w.group() = GroupNow { max: count(2), ..w.group().clone() };
                w.seen.placement = rooms(100, 2);
            }),
        ),
        (
            "the capacity provider scales the group",
            grows().with(|w| {
                w.group().other_scaler = Some(OtherScaler { name: "an ECS capacity provider".into() });
            }),
        ),
        ("the room cannot be read", grows().with(|w| w.seen.placement = Some(Err(failed(PortErrorKind::Throttled))))),
        (
            "instances are on their way already",
            grows().with(|w| {
                w.group().desired = count(3);
                w.seen.placement = rooms(1_024, 2);
            }),
        ),
        ("tasks go first", low().with(|w| *w.group() = GroupNow { name: "shop-instances".into(), ..crate::scale_world::group(3) })),
        (
            "then instances",
            World::quiet(ON_GROUP).with(|w| {
                *w.group() = GroupNow { name: "shop-instances".into(), ..crate::scale_world::group(3) };
                let mut placement = rooms(1_024, 2).unwrap().unwrap();
                placement.rooms.push(InstanceRoom {
                    running_tasks: 0,
                    interfaces_taken: 0,
                    cpu_left: 2_048,
                    memory_left: 3_900,
                    ..placement.rooms[0].clone()
                });
                w.seen.placement = Some(Ok(placement));
            }),
        ),
    ]);
    insta::assert_snapshot!(text);
}
