//! The way back: how it is begun, how it is followed, how it ends, and what a person can still add to it.

use nightshift_core::release::{End, Hold, Scope, StopHow, Unwind};

use super::*;
use crate::release_world::WEST;

fn unwind(scope: Scope) -> Option<Unwind> {
    Some(Unwind { why: "5xx".into(), by: None, at: now(), scope })
}

/// One region that goes back.
fn going_back(target: DeployTarget, moved: Move, is_begun: bool) -> Book {
    let mut active = release(vec![leg("production", 0, EAST, LegState::RollingBack { moved, is_begun, why: "5xx".into() })]);
    (active.legs[0].target, active.unwind) = (target, unwind(Scope::Everything));
    book(active)
}

/// What a look makes of it: the leg's state, whether going back has begun, by what, and the step.
fn looked(scene: &Scene) -> String {
    let plan = scene.looks();
    let after = plan.book.unwrap_or_else(|| scene.book.clone());
    let state = &told(&after).legs[0].state;
    let (moved, begun) = match state {
        LegState::RollingBack { moved, is_begun, .. } => (moved, if *is_begun { " begun" } else { " to be begun" }),
        LegState::RolledBack { moved, .. } => (moved, ""),
        other => panic!("{other:?}"),
    };
    format!("{}{begun} by {:?}, then {:?}", state.word(), moved.handle.as_deref(), plan.step.map(|step| step.code()))
}

/// The target has the old revision already: never changed, or changed back by an invocation that did not live to note it.
#[test]
fn what_is_set_back_already_is_followed_and_only_a_group_that_still_rolls_is_turned_round() {
    let unknown = Move { handle: None, ..back(1) };
    let table = [
        (tasks("shop"), unknown.clone(), true, "rolling back begun by Some(\"roll-9\"), then None"),
        (tasks("shop"), unknown.clone(), false, "rolled back by Some(\"roll-9\"), then None"),
        (group(), unknown.clone(), false, "rolled back by Some(\"roll-9\"), then None"),
        (group(), unknown, true, "rolling back to be begun by None, then Some(\"roll_out\")"),
        (group(), back(1), true, "rolling back to be begun by Some(\"roll-1\"), then Some(\"take_back\")"),
    ];
    for (place, moved, is_moving, expected) in table {
        let scene = Scene::of(going_back(place.clone(), moved, false));
        let scene = scene.with(|scene| scene.target = Ok(target(OLD, Some((NEW, is_moving)))));
        assert_eq!(looked(&scene), expected, "{place} {is_moving}");
    }
}

#[test]
fn going_back_that_stopped_half_way_is_begun_anew_unless_aws_is_still_at_it() {
    let followed = |moved: Move, status, newest| {
        let scene = Scene::of(going_back(tasks("shop"), moved, true));
        looked(&scene.with(|scene| (scene.target, scene.rollout.status) = (Ok(target(NEW, newest)), status)))
    };
    let goes_on = "rolling back begun by Some(\"roll-1\"), then None";
    let anew = "rolling back to be begun by None, then Some(\"roll_out\")";
    assert_eq!(followed(back(1), RolloutStatus::RollingBack, None), goes_on);
    for status in [RolloutStatus::RolledBack, RolloutStatus::Failed, RolloutStatus::Replaced] {
        assert_eq!(followed(back(1), status, None), anew, "{status:?}");
    }
    assert_eq!(followed(Move { handle: None, ..back(1) }, RolloutStatus::RollingBack, None), anew, "there is nothing to ask for");
    assert_eq!(followed(back(1), RolloutStatus::RolledBack, Some((OLD, true))), goes_on, "something moves");
}

#[test]
fn the_time_for_going_back_runs_from_its_own_beginning() {
    let step = Step::RollOut { target: tasks("shop"), seen: NEW.into(), to: OLD.into(), replacement: Default::default() };
    let begun = StepDone::Begun { handle: Some("roll-2".into()) };
    let after = Scene::of(going_back(tasks("shop"), back(15), false)).takes(&step, &begun);
    let moved = Move { handle: Some("roll-2".into()), ..back(0) };
    assert_eq!(told(&after).legs[0].state, LegState::RollingBack { moved, is_begun: true, why: "5xx".into() });
}

#[test]
fn what_aws_takes_back_is_noted_at_this_regions_own_leg() {
    let state = || LegState::RollingBack { moved: back(1), is_begun: false, why: "5xx".into() };
    let mut active = release(vec![leg("production", 0, WEST, state()), leg("production", 1, EAST, state())]);
    active.unwind = unwind(Scope::Everything);
    let step = Step::TakeBack { target: tasks("shop"), handle: "roll-1".into(), to: OLD.into() };
    let after = Scene::of(book(active)).takes(&step, &StepDone::Begun { handle: None });
    let is_begun = |leg: &Leg| matches!(leg.state, LegState::RollingBack { is_begun: true, .. });
    assert_eq!(told(&after).legs.iter().map(is_begun).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn how_a_release_ends_that_went_back() {
    let waiting = || LegState::Waiting;
    let rolled_back = || LegState::RolledBack { moved: back(9), at: ago(5), why: "5xx".into() };
    let failed = || LegState::Failed { at: ago(5), why: "stuck".into() };
    let lead = Some("lead");
    let silent = Some((EndKind::Failed, "5xx; us-west-2 did not tell that it went back"));
    // What became of both regions, who wanted it, since when, and how it ends.
    let table = [
        (waiting(), waiting(), lead, 0, Some((EndKind::Aborted, "5xx"))),
        (waiting(), waiting(), None, 0, Some((EndKind::Failed, "5xx"))),
        (rolled_back(), waiting(), None, 0, Some((EndKind::RolledBack, "5xx"))),
        (rolled_back(), waiting(), lead, 0, Some((EndKind::RolledBack, "5xx"))),
        (rolled_back(), failed(), lead, 0, Some((EndKind::Failed, "5xx"))),
        (failed(), waiting(), lead, 0, Some((EndKind::Failed, "5xx"))),
        (rolled_back(), passed(60), None, 54, None),
        (rolled_back(), passed(60), None, 55, silent),
        (waiting(), passed(60), lead, 55, silent),
    ];
    for (here, there, by, since, expected) in table {
        let case = format!("{} {} {by:?} {since}", here.word(), there.word());
        let mut active = release(vec![leg("production", 0, EAST, here), leg("production", 1, WEST, there)]);
        active.unwind = unwind(Scope::Everything).map(|unwind| Unwind { by: by.map(str::to_owned), at: ago(since), ..unwind });
        let after = Scene::of(book(active)).after();
        assert_eq!(end_of(&after), expected, "{case}");
        assert_eq!(told(&after).end.as_ref().and_then(|end| end.by.as_deref()), by.filter(|_| expected.is_some()), "{case}");
    }
}

#[test]
fn what_goes_back_in_part_can_be_asked_to_go_back_as_a_whole_and_nothing_else() {
    let part = || Scope::Leg { stage: "production".to_owned().try_into().unwrap(), region: EAST.into() };
    let table = [
        (StopHow::RollBack, part(), false, true),
        (StopHow::RollBack, Scope::Unfinished, false, true),
        (StopHow::RollBack, Scope::Everything, false, false),
        (StopHow::RollBack, part(), true, false),
        (StopHow::Abort, part(), false, false),
        (StopHow::Abort, Scope::Everything, false, false),
    ];
    for (how, scope, has_ended, widens) in table {
        let case = format!("{how:?} {scope:?} {has_ended}");
        let mut before = going_back(tasks("shop"), back(1), true);
        let active = before.active.as_mut().unwrap();
        active.unwind = unwind(scope.clone());
        if has_ended {
            active.end = Some(End { kind: EndKind::Failed, why: "elsewhere".into(), by: None, at: ago(1) });
        }
        let id = active.id.to_string();
        let scene = Scene::of(before).with(|scene| scene.target = Ok(target(NEW, Some((OLD, true)))));
        let plan = scene.decides(&Wake::Stop { release: Some(id.clone()), how, by: "lead".into(), why: "a mistake".into() });
        let after = plan.book.unwrap_or_else(|| scene.book.clone());
        assert_eq!(told(&after).unwind.as_ref().unwrap().scope, if widens { Scope::Everything } else { scope }, "{case}");
        let refusal = Hold::NotStoppable { why: format!("release {id} goes back already") };
        assert_eq!(plan.holds.contains(&refusal), !widens, "{case}");
    }
}
