//! Rotated secrets and their readers, rule by rule: what goes before what, what is proof, and what is remembered.

use nightshift_core::fleet::Approver;
use nightshift_core::notice::Severity;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::release::{Approval, Aside, End, Handed, HandedState, Hold, Rotated, Scope, Unwind};

use super::*;
use crate::release_world::WEST;

/// Its readers are locked out as soon as it changes.
const DB: &str = "shop/db";
const SIGNING: &str = "shop/signing";

fn rotated(secret: &str, target: DeployTarget, last: i64) -> Option<Rotated> {
    Some(Rotated { secrets: [arn(secret)].into(), targets: [target].into(), since: ago(last), last: ago(last) })
}

fn handed(version: &str, since: i64, state: HandedState) -> Handed {
    let version = Some(version.to_owned());
    Handed { version, since: ago(since), version_since: Some(ago(since)), state, left: [tasks("shop")].into(), began: None }
}

fn proven(at: i64) -> HandedState {
    HandedState::Proven { at: ago(at), release: ReleaseId::from_text("before") }
}

/// Whether the restart is in hand, and what was in hand is put aside.
fn goes_first(plan: &Plan) -> bool {
    let Some(after) = &plan.book else { return false };
    let is_restart = |release: &Release| release.change.image().is_none();
    after.active.as_ref().is_some_and(is_restart) && after.aside.as_ref().is_some_and(|aside| !is_restart(&aside.release))
}

/// A release that waits for people before production.
fn waits_for_people() -> Release {
    let mut waits = release(vec![leg("staging", 0, EAST, passed(60)), leg("production", 0, EAST, LegState::Waiting)]);
    let by = vec![Approver { name: "lead".to_owned().try_into().unwrap(), topic: None }];
    let rule = nightshift_core::fleet::ApprovalRule { by, needed: 1, expires: Seconds::new(86_400) };
    let (asked_at, expires_at) = (Some(ago(50)), now() + minutes(300));
    let approval = Approval { rule, asked_at, expires_at, running: None, answers: [].into(), granted_at: None };
    waits.approvals = [("production".to_owned().try_into().unwrap(), approval)].into();
    waits
}

fn watched(since: Timestamp) -> Release {
    let moved = Move { since, ..moved(0) };
    release(vec![leg("staging", 0, EAST, LegState::Baking { moved, until: now() + minutes(60) })])
}

fn urgent(active: Release, target: DeployTarget, last: i64) -> Scene {
    Scene::of(Book { rotated: rotated(DB, target, last), ..book(active) })
}

/// A roll-out is noted at most two minutes after it began.
#[test]
fn what_began_when_the_secret_was_current_already_is_not_begun_again() {
    let new = |scene: &mut Scene| scene.target = Ok(target(NEW, Some((NEW, false))));
    let a_moment = SignedDuration::from_nanos(1);
    for (since, place, is_first) in
        [(ago(8), "staging", false), (ago(8) - a_moment, "staging", true), (ago(8), "shop", true), (ago(7), "staging", false)]
    {
        let mut scene = urgent(watched(since), tasks(place), 10).with(new);
        scene.rollout.status = RolloutStatus::Succeeded;
        assert_eq!(goes_first(&scene.looks()), is_first, "{since} {place}");
    }
}

#[test]
fn only_one_release_is_put_aside_and_none_that_has_ended_or_goes_back_here() {
    let new = |scene: &mut Scene| {
        scene.target = Ok(target(NEW, Some((NEW, false))));
        scene.rollout.status = RolloutStatus::Succeeded;
    };
    let with = |mut active: Release, change: fn(&mut Release)| {
        change(&mut active);
        urgent(active, tasks("shop"), 1).with(new)
    };
    let everything = || Some(Unwind { why: "5xx".into(), by: None, at: ago(1), scope: Scope::Everything });
    assert!(goes_first(&with(watched(ago(30)), |_| ()).looks()));
    let ended = with(watched(ago(30)), |active| {
        active.end = Some(End { kind: EndKind::Aborted, why: "a mistake".into(), by: None, at: ago(1) });
    });
    assert!(!goes_first(&ended.looks()), "it is brought to its end first");
    let mut here = watched(ago(30));
    here.unwind = everything();
    assert!(!goes_first(&with(here, |_| ()).looks()), "it goes back");
    let mut elsewhere =
        release(vec![leg("production", 0, WEST, LegState::RollingBack { moved: back(1), is_begun: true, why: "5xx".into() })]);
    elsewhere.unwind = everything();
    assert!(goes_first(&with(elsewhere, |_| ()).looks()), "it goes back in another region alone");

    let aside = Aside { release: Release { id: ReleaseId::from_text("first"), ..waits_for_people() }, since: ago(5), told: None };
    let mut second = urgent(waits_for_people(), tasks("shop"), 1).with(new);
    second.book.aside = Some(aside.clone());
    let after = second.looks().book.unwrap_or_else(|| second.book.clone());
    assert_eq!(after.aside, Some(aside), "the first one would be lost");
}

#[test]
fn a_restart_whose_target_cannot_be_read_waits_a_minute_and_one_whose_target_is_gone_is_told() {
    let fails = |kind| {
        let error = PortError::new(kind, "ecs:DescribeServices", "as the test wants it");
        urgent(waits_for_people(), tasks("shop"), 1).with(|scene| scene.target = Err(error)).looks()
    };
    let waits = fails(PortErrorKind::Throttled);
    assert_eq!((waits.book, waits.look_again_at), (None, Some(now() + minutes(1))));
    let gone = fails(PortErrorKind::NotFound).book.unwrap();
    let end = gone.ended[0].end.as_ref().unwrap();
    assert_eq!((gone.ended.len(), end.kind), (1, EndKind::Refused));
    assert_eq!(end.why, "ECS service shop/web is not there; create it, or correct the fleet file");
    assert!(gone.aside.is_none() && gone.active.is_some_and(|active| active.change.image().is_some()), "the release goes on");
}

#[test]
fn while_it_is_frozen_only_an_urgent_restart_goes_before_what_waits() {
    let window = "    freeze: [{ why: sale, from: 2026-11-20T00:00:00Z, to: 2026-11-20T12:03:00Z }]\n    deadline: 20m";
    for (secret, is_first, look) in [(DB, true, 1), (SIGNING, false, 3)] {
        let scene = Scene::of(Book { rotated: rotated(secret, tasks("shop"), 60), ..book(waits_for_people()) });
        let plan = scene.with(|scene| scene.fleet = FLEET.replace("    deadline: 20m", window)).looks();
        assert_eq!((goes_first(&plan), plan.look_again_at), (is_first, Some(now() + minutes(look))), "{secret}");
    }
}

/// Nothing of it has begun; a person is to know that its readers still have the old value, or cannot log in.
#[test]
fn a_restart_that_never_began_is_told_and_its_version_has_failed_unless_a_newer_one_waits() {
    for (secret, is_newer, severity) in
        [(DB, false, Severity::Critical), (SIGNING, false, Severity::Warning), (SIGNING, true, Severity::Warning)]
    {
        let active = Release { expires_at: now(), ..restart(&[secret], vec![leg("production", 0, EAST, LegState::Waiting)]) };
        let mut before = book(active);
        before.handed = [(arn(secret), handed("v1", 300, HandedState::Waiting))].into();
        before.rotated = rotated(secret, tasks("shop"), 0).filter(|_| is_newer);
        let plan = Scene::of(before).looks();
        let note = plan.notes.iter().find(|note| note.kind == "expired").unwrap();
        assert_eq!(note.severity, severity, "{secret}");
        let after = plan.book.unwrap();
        assert_eq!(end_of(&after), Some((EndKind::Expired, "it waited for too long")));
        let why = "it waited for too long".to_owned();
        let failed = HandedState::Failed { at: now(), why, release: told(&after).id.clone() };
        assert_eq!(after.handed(&arn(secret)).unwrap().state, if is_newer { HandedState::Waiting } else { failed }, "{secret} {is_newer}");
    }
}

fn hears(before: Book, secret: &str, version: &str, at: i64) -> Book {
    let scene = Scene::of(before);
    let plan = scene.decides(&Wake::Rotated { secret: arn(secret), version: Some(version.into()), at: Some(ago(at)) });
    plan.book.unwrap_or(scene.book)
}

/// The same service may have passed in another region, whose readers have a secret of their own.
#[test]
fn a_release_that_passed_is_proof_in_its_own_region_alone() {
    for (region, is_proof) in [(EAST, true), (WEST, false)] {
        let end = Some(End { kind: EndKind::Done, why: "through the whole path".into(), by: None, at: now() });
        let passed = || LegState::Passed { moved: moved(0), at: now() };
        let ended = Release { end, ..release(vec![leg("staging", 0, region, passed()), leg("production", 0, region, passed())]) };
        let after = hears(Book { version: 7, ended: vec![ended], ..Book::default() }, SIGNING, "v1", 2);
        let handed = after.handed(SIGNING).unwrap();
        assert_eq!((matches!(handed.state, HandedState::Proven { .. }), after.rotated.is_none()), (is_proof, is_proof), "{region}");
    }
}

/// A version that readers got with the last restart is heard of late.
#[test]
fn a_version_that_was_current_before_its_readers_were_started_needs_no_restart() {
    for (at, needs_one) in [(2, false), (1, true), (0, true)] {
        let known = Handed { began: Some(ago(1)), left: [].into(), ..handed("v1", 60, proven(0)) };
        let before = Book { version: 7, handed: [(arn(SIGNING), known)].into(), ..Book::default() };
        let after = hears(before, SIGNING, "v2", at);
        let handed = after.handed(SIGNING).unwrap();
        assert_eq!((handed.version.as_deref(), handed.since), (Some("v2"), ago(at)), "{at}");
        assert_eq!((handed.state == HandedState::Waiting, after.rotated.is_some()), (needs_one, needs_one), "{at}");
    }
}

/// Clocks are five seconds apart at most.
#[test]
fn how_far_a_version_is_on_its_way_is_known_of_that_version_and_of_what_readers_are_past() {
    let restarting = || HandedState::Restarting { release: ReleaseId::from_text("now") };
    let apart = SignedDuration::from_secs(5);
    // What is known of version v2, current since an hour ago, and who asks.
    let table = [
        (HandedState::Waiting, None, "v2", ago(60), true),
        (HandedState::Waiting, None, "v2", ago(1), true),
        (HandedState::Waiting, None, "v1", ago(61), true),
        (HandedState::Waiting, None, "v1", ago(60), true),
        (HandedState::Waiting, None, "v3", ago(59), false),
        (HandedState::Waiting, Some(ago(10)), "v3", ago(59), false),
        (restarting(), Some(ago(10)), "v3", ago(59), true),
        (restarting(), Some(ago(10)), "v3", ago(10) - apart, true),
        (restarting(), Some(ago(10)), "v3", ago(10) - apart + SignedDuration::from_nanos(1), false),
        (restarting(), None, "v3", ago(59), false),
    ];
    for (state, began, version, since, is_known) in table {
        let known = Handed { began, ..handed("v2", 60, state.clone()) };
        let book = Book { handed: [(arn(SIGNING), known)].into(), ..Book::default() };
        assert_eq!(book.hand_over(SIGNING, version, since), is_known.then_some(&state), "{state:?} {version} {since}");
    }
    assert_eq!(Book::default().hand_over(SIGNING, "v1", now()), None);
}

#[test]
fn sixty_secrets_are_remembered_and_only_what_is_proven_is_forgotten() {
    let of = |count: i64, state: fn(i64) -> HandedState| {
        let known = (1..=count).map(|number| (format!("secret{number}"), handed("v1", number, state(number))));
        let after = hears(Book { version: 7, handed: known.collect(), ..Book::default() }, SIGNING, "v1", 0);
        (after.handed.len(), after.handed.contains_key(&format!("secret{count}")), after.handed.contains_key("secret1"))
    };
    assert_eq!(of(59, proven), (60, true, true));
    assert_eq!(of(60, proven), (60, false, true), "the oldest goes");
    assert_eq!(of(62, proven), (60, false, true));
    assert_eq!(of(60, |_| HandedState::Waiting), (61, true, true));
}

/// It brings no other revision, and ECS keeps the old tasks.
#[test]
fn a_restart_that_fails_does_not_go_back() {
    let anew = Move { from: NEW.into(), ..moved(5) };
    let active = restart(&[SIGNING], vec![leg("production", 0, EAST, LegState::Rolling(anew))]);
    let scene = Scene::of(book(active)).with(|scene| {
        (scene.target, scene.rollout.status) = (Ok(target(NEW, None)), RolloutStatus::Failed);
    });
    let plan = scene.looks();
    let after = plan.book.unwrap();
    assert_eq!(end_of(&after), Some((EndKind::Failed, "the roll-out failed: 2 of 2 of the new revision run")));
    assert_eq!((plan.notes.iter().map(|note| note.kind.as_str()).collect::<Vec<_>>(), &told(&after).unwind), (vec!["failed"], &None));
    assert!(!plan.holds.contains(&Hold::RollingBack) && plan.step.is_none());
}
