//! What came of an invocation of `scale`, and what people and machines are told of it: every result of a step, every plan.

use jiff::SignedDuration;
use nightshift_core::ledger::{Lease, Pause, ServiceRecord};
use nightshift_core::notice::{Notice, told_after};
use nightshift_core::outcome::{Ending, Mode, Outcome, StepOutcome, StepResult};
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::scale::*;

use crate::scale_world::{FLEET, GROUP, ON_GROUP, World, count, failed, tasks};

fn outcome(world: &World, results: &[StepResult]) -> Outcome {
    let plan = world.plan();
    let results = results.iter().cloned().chain(std::iter::repeat(results.last().cloned().unwrap_or(StepResult::Done)));
    let steps = plan.steps.iter().cloned().zip(results).map(|(step, result)| StepOutcome { step, result }).collect();
    let look_again_at = plan.look_again_at;
    Outcome { at: world.now, mode: Mode::Act, wake: world.wake.clone(), plan, steps, look_again_at, troubles: Vec::new() }
}

fn grows() -> World {
    World::quiet(FLEET).in_alarm("cpu-high", 91.0)
}

fn error(kind: PortErrorKind) -> PortError {
    failed(kind)
}

fn results() -> Vec<StepResult> {
    vec![
        StepResult::Done,
        StepResult::WouldHaveDone,
        StepResult::WorldMoved { now: count(5) },
        StepResult::Failed { error: error(PortErrorKind::Throttled) },
        StepResult::Failed { error: error(PortErrorKind::Denied) },
        StepResult::NotTried { why: "somebody else holds the lease".into() },
        StepResult::OutOfTime,
    ]
}

/// Outcomes of every sort, by name.
fn outcomes() -> Vec<(String, Outcome)> {
    let mut all: Vec<(String, Outcome)> =
        results().into_iter().map(|result| (format!("growing: {result:?}"), outcome(&grows(), &[result]))).collect();
    let shrinks = World::quiet(FLEET).in_alarm("cpu-low", 12.0);
    all.extend(results().into_iter().map(|result| (format!("shrinking: {result:?}"), outcome(&shrinks, &[result]))));
    let group = World::quiet(GROUP).in_alarm("cpu-high", 91.0);
    all.push(("a group".into(), outcome(&group, &[StepResult::Done])));
    let both = World::quiet(ON_GROUP).in_alarm("cpu-high", 91.0).with(|world| {
        let room = InstanceRoom { cpu_left: 0, memory_left: 0, cpu_total: 1_024, memory_total: 1_024, ..InstanceRoom::default() };
        let need = TaskNeed { cpu: 512, memory: 512, host_ports: Vec::new(), has_own_interface: false };
        world.seen.placement = Some(Ok(Placement { need, rooms: vec![room; 2] }));
    });
    all.push(("a group and its tasks".into(), outcome(&both, &[StepResult::Done])));
    all.push(("a group, but not its tasks".into(), outcome(&both, &[StepResult::Done, StepResult::OutOfTime])));
    for (name, world) in [
        ("quiet", World::quiet(FLEET)),
        ("at the most", grows().with(|world| *world.tasks() = tasks(10))),
        ("at the least", shrinks.clone().with(|world| *world.tasks() = tasks(2))),
        ("the largest step", World::quiet(FLEET).in_alarm("requests", 900.0)),
        ("below the least", World::quiet(FLEET).with(|world| *world.tasks() = tasks(1))),
        ("during a deployment", grows().with(|world| world.tasks().deployment = Some("deployment ecs-svc/7".into()))),
        ("without the ledger", grows().with(|world| world.seen.ledger = Err(failed(PortErrorKind::Unavailable)))),
        ("missing", World::quiet(FLEET).with(|world| world.seen.target = Err(failed(PortErrorKind::NotFound)))),
        ("not permitted", World::quiet(FLEET).with(|world| world.seen.target = Err(failed(PortErrorKind::Denied)))),
        ("throttled", World::quiet(FLEET).with(|world| world.seen.target = Err(failed(PortErrorKind::Throttled)))),
        ("in cooldown", grows().grew(60)),
        (
            "paused",
            grows().with(|world| {
                let until = world.now + SignedDuration::from_hours(1);
                world.ledger().pause = Some(Pause { scope: "all".into(), by: "ann".into(), why: "a move".into(), until });
            }),
        ),
    ] {
        all.push((name.into(), outcome(&world, &[StepResult::Done])));
    }
    let mut observing = outcome(&grows(), &[StepResult::WouldHaveDone]);
    observing.mode = Mode::Observe;
    all.push(("observing".into(), observing));
    let mut troubled = outcome(&grows(), &[StepResult::Done]);
    (troubled.troubles, troubled.look_again_at) = (vec![error(PortErrorKind::Throttled)], None);
    all.push(("something beside it failed".into(), troubled));
    all
}

#[test]
fn people_read_what_came_of_it() {
    let mut text = String::new();
    for (name, outcome) in outcomes() {
        let next = outcome.next_look(outcome.at).map(|at| at.duration_since(outcome.at).as_secs());
        let (ending, history) = (outcome.ending(), outcome.to_history(&grows().seen));
        text.push_str(&format!("# {name}\n{ending:?}: {} (next {next:?}, errors {})\n", outcome.sentence(), outcome.errors().count()));
        assert_eq!((history.text, history.at, history.plan_id), (outcome.sentence(), outcome.at, outcome.plan.id.clone()));
        assert_eq!(history.outcome["observation"], serde_json::json!(grows().seen), "for replay");
        assert_eq!(history.mode, if name == "observing" { "observe" } else { "act" });
        if let Some(notice) = Notice::of(&outcome, "us-east-1", None) {
            let message = notice.message();
            assert!(message.subject.len() <= 100 && message.subject.is_ascii() && message.is_per_protocol);
            assert_eq!(message.subject, notice.subject());
            let attributes: Vec<String> = message.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
            text.push_str(&format!("[{}] {}\n{}\n", attributes.join(" "), notice.subject(), notice.text()));
        }
        text.push('\n');
    }
    insta::assert_snapshot!(text);
}

/// Machines find the same in the same message, as JSON.
#[test]
fn machines_read_it_too() {
    let outcome = outcome(&grows(), &[StepResult::Done]);
    let notice = Notice::of(&outcome, "us-east-1", None).unwrap();
    let body: serde_json::Value = serde_json::from_str(&notice.message().body).unwrap();
    for protocol in ["sqs", "lambda", "http", "https", "firehose"] {
        assert_eq!(body[protocol], body["sqs"], "{protocol}");
    }
    assert_eq!((&body["default"], &body["email"]), (&notice.text().into(), &notice.text().into()));
    assert_eq!(body["sms"], notice.subject().as_str());
    let machine: serde_json::Value = serde_json::from_str(body["sqs"].as_str().unwrap()).unwrap();
    let chat = notice.chat_message();
    assert!(!chat.is_per_protocol);
    let chat: serde_json::Value = serde_json::from_str(&chat.body).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&serde_json::json!({ "machine": machine, "chat": chat })).unwrap());
}

/// What stands is told once, and again when it has changed or had passed.
#[test]
fn what_stands_is_told_once() {
    for (name, outcome) in outcomes() {
        let Some(first) = Notice::of(&outcome, "us-east-1", None) else {
            let told = told_after(&outcome, Some("earlier".into()));
            let is_well = ["quiet", "alarm_cleared", "metric_back"].contains(&outcome.plan.reason_code());
            assert_eq!(told.is_none(), is_well, "{name}: only what is well makes us forget");
            continue;
        };
        let told = told_after(&outcome, None);
        let again = Notice::of(&outcome, "us-east-1", told.as_deref());
        match outcome.ending() {
            Ending::Acted => assert_eq!((again, told), (Some(first), None), "{name}: each act is told"),
            Ending::Unfinished if outcome.errors().next().is_none() => assert_eq!((again, told), (Some(first), None), "{name}"),
            _ => assert_eq!(again, None, "{name} is told once"),
        }
        assert!(Notice::of(&outcome, "us-east-1", Some("something else")).is_some(), "{name}");
    }
}

#[test]
fn a_tick_that_finds_nothing_is_routine() {
    let tick = |world: World| world.with(|world| world.wake.kind = WakeKind::Tick);
    assert!(outcome(&tick(World::quiet(FLEET)), &[]).is_routine());
    assert!(!outcome(&World::quiet(FLEET), &[]).is_routine(), "an alarm woke us");
    let again = World::quiet(FLEET).with(|world| world.wake.kind = WakeKind::Recheck { attempt: 1 });
    assert_eq!(again.plan().reason_code(), "quiet");
    assert!(!outcome(&again, &[]).is_routine(), "we woke ourselves");
    assert!(!outcome(&tick(grows()), &[StepResult::Done]).is_routine(), "something was done");
    assert!(!outcome(&tick(grows().grew(60)), &[]).is_routine(), "something was held back");
    let mut troubled = outcome(&tick(World::quiet(FLEET)), &[]);
    troubled.troubles.push(error(PortErrorKind::Throttled));
    assert!(!troubled.is_routine(), "something failed");
}

fn lease(world: &World) -> Lease {
    Lease { owner: "me".into(), until: world.now + SignedDuration::from_secs(60) }
}

/// The record through an act, by what became of the step: marks and budget stay where it was taken, and only there.
#[test]
fn the_record_after_an_act() {
    for (world, grew) in [(grows().grew(3_000), true), (World::quiet(FLEET).in_alarm("cpu-low", 12.0).grew(3_000), false)] {
        let (plan, now) = (world.plan(), world.now);
        let step = plan.steps[0].clone();
        let before = world.seen.ledger.clone().unwrap().record;
        let begun = before.begun(lease(&world), &plan, &step, now);
        assert_eq!((begun.version, begun.lease.as_ref().map(|lease| lease.owner.as_str())), (before.version + 1, Some("me")));
        let mark = |record: &ServiceRecord| if grew { record.last_grow } else { record.last_shrink };
        assert_eq!(mark(&begun).map(|mark| (mark.at, mark.from, mark.to)), Some((now, step.from, step.to)));
        assert_eq!(begun.acted_at.len(), before.acted_at.len() + 1);
        for result in results() {
            let closed = begun.closed(&[StepOutcome { step: step.clone(), result: result.clone() }], now);
            assert_eq!((closed.lease.clone(), closed.version), (None, begun.version + 1), "{result:?}");
            let is_done = matches!(result, StepResult::Done | StepResult::WouldHaveDone);
            let expected = if is_done { &begun } else { &before };
            assert_eq!((mark(&closed), &closed.acted_at), (mark(expected), &expected.acted_at), "{result:?}");
            assert_eq!(closed.intent, None, "{result:?}");
        }
        // A lost answer leaves the intent for the next look to judge by what it sees.
        let lost = StepOutcome { step: step.clone(), result: StepResult::Failed { error: error(PortErrorKind::Unavailable) } };
        let open = begun.closed(std::slice::from_ref(&lost), now);
        assert_eq!((&open.intent, open.lease.as_ref()), (&begun.intent, None));
        let settled = |desired| open.settled(|_| desired).into_owned();
        assert_eq!(mark(&settled(Some(step.to))), mark(&begun), "it took effect");
        assert_eq!(mark(&settled(Some(step.from))), mark(&before), "it did not");
        assert_eq!(mark(&settled(None)), mark(&begun), "what cannot be seen is taken for done");
        assert_eq!(settled(Some(step.from)).acted_at, before.acted_at);
        // A step without an intent of its own: the group under the tasks.
        let leased = before.leased_by(lease(&world));
        assert_eq!((leased.version, leased.intent.clone(), mark(&leased)), (before.version + 1, None, mark(&before)));
        assert_eq!(leased.lease, Some(lease(&world)));
        let acted = leased.closed(&[StepOutcome { step: step.clone(), result: StepResult::Done }], now);
        assert_eq!((mark(&acted).map(|mark| mark.to), acted.acted_at.len()), (Some(step.to), before.acted_at.len() + 1));
        let idle = leased.closed(&[lost], now);
        assert_eq!((mark(&idle), idle.acted_at, idle.lease), (mark(&before), before.acted_at, None));
    }
}

#[test]
fn the_budget_is_an_hours_and_a_lease_a_moments() {
    let world = grows();
    let (now, hour) = (world.now, SignedDuration::from_hours(1));
    let mut record =
        ServiceRecord { acted_at: vec![now - hour, now - hour + SignedDuration::from_secs(1), now], ..ServiceRecord::default() };
    assert_eq!(record.spent_budget(now), (2, Some(now + SignedDuration::from_secs(1))));
    let plan = world.plan();
    let begun = record.begun(lease(&world), &plan, &plan.steps[0], now);
    assert_eq!(begun.acted_at.len(), 3, "what is an hour old is forgotten");
    let until = begun.lease.as_ref().unwrap().until;
    assert!(begun.leased(now).is_some() && begun.leased(until).is_none(), "it ends with its last moment");
    for n in 0..40 {
        record = record.with_handled(&format!("alarm/{n}"), now);
    }
    let again = record.clone().with_handled("alarm/39", now + hour);
    assert_eq!((again.handled.len(), again.handled_at("alarm/39"), again.handled_at("alarm/7")), (32, Some(now), None));
    assert_eq!(again.handled_at("alarm/8"), Some(now), "the newest 32 are kept");
}

/// The checker finds in a plan what no decider of ours would put there.
#[test]
fn the_checker_refuses_what_is_wrong() {
    type Case = (&'static str, World, fn(&mut Plan), Result<(), Violation>);
    let four = count(4);
    let cases: Vec<Case> = vec![
        ("as decided", grows(), |_| {}, Ok(())),
        ("a guard that was not seen", grows(), |plan| plan.steps[0].from = count(3), Err(Violation::WrongGuard)),
        ("past the most", grows(), |plan| plan.steps[0].to = count(11), Err(Violation::OutOfBounds { to: count(11) })),
        ("too far at once", grows(), |plan| plan.steps[0].to = count(9), Err(Violation::TooLarge { by: 5, most: 4 })),
        ("just not too far", grows(), |plan| plan.steps[0].to = count(8), Ok(())),
        ("nowhere", grows(), |plan| plan.steps[0].to = count(4), Err(Violation::WrongDirection)),
        ("down while growing", grows(), |plan| plan.steps[0].to = count(3), Err(Violation::WrongDirection)),
        (
            "below the least",
            World::quiet(FLEET).in_alarm("cpu-low", 12.0),
            |plan| plan.steps[0].to = count(1),
            Err(Violation::OutOfBounds { to: count(1) }),
        ),
        ("a hold with a step", grows(), |plan| plan.decision = Decision::Hold, Err(Violation::Contradiction)),
        ("growth without a step", grows(), |plan| plan.steps.clear(), Err(Violation::Contradiction)),
        ("somebody else's group", grows(), |plan| plan.steps[0].target = StepTarget::Group("other".into()), Err(Violation::ForeignTarget)),
    ];
    for (name, world, spoil, expected) in cases {
        let mut plan = world.plan();
        assert_eq!(plan.steps[0].from, four);
        spoil(&mut plan);
        let (key, service) = (world.key(), world.fleet.services.values().next().unwrap());
        let policy = ServicePolicy::at(key, service, world.now);
        assert_eq!(check(&plan, &world.seen, &policy, world.now), expected, "{name}");
        let mut unread = world.seen.clone();
        unread.target = Err(failed(PortErrorKind::Throttled));
        assert!(plan.steps.is_empty() || check(&plan, &unread, &policy, world.now).is_err(), "{name}: nothing was seen");
        let mut paused = world.seen.clone();
        let until = world.now + SignedDuration::from_secs(1);
        paused.ledger.as_mut().unwrap().pause = Some(Pause { scope: "all".into(), by: "ann".into(), why: "a move".into(), until });
        if expected.is_ok() {
            assert_eq!(check(&plan, &paused, &policy, world.now), Err(Violation::StepWhileStopped), "{name}");
            assert_eq!(check(&plan, &paused, &policy, until), Ok(()), "{name}: a pause that is over");
        }
    }
    let words: Vec<String> = [
        Violation::StepWhileStopped,
        Violation::ForeignTarget,
        Violation::WrongGuard,
        Violation::OutOfBounds { to: count(11) },
        Violation::TooLarge { by: 5, most: 4 },
        Violation::WrongDirection,
        Violation::Contradiction,
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    assert!(words[3].contains("11") && words[4].contains('5') && words[4].contains('4'), "{words:?}");
    assert_eq!(words.iter().collect::<std::collections::BTreeSet<_>>().len(), words.len(), "each has words of its own");
}

/// Edges of time and size in the decider.
#[test]
fn edges_of_the_decider() {
    let asked = |seconds: i64| {
        grows().grew(seconds).with(|world| {
            world.tasks().running = count(2);
            let service = world.fleet.services.values_mut().next().unwrap();
            service.cooldown.grow = nightshift_core::fleet::Seconds::new(60);
        })
    };
    // What was asked for may take five minutes to arrive: until then the load is measured on what works.
    assert_eq!(asked(299).plan().reason_code(), "capacity_in_flight");
    assert_eq!(asked(300).plan().steps.first().map(|step| step.to), Some(count(6)));
    // An event vouches for an alarm that cannot be read for two minutes, either way.
    let told = |seconds: i64| {
        grows().with(|world| {
            let now = world.now;
            world.seen.alarms = Err(failed(PortErrorKind::Throttled));
            if let WakeKind::Alarm { changed_at, .. } = &mut world.wake.kind {
                *changed_at = Some(now - SignedDuration::from_secs(seconds));
            }
        })
    };
    for (seconds, is_believed) in [(0, true), (120, true), (121, false), (-120, true), (-121, false)] {
        assert_eq!(told(seconds).plan().decision == Decision::Grow, is_believed, "{seconds} s ago");
    }
    // A group's own bounds are named as the reason only where they narrow ours.
    let group = |min: u32, max: u32| {
        let world = World::quiet(GROUP).in_alarm("cpu-high", 91.0).with(|world| {
            *world.group() = GroupNow { min: count(min), max: count(max), ..crate::scale_world::group(max.min(10)) };
        });
        world.plan().reason_text()
    };
    assert_eq!(group(2, 10), group(1, 12), "bounds that are no narrower are not the reason");
    assert!(group(2, 9).contains("the group's own 2-9"), "{}", group(2, 9));
}

/// Every reason to hold and every step's reason: its code is its own, and what it says has its figures.
#[test]
fn what_was_told_is_remembered_by_what_stands() {
    let text: String =
        outcomes().iter().map(|(name, outcome)| format!("{name}: {:?}\n", told_after(outcome, Some("earlier".into())))).collect();
    insta::assert_snapshot!(text);
}
