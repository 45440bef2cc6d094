//! One region's way: what is taken for ours, what is left to others, and when it has failed or passed.

use nightshift_core::fleet::Replacement;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::release::{Hold, LOG_KEPT, LogLine};

use super::*;
use crate::release_world::WEST;

fn production(state: LegState) -> Book {
    book(release(vec![leg("production", 0, EAST, state)]))
}

fn starting(since: i64) -> LegState {
    LegState::Starting(Move { handle: None, ..moved(since) })
}

#[test]
fn tasks_may_die_as_often_as_the_path_says() {
    let path = |crashes: &str| FLEET.replace("    deadline: 20m", &format!("{crashes}    deadline: 20m"));
    for (crashes, died, fails) in
        [("", 0, false), ("", 2, false), ("", 3, true), ("    crashes: 5\n", 4, false), ("    crashes: 5\n", 5, true)]
    {
        let scene = Scene::of(production(LegState::Rolling(moved(5)))).with(|scene| {
            (scene.fleet, scene.rollout.died) = (path(crashes), died);
            scene.target = Ok(target(NEW, Some((NEW, true))));
        });
        let after = scene.after();
        let why = told(&after).unwind.as_ref().map(|unwind| unwind.why.clone());
        assert_eq!(why, fails.then(|| format!("{died} tasks of web:2 died after they had started")), "{crashes} {died}");
    }
}

#[test]
fn a_roll_out_that_failed_says_how_far_it_came_and_how_many_died() {
    for (died, words, expected) in [
        (0, "", "the roll-out failed: 1 of 2 of the new revision run"),
        (0, "no room", "the roll-out failed: 1 of 2 of the new revision run (no room)"),
        (2, "no room", "the roll-out failed: 1 of 2 of the new revision run, 2 died (no room)"),
    ] {
        let scene = Scene::of(production(LegState::Rolling(moved(5)))).with(|scene| {
            scene.rollout = RolloutNow { running: 1, died, words: words.into(), ..rollout(RolloutStatus::Failed) };
            scene.target = Ok(target(NEW, None));
        });
        let after = scene.after();
        assert_eq!(told(&after).unwind.as_ref().unwrap().why, expected);
    }
}

/// Auto Scaling sets a group to its new version after the refresh has succeeded, and the two are read side by side.
#[test]
fn a_group_that_still_has_the_old_version_just_after_its_refresh_is_waited_for() {
    // Five minutes are watched: how many are left says when the refresh had succeeded.
    for (of, left, waits) in [(group(), 5, true), (group(), 4, true), (group(), 3, false), (tasks("shop"), 5, false)] {
        let mut leg = leg("production", 0, EAST, LegState::Baking { moved: moved(10), until: now() + minutes(left) });
        leg.target = of.clone();
        let scene = Scene::of(book(release(vec![leg]))).with(|scene| {
            (scene.rollout, scene.target) = (rollout(RolloutStatus::Succeeded), Ok(target(OLD, None)));
        });
        let plan = scene.looks();
        let is_rolling = plan.holds.iter().any(|hold| matches!(hold, Hold::Rolling { .. }));
        assert_eq!((is_rolling, plan.book.is_some_and(|book| book.active.is_none())), (waits, !waits), "{of} {left}");
    }
}

/// Begun by an invocation that did not live to note it.
#[test]
fn a_roll_out_that_nobody_noted_is_followed_by_its_handle_and_from_its_beginning() {
    let of = |target: TargetNow| {
        let plan = Scene::of(production(starting(5))).with(|scene| scene.target = Ok(target)).looks();
        (plan.book.map(|book| told(&book).legs[0].state.clone()), plan.step.map(|step| step.code()))
    };
    let rolls = |handle: Option<&str>, since| Some(LegState::Rolling(Move { handle: handle.map(str::to_owned), ..moved(since) }));
    assert_eq!(of(target(NEW, Some((NEW, true)))), (rolls(Some("roll-9"), 2), None));
    assert_eq!(of(target(NEW, None)), (rolls(None, 5), None), "ECS has it, and does not tell by what");
    let mut earlier = target(NEW, Some((NEW, false)));
    earlier.newest.as_mut().unwrap().began_at = Some(ago(6));
    assert_eq!(of(earlier), (rolls(Some("roll-9"), 5), None), "what is older than the note is not when it began");
    assert_eq!(of(target(OLD, None)), (None, Some("roll_out")));
    assert_eq!(of(target(OLD, Some((NEW, false)))), (rolls(Some("roll-9"), 2), None), "taken back already, which following it tells");
}

#[test]
fn nothing_is_rolled_out_over_what_somebody_else_has_set() {
    let baking = LegState::Baking { moved: moved(10), until: now() + minutes(2) };
    for state in [starting(5), baking] {
        let scene = Scene::of(production(state)).with(|scene| {
            scene.target = Ok(target("arn:aws:ecs:us-east-1:1:task-definition/web:9", None));
            scene.rollout.status = RolloutStatus::Succeeded;
        });
        let plan = scene.looks();
        let after = plan.book.unwrap();
        assert_eq!(end_of(&after), Some((EndKind::Failed, "somebody else set ECS service shop/web to web:9")));
        assert!(matches!(told(&after).legs[0].state, LegState::Failed { .. }), "{after:?}");
        assert_ne!(plan.step.map(|step| step.code()), Some("roll_out"));
    }
}

/// A group may have the version and no refresh that brings it to its instances.
#[test]
fn instances_are_replaced_as_the_path_says_and_a_restart_does_not_stop_on_its_way() {
    let fleet = FLEET
        .replace("runs_on: { ecs: { cluster: shop, service: web } }", "runs_on: { asg: { group: shop-web } }")
        .replace("staging: { ecs: { cluster: staging, service: web } }", "staging: { asg: { group: staging-web } }")
        .replace(
            "    deadline: 20m",
            "    instances: { minimum_healthy: 90, maximum_healthy: 130, checkpoints: [50], checkpoint_delay: 5m }\n    deadline: 20m",
        );
    let anew = Move { from: NEW.into(), handle: None, ..moved(5) };
    for (state, checkpoints) in [(starting(5), vec![50]), (LegState::Starting(anew), vec![])] {
        let mut active = release(vec![leg("production", 0, EAST, state)]);
        active.legs[0].target = group();
        let plan = Scene::of(book(active)).with(|scene| (scene.fleet, scene.target) = (fleet.clone(), Ok(target(NEW, None)))).looks();
        let checkpoint_delay = Seconds::new(300);
        let replacement = Replacement { minimum_healthy: 90, maximum_healthy: 130, checkpoints, checkpoint_delay, warmup: None };
        assert_eq!(plan.step, Some(Step::RollOut { target: group(), seen: NEW.into(), to: NEW.into(), replacement }));
    }
}

#[test]
fn a_target_that_is_not_whole_does_not_pass_and_fails_in_the_end() {
    let watched = |running: u32, over: i64| {
        let state = LegState::Baking { moved: moved(30), until: ago(over) };
        let scene = Scene::of(production(state)).with(|scene| {
            scene.target = Ok(TargetNow { running, ..target(NEW, None) });
            scene.rollout = RolloutNow { words: "no room".into(), ..rollout(RolloutStatus::Succeeded) };
        });
        scene.looks()
    };
    let word = |plan: &Plan| plan.book.as_ref().map(|book| told(book).legs[0].state.word());
    assert_eq!(word(&watched(2, 0)), Some("passed"));
    let partly = watched(1, 0);
    assert_eq!((word(&partly), partly.holds), (None, vec![Hold::Rolling { words: "1 of 2 healthy; no room".into() }]));
    assert_eq!(word(&watched(1, 19)), None);
    let why = watched(1, 20).book.and_then(|book| told(&book).unwind.clone()).map(|unwind| unwind.why);
    assert_eq!(why.as_deref(), Some("only 1 of 2 are healthy"));
}

#[test]
fn a_target_that_is_not_there_ends_the_release_at_this_regions_own_leg() {
    let waiting = |region| leg("production", 0, region, LegState::Waiting);
    let not_there = PortError::new(PortErrorKind::NotFound, "ecs:DescribeServices", "shop/web");
    let after = Scene::of(book(release(vec![waiting(WEST), waiting(EAST)]))).with(|scene| scene.target = Err(not_there)).after();
    assert_eq!(end_of(&after), Some((EndKind::Refused, "ECS service shop/web is not there; create it, or correct the fleet file")));
    assert_eq!(told(&after).legs.iter().map(|leg| leg.state.word()).collect::<Vec<_>>(), ["waiting", "failed"]);
}

#[test]
fn a_log_keeps_its_newest_lines() {
    let made = StepDone::Made { revision: NEW.into() };
    let step = Step::MakeRevision { target: tasks("shop"), from: OLD.into(), body: json!({}), release: release(Vec::new()).id };
    for (before, first) in [(LOG_KEPT - 1, "line 0"), (LOG_KEPT, "line 1")] {
        let mut book = production(LegState::Preparing { from: OLD.into(), since: ago(1) });
        let lines = (0..before).map(|number| LogLine { at: ago(9), region: EAST.into(), text: format!("line {number}") });
        book.active.as_mut().unwrap().log = lines.collect();
        let log = told(&Scene::of(book).takes(&step, &made)).log.clone();
        assert_eq!((log.len(), log[0].text.as_str(), log[LOG_KEPT - 1].text.as_str()), (LOG_KEPT, first, "web:2 made"));
    }
}
