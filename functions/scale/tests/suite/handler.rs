//! What the function does with its estate, call by call, when all goes well or somebody else is at work too.

use nightshift_core::fleet::Bounds;
use nightshift_core::outcome::Mode;
use nightshift_core::scale::{GroupNow, InstanceRoom, TaskNeed};
use nightshift_core::signal::AlarmState;
use nightshift_lambda::HandlerError;
use nightshift_scale::{Deps, handle};
use serde_json::{Value, json};

use crate::fake::*;

pub fn run(deps: &Deps<FakeEstate>, id: &str, event: &Value) -> Result<Value, HandlerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(handle(&invocation(deps, id), deps, event))
}

pub fn ok(deps: &Deps<FakeEstate>, id: &str, event: &Value) -> Value {
    run(deps, id, event).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn an_alarm_grows_the_service_and_leaves_a_trace_everywhere() {
    let deps = busy(PIZZA);
    let answer = ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40.000+0000"));

    assert_eq!(
        (answer["decision"].as_str(), answer["reason"].as_str(), answer["ending"].as_str()),
        (Some("grow"), Some("rule"), Some("acted"))
    );
    assert_eq!(answer["steps"][0]["result"], "done");
    assert_eq!(answer["plan_id"].as_str().map(str::len), Some(16));
    assert_eq!(deps.estate.desired(), 4);

    let world = deps.estate.world.borrow();
    let record = &world.view.record;
    assert_eq!((record.lease.clone(), record.intent.clone()), (None, None), "lease and intent are gone after the act");
    assert_eq!(record.last_grow.map(|mark| (mark.from.get(), mark.to.get())), Some((2, 4)));
    assert_eq!(record.handled.len(), 1);
    assert_eq!(world.rechecks.len(), 1);
    assert_eq!(world.rechecks[0].at.to_string(), "2026-11-20T14:02:00Z");
    assert_eq!((world.history.len(), world.history[0].decision.as_str()), (1, "grow"));
    assert_eq!(world.told.len(), 1);
    insta::assert_snapshot!(format!("{}\n\n{}", world.told[0].1.subject, body(&world.told[0].1.body, "default")));
}

fn body(body: &str, protocol: &str) -> String {
    serde_json::from_str::<Value>(body).unwrap()[protocol].as_str().unwrap().to_owned()
}

#[test]
fn machines_get_json_and_attributes_to_filter_on() {
    let deps = busy(PIZZA);
    ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    let world = deps.estate.world.borrow();
    let message = &world.told[0].1;
    let machine: Value = serde_json::from_str(&body(&message.body, "sqs")).unwrap();
    assert_eq!((&machine["kind"], &machine["severity"], &machine["system"]), (&json!("acted"), &json!("info"), &json!("pizza")));
    let attributes: Vec<_> = message.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(attributes, ["system=pizza", "service=api", "severity=info", "kind=acted"]);
}

/// The order of calls: everything up to the first step is two rounds of calls that go out together.
#[test]
fn the_step_is_the_third_round_trip() {
    let deps = busy(PIZZA);
    ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    let journal = deps.estate.journal.borrow();
    assert_eq!(journal[..5], ["alarms_now", "newest_values", "tasks_now", "other_scaler", "ledger read"]);
    assert_eq!(journal[5..8], ["ledger store", "tasks_now", "set_desired_tasks 4"]);
}

#[test]
fn while_the_alarm_stays_it_grows_again_until_the_bound_and_tells_of_the_bound_once() {
    let deps = busy(PIZZA);
    ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    for attempt in 1..5 {
        deps.estate.pass(120);
        ok(&deps, "again", &recheck_event(attempt));
    }
    assert_eq!(deps.estate.desired(), 6);
    let world = deps.estate.world.borrow();
    let subjects: Vec<_> = world.told.iter().map(|(_, message)| message.subject.as_str()).collect();
    assert_eq!(
        subjects,
        [
            "pizza/api: 2 -> 4 tasks (cpu-high)",
            "pizza/api: 4 -> 6 tasks (cpu-high)",
            "pizza/api: nothing done: at the most already: 6 (the fleet file)"
        ]
    );
    assert_eq!(world.rechecks.len(), 2, "at the bound no further look is arranged");
}

#[test]
fn the_same_event_twice_acts_once() {
    let deps = busy(PIZZA);
    let event = alarm_event("cpu-high", "2026-11-20T13:59:40Z");
    ok(&deps, "1", &event);
    deps.estate.pass(600);
    let second = ok(&deps, "2", &event);
    assert_eq!(second["reason"], "already_handled");
    assert_eq!(deps.estate.desired(), 4);
}

#[test]
fn an_old_event_of_an_alarm_that_cleared_does_nothing() {
    let deps = busy(PIZZA);
    deps.estate.world.borrow_mut().alarms.insert("nightshift-pizza-api-cpu-high".into(), AlarmState::Ok);
    let answer = ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T09:00:00Z"));
    assert_eq!((&answer["decision"], &answer["reason"]), (&json!("hold"), &json!("alarm_cleared")));
    assert_eq!(deps.estate.calls("set_"), 0);
    assert_eq!(deps.estate.world.borrow().told.len(), 0, "what passes by itself is not worth a message");
}

#[test]
fn observe_mode_does_everything_but_the_act() {
    let mut deps = busy(PIZZA);
    deps.config.mode = Mode::Observe;
    let answer = ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    assert_eq!((&answer["ending"], &answer["mode"]), (&json!("would_have_acted"), &json!("observe")));
    assert_eq!((deps.estate.calls("set_"), deps.estate.desired()), (0, 2));
    let world = deps.estate.world.borrow();
    assert_eq!((world.history.len(), world.rechecks.len()), (1, 1));
    insta::assert_snapshot!(format!("{}\n\n{}", world.told[0].1.subject, body(&world.told[0].1.body, "default")));
}

#[test]
fn observe_mode_does_not_tell_the_same_again_and_again() {
    let mut deps = busy(PIZZA);
    deps.config.mode = Mode::Observe;
    ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    for attempt in 1..4 {
        deps.estate.pass(120);
        ok(&deps, "again", &recheck_event(attempt));
    }
    assert_eq!(deps.estate.world.borrow().told.len(), 1);
}

#[test]
fn a_quiet_service_shrinks_by_one() {
    let deps = idle(PIZZA);
    let answer = ok(&deps, "1", &alarm_event("cpu-low", "2026-11-20T13:59:40Z"));
    assert_eq!((&answer["decision"], deps.estate.desired()), (&json!("shrink"), 3));
}

#[test]
fn a_value_that_moved_between_plan_and_step_stops_the_step() {
    let deps = busy(PIZZA);
    // The first store is the lease; by then somebody has set three.
    *deps.estate.meanwhile.borrow_mut() = Some(("ledger store", |world| world.tasks.as_mut().unwrap().desired = count(3)));
    let answer = ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    assert_eq!((&answer["ending"], &answer["steps"][0]["result"]), (&json!("unfinished"), &json!("world_moved")));
    assert_eq!((deps.estate.desired(), deps.estate.calls("set_")), (3, 0));
    let world = deps.estate.world.borrow();
    assert_eq!(world.view.record.last_grow, None, "what was not done leaves no cooldown");
    assert_eq!(world.rechecks.len(), 1, "it is looked at again soon");
}

#[test]
fn two_invocations_at_once_act_once() {
    let deps = busy(PIZZA);
    *deps.estate.meanwhile.borrow_mut() = Some(("ledger store", |world| {
        let until = "2026-11-20T14:00:35Z".parse().unwrap();
        world.view.record.version += 1;
        world.view.record.lease = Some(nightshift_core::ledger::Lease { owner: "1".into(), until });
    }));
    let answer = ok(&deps, "2", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    assert_eq!((&answer["reason"], deps.estate.calls("set_")), (&json!("busy"), 0));
    assert_eq!(deps.estate.world.borrow().rechecks.len(), 1, "the later one looks again");
}

#[test]
fn the_holder_of_the_lease_is_not_disturbed_by_who_comes_second() {
    let deps = busy(PIZZA);
    {
        let mut world = deps.estate.world.borrow_mut();
        let until = "2026-11-20T14:00:35Z".parse().unwrap();
        world.view.record.version = 7;
        world.view.record.lease = Some(nightshift_core::ledger::Lease { owner: "1".into(), until });
    }
    let answer = ok(&deps, "2", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    assert_eq!((&answer["reason"], deps.estate.calls("ledger store")), (&json!("busy"), 0));
}

#[test]
fn a_note_that_somebody_wrote_meanwhile_costs_a_second_look_and_not_a_minute() {
    let deps = busy(PIZZA);
    *deps.estate.meanwhile.borrow_mut() = Some(("ledger store", |world| world.view.record.version += 1));
    let answer = ok(&deps, "2", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    assert_eq!((&answer["ending"], deps.estate.desired()), (&json!("acted"), 4));
}

#[test]
fn near_its_end_the_invocation_takes_no_step_and_looks_again() {
    let deps = busy(PIZZA);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let late = with_time_left(&deps, "1", 3);
    let answer = runtime.block_on(handle(&late, &deps, &alarm_event("cpu-high", "2026-11-20T13:59:40Z"))).unwrap();
    assert_eq!((&answer["steps"][0]["result"], deps.estate.desired()), (&json!("out_of_time"), 2));
    assert_eq!(deps.estate.world.borrow().rechecks.len(), 1);
}

#[test]
fn events_that_are_not_ours_are_answered_with_the_reason() {
    let deps = busy(PIZZA);
    let foreign = json!({ "source": "aws.ecr", "detail-type": "ECR Image Action", "detail": {} });
    let mut elsewhere = alarm_event("cpu-high", "2026-11-20T13:59:40Z");
    elsewhere["region"] = json!("eu-west-1");
    let mut unknown = alarm_event("cpu-high", "2026-11-20T13:59:40Z");
    unknown["detail"]["alarmName"] = json!("somebody-elses");
    let gone = json!({ "nightshift": "recheck", "system": "pizza", "service": "gone", "attempt": 1 });
    let reasons: Vec<_> = [foreign, elsewhere, unknown, gone, json!(null), json!([1, 2])]
        .iter()
        .map(|event| ok(&deps, "1", event)["reason"].as_str().unwrap().to_owned())
        .collect();
    insta::assert_snapshot!(reasons.join("\n"));
    assert_eq!(deps.estate.journal.borrow().len(), 0, "no call is made for them");
}

/// The samples that wake another function, or none: each is named, counted, and nothing is read for it.
#[test]
fn what_is_for_another_function_is_told_as_such() {
    let deps = busy(PIZZA);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events");
    let read = |name: &str| serde_json::from_str(&std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap()).unwrap();
    let mut told = String::new();
    for name in [
        "foreign-ecr-push",
        "ecr-push",
        "ecr-scan-complete",
        "inspector-scan",
        "ecs-deployment-failed",
        "instance-refresh-succeeded",
        "secret-rotated",
        "s3-object-created",
        "region-report",
        "release-deploy",
        "front-end",
        "codepipeline-approval-sns",
    ] {
        let answer = ok(&deps, "1", &read(name));
        assert_eq!((&answer["decision"], &answer["reason"]), (&json!("hold"), &json!("not_an_alarm")), "{name}");
        told.push_str(&format!("{name}: {}\n", answer["text"].as_str().unwrap()));
    }
    let unheard_of = json!({ "detail-type": "Scheduled Event", "source": "aws.events", "detail": {} });
    let deleted = json!({ "detail-type": "ECR Image Action", "detail": { "action-type": "DELETE", "repository-name": "pizza-api" } });
    for event in [unheard_of, deleted] {
        let answer = ok(&deps, "1", &event);
        assert_eq!(answer["reason"], "not_an_alarm");
        told.push_str(&format!("{}\n", answer["text"].as_str().unwrap()));
    }
    insta::assert_snapshot!(told);
    assert_eq!(deps.estate.journal.borrow().len(), 0, "no call is made for them");
}

#[test]
fn one_bad_record_does_not_stop_the_others_of_a_batch() {
    let deps = busy(PIZZA);
    let good = alarm_event("cpu-high", "2026-11-20T13:59:40Z").to_string();
    let batch = json!({ "Records": [
        { "messageId": "m1", "eventSource": "aws:sqs", "body": "{not json" },
        { "messageId": "m2", "eventSource": "aws:sqs", "body": good },
    ]});
    let answer = ok(&deps, "1", &batch);
    assert_eq!(deps.estate.desired(), 4);
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(answer["outcomes"].as_array().map(Vec::len), Some(2));
}

const ON_INSTANCES: &str = r#"
version: 1
system: pizza
regions: [us-east-1]
services:
  api:
    runs_on:
      ecs: { cluster: pizza, service: pizza-api }
      asg: { group: pizza-instances, bounds: { min: 1, max: 4 }, task_enis_per_instance: 2 }
    bounds: { min: 2, max: 6 }
    rules:
      - { name: cpu-high, when: { metric: cpu, above: 70, for: 5m }, then: { add: 2 } }
      - { name: cpu-low, when: { metric: cpu, below: 30, for: 10m }, then: { remove: 1 } }
"#;

/// One instance whose two network interfaces are taken, under two busy tasks.
pub fn crowded() -> Deps<FakeEstate> {
    let deps = busy(ON_INSTANCES);
    {
        let mut world = deps.estate.world.borrow_mut();
        let one = count(1);
        world.group = Some(GroupNow {
            name: "pizza-instances".into(),
            desired: one,
            min: one,
            max: count(4),
            in_service: one,
            refresh: None,
            other_scaler: None,
        });
        world.need = TaskNeed { cpu: 512, memory: 1_024, host_ports: Vec::new(), has_own_interface: true };
        world.rooms = vec![InstanceRoom {
            cpu_left: 1_024,
            memory_left: 1_800,
            cpu_total: 2_048,
            memory_total: 3_900,
            interfaces_taken: 2,
            running_tasks: 2,
            ..InstanceRoom::default()
        }];
    }
    deps
}

#[test]
fn tasks_that_were_refused_although_their_instances_came_have_no_cooldown() {
    let deps = crowded();
    *deps.estate.fail_named.borrow_mut() = Some(("set_desired_tasks", nightshift_core::ports::PortErrorKind::Throttled));
    ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    let world = deps.estate.world.borrow();
    assert_eq!(world.group.as_ref().unwrap().desired.get(), 2, "the instance was asked for");
    assert_eq!(world.view.record.last_grow, None, "the tasks were not, so they are tried again at once");
}

#[test]
fn instances_grow_with_the_tasks_and_the_first_step_is_the_third_round_trip() {
    let deps = crowded();
    ok(&deps, "1", &alarm_event("cpu-high", "2026-11-20T13:59:40Z"));
    let history = deps.estate.world.borrow().history[0].outcome.clone();
    assert!(history["observation"]["placement"]["Ok"]["rooms"].is_array(), "history keeps the room, for replay");
    assert_eq!((deps.estate.desired(), deps.estate.world.borrow().group.as_ref().unwrap().desired.get()), (4, 2));
    let journal = deps.estate.journal.borrow();
    assert_eq!(
        journal[7..14],
        ["ledger store", "tasks_now", "group_now", "task_need", "instance_rooms", "set_group_capacity 2", "set_desired_tasks 4"]
    );
}

#[test]
fn bounds_that_a_person_set_are_kept_to_at_the_next_tick() {
    let deps = idle(PIZZA);
    {
        let mut world = deps.estate.world.borrow_mut();
        world.alarms.insert("nightshift-pizza-api-cpu-low".into(), AlarmState::Ok);
        world.view.bounds_override = Some(nightshift_core::ledger::BoundsOverride {
            bounds: Bounds::new(count(5), count(9)).unwrap(),
            by: "on-call".into(),
            why: "sale".into(),
            until: "2026-11-20T18:00:00Z".parse().unwrap(),
        });
    }
    ok(&deps, "1", &json!({ "nightshift": "calendar" }));
    assert_eq!(deps.estate.desired(), 5);
}

#[test]
fn a_tick_that_finds_all_quiet_writes_nothing() {
    let deps = idle(PIZZA);
    deps.estate.world.borrow_mut().alarms.insert("nightshift-pizza-api-cpu-low".into(), AlarmState::Ok);
    ok(&deps, "1", &json!({ "nightshift": "calendar" }));
    let calls = |name: &str| deps.estate.calls(name);
    assert_eq!((calls("ledger store"), calls("ledger append"), calls("schedule"), calls("publish")), (0, 0, 0, 0));
    assert!(calls("tasks_now") > 0, "the service whose turn it is was looked at");
}
