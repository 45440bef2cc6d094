//! More than one region: whose turn it is and for how long, what one tells another, and where a release begins.

use std::collections::BTreeSet;

use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::release::{End, Hold, ImageRef, Report, Scope, Turn, Unwind};

use super::*;
use crate::release_world::WEST;

fn turn(stage: &str, wave: u32, since: Timestamp) -> Option<Turn> {
    Some(Turn { stage: stage.to_owned().try_into().unwrap(), wave, since })
}

/// The other region's turn, seen from here.
fn their_turn(state: LegState, since: Timestamp) -> Book {
    let mut active = release(vec![leg("production", 0, EAST, passed(200)), leg("production", 1, WEST, state)]);
    active.turn = turn("production", 1, since);
    book(active)
}

/// Twice the path's deadline, a quarter of an hour, and the time for which it is watched: an hour in all.
#[test]
fn a_silent_region_is_waited_for_until_its_hour_is_over() {
    let a_moment = SignedDuration::from_nanos(1);
    let waited = Scene::of(their_turn(LegState::Waiting, ago(60) + a_moment)).looks();
    assert_eq!((waited.book, waited.holds), (None, vec![Hold::WaitingForRegion { regions: vec![WEST.into()] }]));
    let after = Scene::of(their_turn(LegState::Waiting, ago(60))).after();
    assert!(matches!(told(&after).legs[1].state, LegState::Skipped { .. }), "{:?}", told(&after).legs[1]);
}

#[test]
fn a_region_that_was_heard_of_has_its_hour_from_there() {
    let states = |since: i64| {
        [
            LegState::Preparing { from: OLD.into(), since: ago(since) },
            LegState::Starting(moved(since)),
            LegState::Rolling(moved(since)),
            LegState::Baking { moved: moved(since), until: now() },
            LegState::RollingBack { moved: back(since), is_begun: true, why: "5xx".into() },
        ]
    };
    for (since, is_skipped) in [(59, false), (60, true)] {
        for state in states(since) {
            let after = Scene::of(their_turn(state.clone(), ago(200))).after();
            assert_eq!(matches!(told(&after).legs[1].state, LegState::Skipped { .. }), is_skipped, "{state:?}");
        }
    }
}

#[test]
fn each_wave_of_each_stage_has_a_turn_of_its_own() {
    for (stage, wave, since) in [("production", 1, ago(30)), ("production", 0, now()), ("staging", 1, now()), ("staging", 0, now())] {
        let mut before = their_turn(LegState::Waiting, now());
        before.active.as_mut().unwrap().turn = turn(stage, wave, ago(30));
        let after = Scene::of(before).after();
        assert_eq!(told(&after).turn, turn("production", 1, since), "{stage} {wave}");
    }
}

/// Another region's release, which has passed there and is told to have begun here.
fn reported(ordered_at: i64) -> Release {
    let rolling = LegState::Rolling(moved(5));
    let legs = vec![leg("production", 0, WEST, passed(30)), leg("production", 1, EAST, rolling)];
    Release { ordered_at: ago(ordered_at), id: ReleaseId::new(ago(ordered_at), "told"), ..release(legs) }
}

fn hears(before: &Book, region: &str, release: Release) -> Plan {
    let report = Box::new(Report { system: "shop".into(), service: "web".into(), region: region.into(), release });
    let scene = Scene::of(before.clone()).with(|scene| {
        scene.target = Err(PortError::new(PortErrorKind::Throttled, "ecs:DescribeServices", "as the test wants it"));
    });
    scene.decides(&Wake::Reported { report })
}

#[test]
fn a_release_that_another_region_tells_of_is_taken_up_and_what_is_ours_has_not_begun() {
    let before = Book { version: 7, newest: Some(ago(300)), ..Book::default() };
    let after = hears(&before, WEST, Release { turn: turn("production", 1, ago(3)), ..reported(299) }).book.unwrap();
    let active = after.active.as_ref().unwrap();
    let [theirs, ours] = active.legs.as_slice() else { panic!("{active:#?}") };
    assert_eq!((&theirs.state, theirs.revision), (&passed(30), 3));
    assert_eq!((&ours.state, ours.revision), (&LegState::Waiting, 0));
    assert_eq!((after.newest, active.turn.as_ref().map(|turn| turn.since)), (Some(ago(299)), Some(now())));
}

#[test]
fn what_no_region_can_tell_of_is_not_taken_up() {
    let before = Book { version: 7, newest: Some(ago(300)), ..Book::default() };
    let ended = Some(End { kind: EndKind::Aborted, why: "a mistake".into(), by: None, at: ago(1) });
    let elsewhere = vec![leg("production", 0, WEST, passed(30))];
    for (case, region, release) in [
        ("its own", EAST, reported(299)),
        ("a restart", WEST, Release { ordered_at: ago(299), ..restart(&["shop/db"], reported(299).legs) }),
        ("as old as the newest", WEST, reported(300)),
        ("older", WEST, reported(301)),
        ("ended", WEST, Release { end: ended, ..reported(299) }),
        ("without a part here", WEST, Release { legs: elsewhere, ..reported(299) }),
    ] {
        assert_eq!(hears(&before, region, release).book, None, "{case}");
    }
    // Nor does it change what is in hand.
    let mut own = reported(299);
    (own.legs[0].state, own.legs[1].state) = (LegState::Waiting, LegState::Waiting);
    own.turn = turn("production", 0, ago(3));
    let mut told_by_ourselves = own.clone();
    (told_by_ourselves.legs[1].state, told_by_ourselves.legs[1].revision) = (passed(30), 9);
    assert_eq!(hears(&book(own), EAST, told_by_ourselves).book, None);
}

#[test]
fn of_a_region_that_tells_twice_the_later_state_counts() {
    let mut own = reported(299);
    own.legs[1].state = LegState::Waiting;
    for (revision, is_taken) in [(2, false), (3, false), (4, true)] {
        let mut newer = own.clone();
        (newer.legs[0].state, newer.legs[0].revision) = (LegState::AlreadyThere { running: NEW.into(), at: ago(1) }, revision);
        let plan = hears(&book(own.clone()), WEST, newer.clone());
        let known = plan.book.map_or(own.legs[0].clone(), |book| told(&book).legs[0].clone());
        assert_eq!(known, if is_taken { newer.legs[0].clone() } else { own.legs[0].clone() }, "{revision}");
    }
}

#[test]
fn that_everything_goes_back_is_taken_over_and_a_part_is_no_more_than_what_goes_back_already() {
    let unwind = |scope: &Scope, why: &str| Some(Unwind { why: why.to_owned(), by: None, at: ago(1), scope: scope.clone() });
    let part = Scope::Leg { stage: "production".to_owned().try_into().unwrap(), region: WEST.into() };
    let everything = Scope::Everything;
    for (known, heard, expected) in [
        (None, &part, ("theirs", &part)),
        (Some(&part), &everything, ("theirs", &everything)),
        (Some(&everything), &part, ("ours", &everything)),
        (Some(&part), &Scope::Unfinished, ("ours", &part)),
    ] {
        let mut own = reported(299);
        own.legs[1].state = LegState::Waiting;
        own.unwind = known.and_then(|scope| unwind(scope, "ours"));
        let told_of = Release { unwind: unwind(heard, "theirs"), ..own.clone() };
        let plan = hears(&book(own.clone()), WEST, told_of);
        let after = plan.book.unwrap_or_else(|| book(own));
        let found = told(&after).unwind.as_ref().unwrap();
        assert_eq!((found.why.as_str(), &found.scope), expected, "{known:?} {heard:?}");
    }
}

/// The region where the path begins; by hand it can be another one, for that one alone.
#[test]
fn a_release_begins_where_its_path_begins_or_where_a_person_wants_it_alone() {
    let image = release(Vec::new()).change.image().unwrap().clone();
    let named = ImageRef::Digest(image.digest.clone());
    let by_hand = |only_here| Wake::Deploy { image: named.clone(), by: "ann".into(), at: ago(1), accepts_drift: false, only_here };
    let push = Wake::Pushed { image: named.clone(), tag: Some("v1".into()) };
    let both: &[&str] = &[EAST, EAST, WEST];
    let cases: [(&Wake, _, Option<&[&str]>); 6] = [
        (&push, EAST, Some(both)),
        (&push, WEST, None),
        (&by_hand(false), EAST, Some(both)),
        (&by_hand(false), WEST, None),
        (&by_hand(true), EAST, Some(&[EAST, EAST])),
        (&by_hand(true), WEST, Some(&[WEST])),
    ];
    for (wake, region, legs) in cases {
        let scene = Scene::of(Book { version: 7, newest: Some(ago(400)), ..Book::default() }).with(|scene| {
            // Without a gate there is nothing to be read before the first region's turn.
            scene.fleet = FLEET.replace("    scan: { most: { critical: 0 }, patience: 10m, without_result: refuse }\n", "");
            (scene.region, scene.candidates) = (region, vec![image.clone()]);
            scene.target = Err(PortError::new(PortErrorKind::Throttled, "ecs:DescribeServices", "as the test wants it"));
        });
        let plan = scene.decides(wake);
        let taken = plan.book.and_then(|book| book.active).map(|release| release.legs);
        let regions = taken.as_ref().map(|legs| legs.iter().map(|leg| leg.region.as_str()).collect::<Vec<_>>());
        assert_eq!(regions.as_deref(), legs, "{wake:?} in {region}");
        let elsewhere = Hold::OtherRegionBegins { region: EAST.into() };
        assert_eq!(plan.holds.contains(&elsewhere), legs.is_none(), "{wake:?} in {region}");
    }
}

#[test]
fn who_asks_for_a_stage_is_the_region_of_its_first_leg_and_the_gate_is_kept_where_the_path_begins() {
    let waiting = |stage, wave, region| leg(stage, wave, region, LegState::Waiting);
    let release = release(vec![waiting("staging", 0, EAST), waiting("production", 0, WEST), waiting("production", 1, EAST)]);
    for (stage, owner) in [("staging", EAST), ("production", WEST), (Gate::SCAN, EAST)] {
        assert_eq!(release.owner_of(stage), Some(owner), "{stage}");
    }
}

/// What the book has forgotten, and what ended a day ago, keeps nobody from hearing of the rest.
#[test]
fn other_regions_hear_of_what_is_known_and_of_what_ended_within_a_day() {
    let mut before = their_turn(LegState::Waiting, ago(1));
    let ended = |name: &str, minutes: i64| {
        let end = Some(End { kind: EndKind::Done, why: "through".into(), by: None, at: ago(minutes) });
        Release { id: ReleaseId::from_text(name), end, ..release(vec![leg("production", 0, EAST, passed(minutes + 9))]) }
    };
    before.ended = vec![ended("b-fresh", 24 * 60 - 1), ended("a-old", 24 * 60)];
    let id = told(&before).id.clone();
    let names: BTreeSet<ReleaseId> =
        ["0-forgotten", "a-old", "b-fresh"].map(ReleaseId::from_text).into_iter().chain([id.clone()]).collect();
    before.unheard = [(WEST.to_owned(), names)].into();
    let plan = Scene::of(before).looks();
    let unheard = plan.book.unwrap().unheard;
    let left: Vec<String> = unheard[WEST].iter().map(ToString::to_string).collect();
    assert_eq!(left, [id.to_string(), "b-fresh".into()]);
    let Some(Step::Tell { regions, report }) = plan.step else { panic!("{:?}", plan.step) };
    assert_eq!((regions, report.release.id), (vec![WEST.to_owned()], id));
}
