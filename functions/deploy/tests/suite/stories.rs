//! Whole paths through the handler, from the push to the end, and what people read on the way.

use nightshift_core::notice::Message;
use nightshift_core::outcome::Mode;
use nightshift_core::release::*;
use nightshift_core::signal::ReleaseVerb;
use serde_json::{Value, json};

use crate::fake::*;
use crate::town::*;

/// One region, nothing to pass.
pub const PLAIN: &str = r#"
version: 1
system: shop
regions: [us-east-1]
paths:
  straight:
    tags: { match: ["v*"] }
    stages:
      - { name: production, waves: [{ regions: [us-east-1], bake: 2m, alarms: [errors] }] }
    deadline: 20m
    expires: 2d
services:
  web:
    runs_on: { ecs: { cluster: shop, service: web } }
    bounds: { min: 2, max: 4 }
    deploy: { repository: shop/web, path: straight }
"#;

/// Two regions, scan gate, staging, approval.
pub const CAREFUL: &str = r#"
version: 1
system: shop
regions: [us-east-1, us-west-2]
notices: { chat_topic: "arn:aws:sns:us-east-1:111122223333:chat" }
paths:
  careful:
    tags: { match: ["v*"] }
    scan: { most: { critical: 0 }, patience: 10m, without_result: refuse }
    stages:
      - name: staging
        waves: [{ regions: [us-east-1], bake: 2m }]
      - name: production
        approval: { by: [{ name: lead, topic: "arn:aws:sns:us-east-1:111122223333:lead" }, { name: deputy, topic: "arn:aws:sns:us-east-1:111122223333:deputy" }], needed: 2, expires: 6h }
        waves:
          - { regions: [us-east-1], bake: 5m }
          - { regions: [us-west-2], bake: 5m }
    deadline: 20m
    expires: 2d
services:
  web:
    runs_on: { ecs: { cluster: shop, service: web } }
    bounds: { min: 2, max: 4 }
    deploy:
      repository: shop/web
      path: careful
      targets:
        staging: { ecs: { cluster: staging, service: web } }
"#;

pub const WEB: &str = "ECS service shop/web";

pub fn end_of(book: &Book, index: usize) -> EndKind {
    book.ended[index].end.as_ref().unwrap().kind
}

fn body(message: &Message, protocol: &str) -> String {
    serde_json::from_str::<Value>(&message.body).unwrap()[protocol].as_str().unwrap().to_owned()
}

#[test]
fn a_push_runs_in_one_region_and_is_proven() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let digest = town.push("web", "v1");
    town.run_for(minutes(60));
    let book = town.book(EAST, "web");
    assert_eq!((end_of(&book, 0), book.active.is_none(), book.leased(town.now())), (EndKind::Done, true, None));
    assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(digest));
    assert_eq!(town.failed, []);
    insta::assert_snapshot!(town.told().join("\n"));
    let world = town.estate(EAST).world();
    let texts: Vec<String> = world.told.iter().map(|(_, message)| body(message, "default")).collect();
    insta::assert_snapshot!("texts_of_a_plain_release", texts.join("\n\n"));
    let history: Vec<String> =
        world.history.iter().map(|(_, entry)| format!("{} {} {}", entry.decision, entry.reason, entry.text)).collect();
    insta::assert_snapshot!("history_of_a_plain_release", history.join("\n"));
}

#[test]
fn machines_get_json_and_attributes_to_filter_on() {
    let mut town = Town::of(PLAIN, &[EAST]);
    town.push("web", "v1");
    town.run_for(minutes(60));
    let world = town.estate(EAST).world();
    let (_, message) = world.told.last().unwrap();
    let machine: Value = serde_json::from_str(&body(message, "sqs")).unwrap();
    assert_eq!((&machine["kind"], &machine["state"], &machine["severity"]), (&json!("done"), &json!("done"), &json!("info")));
    assert!(machine["image"].as_str().unwrap().contains("@sha256:"));
    let attributes: Vec<_> = message.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(attributes, ["system=shop", "service=web", "severity=info", "kind=release_done"]);
}

#[test]
fn a_push_passes_scan_staging_and_four_eyes_into_both_regions() {
    let mut town = Town::of(CAREFUL, &[EAST, WEST]);
    let digest = town.push("web", "v1");
    town.run_for(minutes(300));
    for region in [EAST, WEST] {
        assert_eq!(end_of(&town.book(region, "web"), 0), EndKind::Done, "{region}");
        assert_eq!(town.estate(region).world().digest_of(WEB), Some(digest.clone()), "{region}");
    }
    assert_eq!(town.failed, []);
    insta::assert_snapshot!(town.told().join("\n"));
    let world = town.estate(EAST).world();
    let mails: Vec<&str> =
        world.told.iter().filter(|(_, message)| attribute(message, "kind") == "approval").map(|(topic, _)| topic.as_str()).collect();
    assert_eq!(mails, ["arn:aws:sns:us-east-1:111122223333:lead", "arn:aws:sns:us-east-1:111122223333:deputy"]);
}

/// From the event to the first call that changes something: the book and the image; the lease with target, blueprint and
/// image; the checks that need them; the new revision.
#[test]
fn the_first_change_is_the_fourth_round_trip() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let digest = town.push_without_event("web", "v1");
    let answer = town.invoke(EAST, &push_event(EAST, "web", &digest, "v1")).unwrap().unwrap();
    assert_eq!((&answer["decision"], &answer["reason"]), (&json!("roll_out"), &json!("rolling")));
    let journal = town.estate(EAST).shared.journal.borrow();
    let first: Vec<String> =
        journal.iter().take_while(|call| call.name != "roll_out").map(|call| format!("{} {}", call.round, call.name)).collect();
    insta::assert_snapshot!(first.join("\n"));
    let made = journal.iter().find(|call| call.name == "make_revision").unwrap();
    assert_eq!(made.round, 3, "rounds before it, counted from 0");
}

#[test]
fn a_scan_that_passes_foresees_what_comes_after_it() {
    let mut town = Town::of(CAREFUL, &[EAST, WEST]);
    let digest = town.push_without_event("web", "v1");
    town.estate(EAST).world().scans.clear();
    town.invoke(EAST, &push_event(EAST, "web", &digest, "v1")).unwrap().unwrap();
    town.estate(EAST).world().scans.insert(digest.clone(), ScanNow::Complete { at: None, findings: Vec::new() });
    town.estate(EAST).shared.journal.borrow_mut().clear();
    let mut event = push_event(EAST, "web", &digest, "v1");
    event["detail-type"] = json!("ECR Image Scan");
    event["detail"]["scan-status"] = json!("COMPLETE");
    let answer = town.invoke(EAST, &event).unwrap().unwrap();
    assert_eq!(&answer["state"], &json!("rolling"));
    let journal = town.estate(EAST).shared.journal.borrow();
    assert_eq!(journal.iter().find(|call| call.name == "make_revision").unwrap().round, 3);
}

#[test]
fn a_bad_scan_is_refused_and_nothing_is_changed() {
    let mut town = Town::of(CAREFUL, &[EAST, WEST]);
    let digest = town.push_without_event("web", "v1");
    let findings = vec![Finding { name: "CVE-2026-1".into(), severity: nightshift_core::fleet::FindingSeverity::Critical }];
    town.estate(EAST).world().scans.insert(digest.clone(), ScanNow::Complete { at: None, findings });
    town.happens(minutes(0), EAST, push_event(EAST, "web", &digest, "v1"));
    town.run_for(minutes(60));
    assert_eq!(end_of(&town.book(EAST, "web"), 0), EndKind::Refused);
    assert_eq!(town.estate(EAST).world().changes + town.estate(WEST).world().changes, 0);
    insta::assert_snapshot!(town.told().join("\n"));
}

#[test]
fn what_fails_goes_back_in_every_way_it_can_fail() {
    for (fate, takes_back) in [
        (Fate::Fails, true),
        (Fate::Crashes, true),
        (Fate::Crashes, false),
        (Fate::TakenBackByAws, true),
        (Fate::Hangs, true),
        (Fate::Hangs, false),
    ] {
        let mut town = Town::of(PLAIN, &[EAST]);
        let digest = town.push("web", "v1");
        town.estate(EAST).world().takes_back = takes_back;
        town.estate(EAST).world().bad.insert(digest, fate);
        town.run_for(minutes(180));
        let case = format!("{fate:?}, natively {takes_back}");
        assert_eq!(end_of(&town.book(EAST, "web"), 0), EndKind::RolledBack, "{case}");
        let world = town.estate(EAST).world();
        assert_eq!(world.digest_of(WEB), None, "{case}: on what ran before");
        assert_eq!((world.count_told("release_rolling_back"), world.count_told("release_rolled_back")), (1, 1), "{case}");
    }
}

#[test]
fn nobody_answers_and_it_expires() {
    let mut town = Town::of(CAREFUL, &[EAST, WEST]);
    town.verdict = None;
    town.push("web", "v1");
    town.run_for(minutes(60 * 9));
    assert_eq!(end_of(&town.book(EAST, "web"), 0), EndKind::Expired);
    assert_eq!(town.estate(EAST).world().digest_of(WEB), None);
    assert_eq!(town.estate(EAST).world().count_told("release_expired"), 1);
}

#[test]
fn somebody_says_no() {
    let mut town = Town::of(CAREFUL, &[EAST, WEST]);
    town.verdict = Some(Verdict::Reject);
    town.push("web", "v1");
    town.run_for(minutes(60 * 9));
    assert_eq!((end_of(&town.book(EAST, "web"), 0), end_of(&town.book(WEST, "web"), 0)), (EndKind::Refused, EndKind::Refused));
    assert_eq!(town.estate(EAST).world().digest_of(WEB), None);
}

#[test]
fn a_second_push_takes_the_place_of_one_that_waits() {
    let mut town = Town::of(CAREFUL, &[EAST, WEST]);
    town.verdict = None;
    town.push("web", "v1");
    town.run_for(minutes(60));
    town.verdict = Some(Verdict::Approve);
    let second = town.push("web", "v2");
    town.run_for(minutes(60 * 9));
    let book = town.book(EAST, "web");
    assert_eq!((end_of(&book, 0), end_of(&book, 1)), (EndKind::Done, EndKind::Superseded));
    assert_eq!(town.estate(WEST).world().digest_of(WEB), Some(second));
}

#[test]
fn a_person_aborts_what_rolls_and_it_goes_back() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let digest = town.push("web", "v1");
    town.run_for(SignedSeconds(90).get());
    assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(digest));
    let id = town.book(EAST, "web").active.map(|release| release.id.to_string());
    town.command(EAST, "web", ReleaseVerb::Abort { release: None, why: "which?".into() });
    town.command(EAST, "web", ReleaseVerb::Abort { release: id, why: "wrong one".into() });
    town.run_for(minutes(60));
    let book = town.book(EAST, "web");
    let end = book.ended[0].end.clone().unwrap();
    assert_eq!((end.kind, end.by.as_deref()), (EndKind::RolledBack, Some("ann")));
    assert_eq!(town.estate(EAST).world().digest_of(WEB), None);
    insta::assert_snapshot!(town.told().join("\n"));
}

struct SignedSeconds(i64);
impl SignedSeconds {
    fn get(&self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(self.0)
    }
}

#[test]
fn a_person_rolls_back_what_is_done_in_both_regions() {
    let mut town = Town::of(CAREFUL, &[EAST, WEST]);
    town.push("web", "v1");
    town.run_for(minutes(60 * 9));
    let id = town.book(EAST, "web").ended[0].id.to_string();
    town.command(EAST, "web", ReleaseVerb::Rollback { release: Some(id), why: "customers complain".into() });
    town.run_for(minutes(60 * 9));
    for region in [EAST, WEST] {
        assert_eq!(end_of(&town.book(region, "web"), 0), EndKind::RolledBack, "{region}");
        assert_eq!(town.estate(region).world().digest_of(WEB), None, "{region}");
    }
}

#[test]
fn a_person_deploys_an_older_image() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let first = town.push("web", "v1");
    town.run_for(minutes(60));
    town.push("web", "v2");
    town.run_for(minutes(60));
    let image = format!("111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/web@{first}");
    town.command(EAST, "web", ReleaseVerb::Deploy { image, accepts_drift: false, only_here: false });
    town.run_for(minutes(60));
    assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(first));
}

#[test]
fn several_rotated_secrets_are_one_restart() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let rotated = |secret: &str, at: &str| json!({ "nightshift": "rotated", "secret": secret, "at": at });
    let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:web/db-AbCdEf";
    town.happens(minutes(1), EAST, rotated(arn, "2026-11-20T12:01:00Z"));
    town.happens(minutes(2), EAST, rotated("web/db", "2026-11-20T12:02:00Z"));
    town.happens(minutes(2), EAST, rotated("web/cache", "2026-11-20T12:02:00Z"));
    town.happens(minutes(2), EAST, rotated("somebody/elses", "2026-11-20T12:02:00Z"));
    town.run_for(minutes(60));
    // The same rotation again, late.
    town.happens(minutes(1), EAST, rotated(arn, "2026-11-20T12:01:00Z"));
    town.run_for(minutes(60));
    let book = town.book(EAST, "web");
    assert_eq!((book.ended.len(), end_of(&book, 0)), (1, EndKind::Done));
    let world = town.estate(EAST).world();
    assert_eq!((world.roll_outs, world.revisions_made.len()), (1, 0), "one new deployment, no new revision");
    let restart = &book.ended[0].change;
    let secrets = [arn.to_owned(), "web/cache".to_owned()];
    assert!(matches!(restart, Change::Restart { secrets: own, .. } if *own == secrets.into()), "{restart:?}");
}

/// The restart itself is the first change, and what is rolled out is written down first: the book; the target; what is about
/// to be done, with the lease; the restart.
#[test]
fn a_restart_is_the_fourth_round_trip() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let event = json!({ "nightshift": "rotated", "secret": "web/db", "at": "2026-11-20T12:00:00Z" });
    town.invoke(EAST, &event).unwrap().unwrap();
    town.clock.set(at("2026-11-20T12:04:00Z"));
    town.estate(EAST).shared.journal.borrow_mut().clear();
    let look = json!({ "nightshift": "recheck", "system": "shop", "service": "web", "attempt": 1 });
    town.invoke(EAST, &look).unwrap().unwrap();
    let journal = town.estate(EAST).shared.journal.borrow();
    assert!(journal.iter().find(|call| call.name == "roll_out").unwrap().round == 3, "{journal:?}");
}

#[test]
fn the_sweep_finds_a_push_whose_event_was_lost() {
    let mut town = Town::of(PLAIN, &[EAST]);
    town.push_without_event("web", "v1");
    town.loses_events = true;
    town.run_for(minutes(20));
    assert_eq!(town.book(EAST, "web").ended.len(), 0, "what was there before us is no push");
    let second = town.push_without_event("web", "v2");
    town.run_for(minutes(40));
    let book = town.book(EAST, "web");
    assert_eq!((end_of(&book, 0), &book.ended[0].started_by), (EndKind::Done, &StartedBy::Sweep));
    assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(second));
}

#[test]
fn a_sweep_that_finds_nothing_writes_and_says_nothing() {
    let mut town = Town::of(PLAIN, &[EAST]);
    town.push_without_event("web", "v1");
    town.invoke(EAST, &json!({ "nightshift": "calendar" })).unwrap().unwrap();
    town.estate(EAST).shared.journal.borrow_mut().clear();
    let answer = town.invoke(EAST, &json!({ "nightshift": "calendar" })).unwrap().unwrap();
    assert_eq!((&answer["decision"], &answer["reason"]), (&json!("hold"), &json!("quiet")));
    let journal: Vec<String> = town.estate(EAST).shared.journal.borrow().iter().map(|call| call.name.clone()).collect();
    assert_eq!(journal, ["read_book", "newer_images"]);
}

#[test]
fn the_sweep_leaves_to_the_arranged_look_what_it_will_do() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let digest = town.push_without_event("web", "v1");
    town.invoke(EAST, &push_event(EAST, "web", &digest, "v1")).unwrap().unwrap();
    let calls_of_a_sweep = |town: &mut Town| -> Vec<String> {
        town.estate(EAST).shared.journal.borrow_mut().clear();
        town.invoke(EAST, &json!({ "nightshift": "calendar" })).unwrap().unwrap();
        town.estate(EAST).shared.journal.borrow().iter().map(|call| call.name.clone()).collect()
    };
    assert_eq!(calls_of_a_sweep(&mut town), ["read_book", "newer_images"]);
    // The look did not come: the sweep looks.
    town.clock.set(town.now() + minutes(4));
    assert!(calls_of_a_sweep(&mut town).contains(&"rollout".to_owned()));
    assert!(matches!(town.book(EAST, "web").active.unwrap().legs[0].state, LegState::Baking { .. }));
}

#[test]
fn a_look_is_arranged_where_none_comes_in_time_and_only_there() {
    let arranged = |recheck_at: &str| {
        let mut town = Town::of(PLAIN, &[EAST]);
        let digest = town.push_without_event("web", "v1");
        let book = Book { version: 1, recheck_at: Some(at(recheck_at)), ..Book::default() };
        town.estate(EAST).world().books.insert(key("shop", "web"), book);
        town.invoke(EAST, &push_event(EAST, "web", &digest, "v1")).unwrap().unwrap();
        let world = town.estate(EAST).world();
        world.rechecks.iter().map(|request| request.at.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(arranged("2026-11-20T13:00:00Z"), ["2026-11-20T12:01:00Z"], "an hour is too late");
    assert_eq!(arranged("2026-11-20T12:00:30Z"), [""; 0], "one that comes sooner is enough");
    assert_eq!(arranged("2026-11-20T11:59:00Z"), ["2026-11-20T12:01:00Z"], "it has passed");
}

#[test]
fn observing_changes_nothing_tells_it_once_and_ends() {
    let mut town = Town::of(PLAIN, &[EAST]);
    town.regions.get_mut(EAST).unwrap().config.mode = Mode::Observe;
    town.push("web", "v1");
    town.run_for(minutes(60 * 24 * 3));
    let world = town.estate(EAST).world();
    assert_eq!((world.changes, world.count_told("release_would_have_acted")), (0, 1));
    drop(world);
    assert!(town.ends_everywhere());
    insta::assert_snapshot!(town.told().join("\n"));
}

#[test]
fn a_dead_region_does_not_keep_the_living_ones() {
    let mut town = Town::of(CAREFUL, &[EAST, WEST]);
    town.dead.borrow_mut().insert(WEST.into());
    let digest = town.push("web", "v1");
    town.run_for(minutes(60 * 12));
    assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(digest));
    assert_eq!(end_of(&town.book(EAST, "web"), 0), EndKind::Done);
    assert_eq!(town.estate(EAST).world().count_told("release_region_skipped"), 1);
    assert_eq!(town.failed, [], "that another region is dead fails nothing here");
}
