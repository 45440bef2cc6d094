//! Two pushes and all that belongs to them, in any order, more than once, up to a day late: the newer image runs in the end.

use jiff::SignedDuration;
use nightshift_core::release::*;
use nightshift_schedules::{Kind, Runs, Schedule};

use super::*;
use crate::stories::{CAREFUL, PLAIN, WEB, end_of};
use crate::troubles::is_sound;

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

/// Copies of what our own schedules and other regions send: soon, and now and then a quarter of an hour late.
fn copies(schedule: &Schedule) -> Vec<SignedDuration> {
    (0..1 + schedule.below(2)).map(|_| seconds(*schedule.pick(&[0, 0, 1, 15, 70, 900]))).collect()
}

/// When the copies of an event from outside come: once at least within twenty minutes, and up to an hour later.
fn times(schedule: &Schedule) -> Vec<SignedDuration> {
    let first = seconds(*schedule.pick(&[0, 1, 5, 30, 90, 300, 1_200]));
    let others = (0..schedule.below(3)).map(|_| seconds(*schedule.pick(&[1, 20, 61, 200, 660, 3_600])));
    [first].into_iter().chain(others).collect()
}

/// A service that was taken up before: what the first sweep of all finds is no push.
fn known_service(fleet: &str, regions: &[&'static str], schedule: &Schedule) -> Town {
    let mut town = Town::of(fleet, regions);
    for region in regions {
        town.estate(region).world().books.entry(key("shop", "web")).or_default().newest = Some(town.now() - minutes(60));
    }
    town.schedule = Some(schedule.clone());
    town.copies = Some(copies);
    town.sweep = Some(minutes(30));
    town
}

/// A day later some of it comes once more, in any order, and changes nothing.
fn a_day_later(town: &mut Town, schedule: &Schedule, events: &[Value]) {
    let changes = |town: &Town| town.regions.values().map(|deps| deps.estate.world().changes).sum::<u32>();
    let before = changes(town);
    town.clock.set(town.now() + minutes(60 * 24));
    for _ in 0..schedule.below(events.len()) {
        town.happens(seconds(1), EAST, schedule.pick(events).clone());
    }
    town.run_for(minutes(120));
    assert_eq!(changes(town), before, "something was done for an event that came a day late: {:#?}", town.told());
}

fn scatter(town: &mut Town, schedule: &Schedule, event: &Value) {
    for time in times(schedule) {
        schedule.note(time.as_secs() as usize, &event["detail-type"].to_string());
        town.happens(time, EAST, event.clone());
    }
}

fn runs_newest(town: &Town, digest: &str) {
    assert_eq!(town.estate(EAST).world().digest_of(WEB).as_deref(), Some(digest), "{:#?}", town.told());
    let book = town.book(EAST, "web");
    let newest = book.ended.iter().find(|release| release.change.image().is_some_and(|image| image.digest == digest)).unwrap();
    assert_eq!(newest.end.as_ref().map(|end| end.kind), Some(EndKind::Done), "{:#?}", town.told());
    assert_eq!(town.failed, []);
}

#[test]
fn two_pushes_and_all_that_belongs_to_them_in_any_order() {
    let runs = Runs { function: "deploy", kind: Kind::Delivery, test: "two_pushes", seeds: 480, distinct: 470 };
    runs.each(|schedule| {
        let mut town = known_service(PLAIN, &[EAST], schedule);
        let older = town.push_without_event("web", "v1");
        town.clock.set(town.now() + seconds(*schedule.pick(&[1, 60, 300])));
        let newer = town.push_without_event("web", "v2");
        let mut events = vec![push_event(EAST, "web", &older, "v1"), push_event(EAST, "web", &newer, "v2")];
        events.extend([scan_complete(&newer, "v2"), deployment("IN_PROGRESS"), deployment("COMPLETED"), sweep(), look()]);
        schedule.shuffle(&mut events);
        events.iter().for_each(|event| scatter(&mut town, schedule, event));
        town.run_for(minutes(60 * 6));
        a_day_later(&mut town, schedule, &events);
        is_sound(&town, "in any order");
        runs_newest(&town, &newer);
        let world = town.estate(EAST).world();
        let releases = world.revisions_made.len() as u32;
        assert!(releases <= 2 && world.roll_outs == releases, "{} roll-outs of {releases} releases", world.roll_outs);
    });
}

#[test]
fn a_release_over_two_regions_with_people_in_any_order() {
    let runs = Runs { function: "deploy", kind: Kind::Delivery, test: "two_regions", seeds: 24, distinct: 24 };
    runs.each(|schedule| {
        let mut town = known_service(CAREFUL, &[EAST, WEST], schedule);
        let digest = town.push("web", "v1");
        let push = push_event(EAST, "web", &digest, "v1");
        let events = [push, scan_complete(&digest, "v1"), sweep(), look(), deployment("COMPLETED"), answered(&town), answered(&town)];
        events.iter().for_each(|event| scatter(&mut town, schedule, event));
        town.run_for(minutes(60 * 9));
        a_day_later(&mut town, schedule, &events);
        is_sound(&town, "two regions");
        runs_newest(&town, &digest);
        for region in [EAST, WEST] {
            assert_eq!(town.estate(region).world().digest_of(WEB), Some(digest.clone()), "{region}");
            assert_eq!(end_of(&town.book(region, "web"), 0), EndKind::Done, "{region}");
        }
        let roll_outs = [EAST, WEST].map(|region| town.estate(region).world().roll_outs);
        assert_eq!(roll_outs, [2, 1], "staging and production here, production there");
    });
}
