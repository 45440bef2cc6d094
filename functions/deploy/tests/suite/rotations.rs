//! Rotated secrets through the handler: told twice over, while a release waits, on tasks and on instances, with every call failing.

use std::time::Duration;

use nightshift_core::ports::PortErrorKind;
use nightshift_core::release::*;
use serde_json::{Value, json};

use crate::fake::*;
use crate::stories::{CAREFUL, PLAIN, WEB, end_of};
use crate::town::*;

const ARN: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:web/db-AbCdEf";
pub const VERSION: &str = "252b176b-aadc-451a-8e45-8e999a553ce7";
/// Readers of it are locked out as soon as it has changed.
pub const URGENT: &str = "secrets: { web/db: { postgresql: { users: single } } }\n";

/// What the function that rotated it says, and what Secrets Manager tells a moment later.
pub fn told(town: &Town, version: &str) -> [Value; 2] {
    let now = town.now();
    let label = json!({
        "version": "0", "id": "1", "source": "aws.secretsmanager", "detail-type": "Secret Label Updated", "account": "111122223333",
        "region": EAST, "time": now, "resources": [ARN],
        "detail": { "name": "web/db", "labelUpdated": "AWSCURRENT", "versionId": version },
    });
    [json!({ "nightshift": "rotated", "secret": ARN, "version": version, "at": now }), label]
}

fn handed(town: &Town, service: &str) -> HandedState {
    town.book(EAST, service).handed("web/db").unwrap_or_else(|| panic!("nothing is known of it")).state.clone()
}

fn restarts(town: &Town) -> u32 {
    town.estate(EAST).world().roll_outs
}

#[test]
fn one_version_told_twice_is_one_restart_begun_by_the_first_telling() {
    let mut town = Town::of(&format!("{PLAIN}{URGENT}"), &[EAST]);
    let [direct, label] = told(&town, VERSION);
    let answer = town.invoke(EAST, &direct).unwrap().unwrap();
    assert_eq!((&answer["decision"], restarts(&town)), (&json!("roll_out"), 1));
    town.happens(minutes(0), EAST, label.clone());
    town.run_for(minutes(60));
    assert!(matches!(handed(&town, "web"), HandedState::Proven { .. }));
    town.happens(minutes(300), EAST, label);
    town.run_for(minutes(400));
    assert_eq!((restarts(&town), town.book(EAST, "web").ended.len()), (1, 1));
    let since = at("2026-11-20T12:00:00Z");
    assert!(matches!(town.book(EAST, "web").hand_over(ARN, VERSION, since), Some(HandedState::Proven { .. })));
}

#[test]
fn a_restart_whose_look_aws_refuses_to_arrange_is_told() {
    // Readers of a secret with two users wait until it has settled, which wants a look.
    let mut town = Town::of(PLAIN, &[EAST]);
    let [_, label] = told(&town, VERSION);
    *town.estate(EAST).shared.fail_named.borrow_mut() = Some(("schedule", PortErrorKind::Denied));
    let failed = town.invoke(EAST, &label).unwrap().unwrap_err();
    assert_eq!((failed.code(), restarts(&town)), ("refused_by_aws", 0));
    assert_eq!(town.estate(EAST).world().count_told("release_held_up"), 1);
    *town.estate(EAST).shared.fail_named.borrow_mut() = None;
    town.happens(minutes(1), EAST, label);
    town.run_for(minutes(60));
    assert_eq!(restarts(&town), 1);
}

/// Both wake the function in the same moment.
#[test]
fn both_tellings_at_once_are_one_restart() {
    for half_milliseconds in 0..24 {
        let mut town = Town::of(&format!("{PLAIN}{URGENT}"), &[EAST]);
        let [direct, label] = told(&town, VERSION);
        let now = town.now();
        let (first, second) = (invocation("1", EAST, now, TIMEOUT), invocation("2", EAST, now, TIMEOUT));
        let deps = &town.regions[EAST];
        let (one, other) = paused_runtime().block_on(async {
            let later = async {
                tokio::time::sleep(Duration::from_micros(half_milliseconds * 500)).await;
                nightshift_deploy::handle(&second, deps, &label).await
            };
            tokio::join!(nightshift_deploy::handle(&first, deps, &direct), later)
        });
        assert!(one.is_ok() && other.is_ok(), "{half_milliseconds}: {one:?} {other:?}");
        town.run_for(minutes(120));
        assert_eq!(restarts(&town), 1, "{half_milliseconds} half milliseconds later");
        assert!(matches!(handed(&town, "web"), HandedState::Proven { .. }), "{half_milliseconds}");
    }
}

/// From the event to the restart: the book; the task definitions; target, which a restart needs; what is about to be done, with
/// the lease; the restart.
#[test]
fn an_urgent_restart_is_the_fifth_round_trip() {
    let mut town = Town::of(&format!("{PLAIN}{URGENT}"), &[EAST]);
    let [direct, _] = told(&town, VERSION);
    town.invoke(EAST, &direct).unwrap().unwrap();
    let journal = town.estate(EAST).shared.journal.borrow();
    let calls: Vec<String> = journal.iter().map(|call| format!("{} {}", call.round, call.name)).collect();
    assert_eq!(calls[..5], ["0 read_book", "1 blueprint", "2 target_now", "3 store_book", "4 roll_out"], "{calls:?}");
}

#[test]
fn a_release_that_waits_for_people_lets_the_restart_go_first_and_goes_on_with_the_answer_that_came_meanwhile() {
    let mut town = Town::of(&format!("{CAREFUL}{URGENT}"), &[EAST, WEST]);
    let digest = town.push("web", "v1");
    town.run_for(minutes(8));
    assert!(town.estate(EAST).world().count_told("approval") == 2, "{:?}", town.told());
    let [direct, label] = told(&town, VERSION);
    town.happens(minutes(0), EAST, direct);
    town.happens(minutes(1), EAST, label);
    town.run_for(minutes(1));
    let book = town.book(EAST, "web");
    assert!(book.aside.is_some() && book.active.is_some_and(|active| active.change.image().is_none()));
    town.run_for(minutes(60 * 9));
    let book = town.book(EAST, "web");
    assert!(matches!(handed(&town, "web"), HandedState::Proven { .. }));
    assert!(matches!(book.ended[1].change, Change::Restart { .. }), "{:?}", book.ended[1].change);
    assert_eq!((end_of(&book, 0), end_of(&book, 1)), (EndKind::Done, EndKind::Done));
    for region in [EAST, WEST] {
        assert_eq!(town.estate(region).world().digest_of(WEB), Some(digest.clone()), "{region}");
    }
    assert_eq!(town.estate(EAST).world().count_told("approval"), 2, "nobody is asked again");
}

/// Instances read secrets as they boot, which nobody sees: the fleet file names who does.
#[test]
fn instances_that_are_named_as_readers_are_replaced_as_their_path_says_and_no_others() {
    let fleet = r#"
version: 1
system: shop
regions: [us-east-1]
paths:
  instances:
    tags: { match: ["*"] }
    stages: [{ name: production, waves: [{ regions: [us-east-1], bake: 2m }] }]
    instances: { minimum_healthy: 50, maximum_healthy: 150, checkpoints: [50], checkpoint_delay: 10m }
services:
  user:
    runs_on: { asg: { group: shop-user } }
    bounds: { min: 2, max: 10 }
    deploy: { repository: shop/user, path: instances }
  plain:
    runs_on: { asg: { group: shop-plain } }
    bounds: { min: 2, max: 10 }
  other:
    runs_on: { asg: { group: shop-other } }
    bounds: { min: 2, max: 10 }
secrets:
  web/db: { postgresql: { users: alternating, admin_secret: web/admin }, readers: [user, plain] }
  web/admin: { postgresql: { users: single } }
"#;
    let mut town = Town::of(fleet, &[EAST]);
    let [direct, label] = told(&town, VERSION);
    let answer = town.invoke(EAST, &direct).unwrap().unwrap();
    let woken: Vec<&Value> = answer["outcomes"].as_array().unwrap().iter().map(|answer| &answer["service"]).collect();
    assert_eq!(woken, ["plain", "user"]);
    town.happens(minutes(1), EAST, label);
    town.run_for(minutes(60));
    for service in ["user", "plain"] {
        assert!(matches!(handed(&town, service), HandedState::Proven { .. }), "{service}");
        assert_eq!(end_of(&town.book(EAST, service), 0), EndKind::Done, "{service}");
    }
    let world = town.estate(EAST).world();
    assert_eq!((world.roll_outs, world.revisions_made.len()), (2, 0), "no new version");
    let of_path = world.replacements.iter().find(|replacement| replacement.maximum_healthy == 150).unwrap();
    assert_eq!((of_path.minimum_healthy, of_path.checkpoints.as_slice()), (50, [].as_slice()), "no stop on the way");
}

#[test]
fn a_secret_that_nobody_reads_wakes_nobody_on_instances_and_leaves_no_trace_on_tasks() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let answer = town.invoke(EAST, &json!({ "nightshift": "rotated", "secret": "web/unread", "version": VERSION })).unwrap().unwrap();
    assert_eq!((&answer["decision"], &answer["reason"]), (&json!("hold"), &json!("quiet")));
    assert_eq!(town.book(EAST, "web"), Book::default());
    let groups = PLAIN.replace("ecs: { cluster: shop, service: web }", "asg: { group: shop-web }");
    let mut town = Town::of(&groups, &[EAST]);
    let answer = town.invoke(EAST, &json!({ "nightshift": "rotated", "secret": ARN })).unwrap().unwrap();
    assert_eq!(&answer["reason"], &json!("not_ours"));
    assert_eq!(town.estate(EAST).shared.journal.borrow().len(), 0);
}

#[test]
fn a_restart_that_cannot_be_begun_pages_a_person_and_says_what_to_do() {
    let mut town = Town::of(&format!("{PLAIN}{URGENT}"), &[EAST]);
    *town.estate(EAST).shared.fail_named.borrow_mut() = Some(("roll_out", PortErrorKind::Denied));
    let [direct, _] = told(&town, VERSION);
    town.happens(minutes(0), EAST, direct);
    town.run_for(minutes(60 * 3));
    assert!(matches!(handed(&town, "web"), HandedState::Failed { .. }));
    assert_eq!(end_of(&town.book(EAST, "web"), 0), EndKind::Failed);
    let world = town.estate(EAST).world();
    let (_, message) = world.told.iter().find(|(_, message)| attribute(message, "kind") == "release_failed").expect("nobody was told");
    assert_eq!(attribute(message, "severity"), "critical");
    assert!(message.body.contains("refuses the old password") && message.body.contains("What to do"), "{}", message.body);
    assert_eq!(world.count_told("release_step_failed"), 1);
}

/// Without a sweep: Lambda's retries and arranged looks alone.
#[test]
fn a_restart_survives_a_failure_at_every_call_and_is_never_begun_twice() {
    let ways = [
        Failure::Refused(PortErrorKind::Throttled),
        Failure::Refused(PortErrorKind::Unavailable),
        Failure::Refused(PortErrorKind::Conflict),
        Failure::AnswerLost,
        Failure::Death,
    ];
    for urgent in ["", URGENT] {
        let begin = || {
            let mut town = Town::of(&format!("{PLAIN}{urgent}"), &[EAST]);
            town.sweep = None;
            let [direct, label] = told(&town, VERSION);
            town.happens(minutes(0), EAST, direct);
            town.happens(minutes(1), EAST, label);
            town
        };
        let mut good = begin();
        good.run_for(minutes(60));
        let calls = good.estate(EAST).shared.journal.borrow().len();
        assert!(calls > 20, "{calls}");
        for at in 0..calls {
            for way in ways {
                let mut town = begin();
                town.fail_at(EAST, at, 0, way);
                town.run_for(minutes(60 * 30));
                let case = format!("{way:?} at call {at}, {urgent}");
                assert!(town.ends_everywhere(), "{case}: {:#?}", town.book(EAST, "web"));
                assert_eq!(restarts(&town), 1, "{case}");
                assert!(matches!(handed(&town, "web"), HandedState::Proven { .. }), "{case}: {:?}", handed(&town, "web"));
            }
        }
    }
}

/// The release waits for an answer, is put aside, and goes on.
#[test]
fn what_is_put_aside_survives_a_failure_at_every_call() {
    let approval = "approval: { by: [{ name: lead, topic: \"arn:aws:sns:us-east-1:111122223333:lead\" }], expires: 6h }, waves: [{";
    let asking = PLAIN.replace("waves: [{", approval);
    let begin = || {
        let mut town = Town::of(&format!("{asking}{URGENT}"), &[EAST]);
        let digest = town.push("web", "v1");
        let [direct, label] = told(&town, VERSION);
        town.happens(minutes(3), EAST, direct);
        town.happens(minutes(4), EAST, label);
        (town, digest)
    };
    let (mut good, _) = begin();
    good.run_for(minutes(120));
    let calls = good.estate(EAST).shared.journal.borrow().len();
    assert!(calls > 40, "{calls}");
    for at in 0..calls {
        for way in [Failure::Refused(PortErrorKind::Unavailable), Failure::AnswerLost, Failure::Death] {
            let (mut town, digest) = begin();
            town.fail_at(EAST, at, 0, way);
            town.run_for(minutes(60 * 30));
            let case = format!("{way:?} at call {at}");
            assert!(town.ends_everywhere(), "{case}: {:#?}", town.book(EAST, "web"));
            assert_eq!((restarts(&town), town.estate(EAST).world().digest_of(WEB)), (2, Some(digest)), "{case}: {:#?}", town.told());
            assert!(matches!(handed(&town, "web"), HandedState::Proven { .. }), "{case}: {:?}", handed(&town, "web"));
        }
    }
}
