//! Releases told from beginning to end on the small estate of `release_world`.

use jiff::SignedDuration;
use nightshift_core::release::{StopHow, Verdict, Wake};

use super::release_world::{EAST, Fate, Fortune, WEST, World, look, pushed};

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

/// As far as the question about production.
fn asked(world: &mut World, tag: &str, fate: Fate) -> nightshift_core::release::Image {
    world.fate = fate;
    let image = world.push(tag);
    world.scan_is(&image, 0);
    world.invoke(EAST, pushed(&image), Fortune::default());
    for _ in 0..4 {
        world.pass(minutes(3));
        world.invoke(EAST, look(), Fortune::default());
    }
    image
}

#[test]
fn a_push_goes_through_staging_and_approval_to_both_regions() {
    let mut world = World::new();
    let image = asked(&mut world, "v1", Fate::Succeeds);
    assert_eq!(world.running(EAST, "staging"), image.digest);
    assert_eq!(world.running(EAST, "shop"), "none", "not before anybody has agreed");
    let book = &world.regions[EAST].book;
    let asked = book.active.as_ref().and_then(|release| release.approvals.get("production")).unwrap();
    assert_eq!(asked.running.as_deref(), Some("web:1"), "the question says from what it goes");
    world.answer(EAST, Verdict::Approve);
    world.run_on(SignedDuration::from_hours(6));
    assert_eq!((world.running(EAST, "shop"), world.running(WEST, "shop")), (image.digest.clone(), image.digest.clone()));
    assert_eq!((world.ending(EAST, &image), world.ending(WEST, &image)), (Some("done"), Some("done")));
    let notes: Vec<String> =
        [EAST, WEST].iter().flat_map(|region| world.regions[region].notes.iter().map(move |note| format!("{region} {note}"))).collect();
    insta::assert_snapshot!(notes.join("\n"));
}

#[test]
fn a_bad_scan_is_refused_and_nothing_is_changed() {
    let mut world = World::new();
    let image = world.push("v1");
    world.scan_is(&image, 2);
    world.invoke(EAST, pushed(&image), Fortune::default());
    assert_eq!(world.ending(EAST, &image), Some("refused"));
    assert_eq!(world.revisions(EAST, "staging"), 1);
}

#[test]
fn a_scan_that_is_late_is_refused_where_the_path_says_so() {
    let mut world = World::new();
    let image = world.push("v1");
    world.invoke(EAST, pushed(&image), Fortune::default());
    assert_eq!(world.ending(EAST, &image), None);
    world.pass(minutes(11));
    world.invoke(EAST, look(), Fortune::default());
    assert_eq!(world.ending(EAST, &image), Some("refused"));
}

#[test]
fn a_roll_out_that_fails_goes_back_and_the_other_region_never_sees_it() {
    for fate in [Fate::Fails, Fate::TakenBack, Fate::Hangs, Fate::Crashes] {
        let mut world = World::new();
        let good = asked(&mut world, "v1", Fate::Succeeds);
        world.answer(EAST, Verdict::Approve);
        world.run_on(SignedDuration::from_hours(6));
        let bad = asked(&mut world, "v2", Fate::Succeeds);
        world.fate = fate;
        world.answer(EAST, Verdict::Approve);
        world.run_on(SignedDuration::from_hours(12));
        assert_eq!(world.ending(EAST, &bad), Some("rolled back"), "{fate:?}");
        assert_eq!(world.ending(WEST, &bad), Some("rolled back"), "{fate:?}");
        assert_eq!((world.running(EAST, "shop"), world.running(WEST, "shop")), (good.digest.clone(), good.digest.clone()), "{fate:?}");
    }
}

#[test]
fn a_newer_push_takes_the_place_of_one_that_waits_and_voids_its_approval() {
    let mut world = World::new();
    let first = asked(&mut world, "v1", Fate::Succeeds);
    world.answer(EAST, Verdict::Approve);
    let second = asked(&mut world, "v2", Fate::Succeeds);
    assert_eq!(world.ending(EAST, &first), Some("superseded"));
    world.run_on(SignedDuration::from_hours(2));
    assert_eq!(world.running(EAST, "shop"), "none", "the answer was to the first one");
    world.answer(EAST, Verdict::Approve);
    world.run_on(SignedDuration::from_hours(6));
    assert_eq!((world.running(EAST, "shop"), world.running(WEST, "shop")), (second.digest.clone(), second.digest.clone()));
}

#[test]
fn an_older_push_that_comes_late_changes_nothing() {
    let mut world = World::new();
    let old = world.push("v1");
    world.pass(minutes(1));
    let new = asked(&mut world, "v2", Fate::Succeeds);
    world.scan_is(&old, 0);
    world.invoke(EAST, pushed(&old), Fortune::default());
    world.answer(EAST, Verdict::Approve);
    world.run_on(SignedDuration::from_hours(6));
    assert_eq!(world.running(WEST, "shop"), new.digest);
    assert_eq!(world.ending(EAST, &old), None);
}

#[test]
fn nobody_answers_and_it_expires_somebody_refuses_and_it_ends() {
    let mut world = World::new();
    let first = asked(&mut world, "v1", Fate::Succeeds);
    world.run_on(SignedDuration::from_hours(72));
    assert_eq!(world.ending(EAST, &first), Some("expired"));
    let second = asked(&mut world, "v2", Fate::Succeeds);
    world.answer(EAST, Verdict::Reject);
    world.run_on(SignedDuration::from_hours(72));
    assert_eq!(world.ending(EAST, &second), Some("refused"));
    assert_eq!(world.running(EAST, "shop"), "none");
}

#[test]
fn a_push_whose_event_is_lost_is_found_by_the_sweep_but_not_what_was_there_before_us() {
    let mut world = World::new();
    let before = world.push("v0");
    world.pass(minutes(60));
    world.invoke(EAST, Wake::Sweep, Fortune::default());
    assert!(world.regions[EAST].book.active.is_none());
    let lost = world.push("v1");
    world.scan_is(&lost, 0);
    world.invoke(EAST, Wake::Sweep, Fortune::default());
    assert!(world.regions[EAST].book.active.is_none(), "its event may still come");
    world.pass(minutes(3));
    world.invoke(EAST, Wake::Sweep, Fortune::default());
    assert_eq!(world.regions[EAST].book.active.as_ref().map(|release| release.name()), Some(format!("v1 ({})", lost.short_digest())));
    assert_eq!(world.ending(EAST, &before), None);
}

#[test]
fn a_dead_region_does_not_keep_the_living_one_for_ever() {
    let mut world = World::new();
    world.dead.insert(WEST);
    let image = asked(&mut world, "v1", Fate::Succeeds);
    world.answer(EAST, Verdict::Approve);
    world.run_on(SignedDuration::from_hours(12));
    assert_eq!(world.ending(EAST, &image), Some("done"));
    assert_eq!(world.running(WEST, "shop"), "none");
}

#[test]
fn what_is_aborted_under_way_goes_back_and_what_is_done_can_be_rolled_back_in_both_regions() {
    let mut world = World::new();
    let first = asked(&mut world, "v1", Fate::Succeeds);
    world.answer(EAST, Verdict::Approve);
    world.invoke(EAST, look(), Fortune::default());
    let abort = world.stop(EAST, StopHow::Abort);
    world.invoke(EAST, abort, Fortune::default());
    world.run_on(SignedDuration::from_hours(6));
    assert_eq!((world.ending(EAST, &first), world.running(EAST, "shop")), (Some("rolled back"), "none".to_owned()));
    assert_eq!(world.running(EAST, "staging"), first.digest, "what has passed stays");

    let second = asked(&mut world, "v2", Fate::Succeeds);
    world.answer(EAST, Verdict::Approve);
    world.run_on(SignedDuration::from_hours(6));
    assert_eq!(world.running(WEST, "shop"), second.digest);
    let back = world.stop(EAST, StopHow::RollBack);
    world.invoke(EAST, back.clone(), Fortune::default());
    world.invoke(EAST, back, Fortune::default());
    world.run_on(SignedDuration::from_hours(6));
    assert_eq!((world.running(EAST, "shop"), world.running(WEST, "shop")), ("none".to_owned(), "none".to_owned()));
    assert_eq!((world.ending(EAST, &second), world.ending(WEST, &second)), (Some("rolled back"), Some("rolled back")));
}

#[test]
fn several_rotations_cause_one_restart() {
    let mut world = World::new();
    world.rotate(EAST, "shop/signing");
    world.hear(EAST, 0, false, Fortune::default());
    world.rotate(EAST, "shop/session");
    world.hear(EAST, 0, true, Fortune::default());
    assert!(world.regions[EAST].book.active.is_none(), "they settle first");
    world.run_on(SignedDuration::from_hours(2));
    let ended = &world.regions[EAST].book.ended;
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!(ended[0].end.as_ref().unwrap().kind.word(), "done");
    assert_eq!((world.revisions(EAST, "shop"), world.revisions(EAST, "staging")), (1, 1), "the same revision, started anew");
}

/// Production in both regions, approved, the second one failing; how it ends under this rule for failures.
fn second_region_fails(rule: &str) -> (World, nightshift_core::release::Image) {
    let fleet = super::release_world::FLEET.replace("    deadline: 20m", &format!("    on_failure: {rule}\n    deadline: 20m"));
    let mut world = World::with(&fleet);
    let image = asked(&mut world, "v1", Fate::Succeeds);
    world.answer(EAST, Verdict::Approve);
    for _ in 0..5 {
        world.pass(minutes(3));
        world.invoke(EAST, look(), Fortune::default());
    }
    assert_eq!(world.running(EAST, "shop"), image.digest);
    world.fate = Fate::Fails;
    world.run_on(SignedDuration::from_hours(12));
    (world, image)
}

#[test]
fn what_becomes_of_a_stage_that_fails_is_what_the_path_says() {
    let (mut world, image) = second_region_fails("roll_back");
    assert_eq!((world.running(EAST, "shop"), world.running(WEST, "shop")), (image.digest.clone(), "none".to_owned()));
    assert_eq!((world.ending(EAST, &image), world.ending(WEST, &image)), (Some("rolled back"), Some("rolled back")));

    let (mut world, image) = second_region_fails("roll_back_stage");
    assert_eq!((world.running(EAST, "shop"), world.running(WEST, "shop")), ("none".to_owned(), "none".to_owned()));
    assert_eq!(world.running(EAST, "staging"), image.digest, "another stage stays");

    let (mut world, image) = second_region_fails("stop");
    assert_eq!((world.running(EAST, "shop"), world.running(WEST, "shop")), (image.digest.clone(), image.digest.clone()));
    assert_eq!((world.ending(EAST, &image), world.ending(WEST, &image)), (Some("failed"), Some("failed")));
}

#[test]
fn four_eyes_are_two_people() {
    let by = "{ by: [{ name: lead, topic: \"arn:aws:sns:us-east-1:111122223333:lead\" }, { name: second, topic: \"arn:aws:sns:us-east-1:111122223333:second\" }], needed: 2, expires: 6h }";
    let fleet = super::release_world::FLEET.replace("{ by: [{ name: lead }], expires: 6h }", by);
    let mut world = World::with(&fleet);
    let image = asked(&mut world, "v1", Fate::Succeeds);
    world.answer(EAST, Verdict::Approve);
    world.run_on(SignedDuration::from_hours(2));
    assert_eq!(world.running(EAST, "shop"), "none", "one of two is not enough");
    world.run_on(SignedDuration::from_hours(24));
    assert_eq!(world.ending(EAST, &image), Some("expired"));
}
