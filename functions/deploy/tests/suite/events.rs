//! Which services an event concerns, what is answered for those that concern none, and what must not be lost when another
//! invocation is at work.

use nightshift_core::ledger::Lease;
use nightshift_core::release::*;
use nightshift_core::signal::ReleaseVerb;
use serde_json::{Value, json};

use crate::stories::{CAREFUL, PLAIN, WEB};
use crate::town::*;

const MANY: &str = r#"
version: 1
system: shop
regions: [us-east-1]
paths:
  straight:
    tags: { match: ["v*"] }
    stages: [{ name: production, waves: [{ regions: [us-east-1], bake: 0s }] }]
services:
  web:
    runs_on: { ecs: { cluster: shop, service: web } }
    bounds: { min: 2, max: 4 }
    deploy: { repository: shop/web, path: straight }
  worker:
    runs_on: { asg: { group: shop-workers } }
    bounds: { min: 2, max: 4 }
    deploy: { repository: shop/web, path: straight }
  quiet:
    runs_on: { ecs: { cluster: shop, service: quiet } }
    bounds: { min: 1, max: 2 }
    rotated_secrets: { restart: false }
  reader:
    runs_on: { ecs: { cluster: shop, service: reader } }
    bounds: { min: 1, max: 2 }
"#;

fn services(answer: &Value) -> Vec<String> {
    let one = vec![answer.clone()];
    let all = answer["outcomes"].as_array().unwrap_or(&one);
    all.iter().filter_map(|answer| answer["service"].as_str().map(str::to_owned)).collect()
}

fn ok(town: &mut Town, event: &Value) -> Value {
    town.invoke(EAST, event).unwrap().unwrap_or_else(|error| panic!("{error}"))
}

fn from_aws(detail_type: &str, source: &str, resources: &[&str], detail: Value) -> Value {
    json!({
        "version": "0", "id": "1", "source": source, "detail-type": detail_type, "account": "111122223333",
        "region": EAST, "time": "2026-11-20T12:00:00Z", "resources": resources, "detail": detail,
    })
}

#[test]
fn each_event_wakes_the_services_that_it_concerns() {
    let mut town = Town::of(MANY, &[EAST]);
    let digest = town.push_without_event("web", "v1");
    let steady = from_aws(
        "ECS Service Action",
        "aws.ecs",
        &["arn:aws:ecs:us-east-1:111122223333:service/shop/reader"],
        json!({ "eventName": "SERVICE_STEADY_STATE", "clusterArn": "arn:aws:ecs:us-east-1:111122223333:cluster/shop" }),
    );
    let elsewhere = from_aws(
        "ECS Service Action",
        "aws.ecs",
        &["arn:aws:ecs:us-east-1:111122223333:service/other/reader"],
        json!({ "eventName": "SERVICE_STEADY_STATE", "clusterArn": "arn:aws:ecs:us-east-1:111122223333:cluster/other" }),
    );
    let refresh =
        from_aws("EC2 Auto Scaling Instance Refresh Succeeded", "aws.autoscaling", &[], json!({ "AutoScalingGroupName": "shop-workers" }));
    let cases = [
        (push_event(EAST, "web", &digest, "v1"), vec!["web", "worker"]),
        (steady, vec!["reader"]),
        (elsewhere, vec![]),
        (refresh, vec!["worker"]),
        (json!({ "nightshift": "rotated", "secret": "shop/db" }), vec!["reader", "web"]),
        (json!({ "nightshift": "calendar" }), vec!["reader", "web", "worker"]),
        (json!({ "nightshift": "recheck", "system": "shop", "service": "quiet" }), vec!["quiet"]),
    ];
    for (event, wanted) in cases {
        assert_eq!(services(&ok(&mut town, &event)), wanted, "{event}");
    }
}

#[test]
fn two_services_of_one_repository_are_released_each_on_its_own() {
    let mut town = Town::of(MANY, &[EAST]);
    let digest = town.push("web", "v1");
    town.run_for(minutes(120));
    let world = town.estate(EAST).world();
    assert_eq!(world.digest_of(WEB), Some(digest.clone()));
    assert_eq!(world.digest_of("Auto Scaling group shop-workers"), Some(digest));
    assert_eq!(world.count_told("release_done"), 2);
}

#[test]
fn what_is_not_ours_is_answered_with_the_reason_and_costs_no_call() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let digest = format!("sha256:{:0<64}", "ab");
    let mut other_account = push_event(EAST, "web", &digest, "v1");
    other_account["account"] = json!("999988887777");
    let mut untagged = push_event(EAST, "web", &digest, "v1");
    untagged["detail"].as_object_mut().unwrap().retain(|name, _| !name.starts_with("image-"));
    let alarm = from_aws(
        "CloudWatch Alarm State Change",
        "aws.cloudwatch",
        &[],
        json!({ "alarmName": "errors", "state": { "value": "ALARM", "timestamp": "2026-11-20T12:00:00Z" } }),
    );
    let report = json!({ "nightshift": "report", "report": { "nonsense": true } });
    let command = json!({ "nightshift": "release", "system": "shop", "service": "gone", "by": "ann", "verb": "answered" });
    let events = [
        push_event(WEST, "web", &digest, "v1"),
        push_event(EAST, "somebody-elses", &digest, "v1"),
        other_account,
        untagged,
        alarm,
        report,
        command,
        json!(null),
        json!({ "source": "aws.rds", "detail-type": "RDS DB Instance Event", "detail": {} }),
    ];
    let reasons: Vec<String> = events.iter().map(|event| ok(&mut town, event)["reason"].as_str().unwrap().to_owned()).collect();
    insta::assert_snapshot!(reasons.join("\n"));
    assert_eq!(town.estate(EAST).shared.journal.borrow().len(), 0);
}

#[test]
fn a_batch_names_the_messages_that_are_to_come_again() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let image = town.push_without_event("web", "v1");
    let good = json!({ "nightshift": "release", "system": "shop", "service": "web", "by": "ann", "at": "2026-11-20T12:00:00Z", "verb": "deploy", "image": image });
    let batch = json!({ "Records": [
        { "messageId": "m1", "eventSource": "aws:sqs", "body": "{not json" },
        { "messageId": "m2", "eventSource": "aws:sqs", "body": good.to_string() },
    ]});
    *town.estate(EAST).shared.fail_named.borrow_mut() = Some(("read_book", nightshift_core::ports::PortErrorKind::Throttled));
    let answer = ok(&mut town, &batch);
    assert_eq!(answer["batchItemFailures"], json!([{ "itemIdentifier": "m2" }]));
    *town.estate(EAST).shared.fail_named.borrow_mut() = None;
    let answer = ok(&mut town, &batch);
    assert_eq!((&answer["batchItemFailures"], &answer["decision"]), (&json!([]), &json!("roll_out")));
}

fn lease(town: &Town, seconds: i64) {
    let until = town.now() + jiff::SignedDuration::from_secs(seconds);
    let mut world = town.estate(EAST).world();
    let book = world.books.entry(key("shop", "web")).or_default();
    book.version += 1;
    book.lease = Some(Lease { owner: "dead".into(), until });
}

#[test]
fn what_an_event_says_is_not_lost_to_another_invocation_at_work() {
    let mut town = Town::of(PLAIN, &[EAST]);
    town.sweep = None;
    let image = town.push_without_event("web", "v1");
    lease(&town, 50);
    let verb = ReleaseVerb::Deploy { image: image.clone(), accepts_drift: false, only_here: false };
    town.command(EAST, "web", verb);
    town.run_for(jiff::SignedDuration::from_secs(30));
    assert_eq!(town.estate(EAST).world().changes, 0, "the lease is kept to");
    town.run_for(minutes(60));
    assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(image), "Lambda's retry brings it again");
}

/// Who is at work holds the lease for moments: a second event waits for that, and Lambda hears of no error.
#[test]
fn what_an_event_says_waits_for_who_is_at_work() {
    for milliseconds in 0..12 {
        let mut town = Town::of(PLAIN, &[EAST]);
        let digest = town.push_without_event("web", "v1");
        let (push, now) = (push_event(EAST, "web", &digest, "v1"), town.now());
        let rotated = json!({ "nightshift": "rotated", "secret": "web/db", "at": now });
        let (first, second) = (invocation("1", EAST, now, TIMEOUT), invocation("2", EAST, now, TIMEOUT));
        let deps = &town.regions[EAST];
        let (pushed, noted) = paused_runtime().block_on(async {
            let later = async {
                tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
                nightshift_deploy::handle(&second, deps, &rotated).await
            };
            tokio::join!(nightshift_deploy::handle(&first, deps, &push), later)
        });
        assert!(pushed.is_ok() && noted.is_ok(), "{milliseconds} ms later: {pushed:?} {noted:?}");
        assert!(town.book(EAST, "web").rotated.is_some(), "{milliseconds} ms later");
        town.run_for(minutes(120));
        assert_eq!(town.book(EAST, "web").ended.len(), 2, "the release, and then the restart");
    }
}

#[test]
fn a_look_leaves_the_service_to_who_is_at_work_and_comes_again() {
    let mut town = Town::of(PLAIN, &[EAST]);
    lease(&town, 50);
    let answer = ok(&mut town, &json!({ "nightshift": "recheck", "system": "shop", "service": "web" }));
    assert_eq!((&answer["reason"], &answer["look_again_at"]), (&json!("leased"), &json!("2026-11-20T12:00:50Z")));
    let journal: Vec<String> = town.estate(EAST).shared.journal.borrow().iter().map(|call| call.name.clone()).collect();
    assert_eq!(journal, ["read_book", "schedule"]);
}

#[test]
fn chats_get_the_form_that_they_read() {
    let mut town = Town::of(CAREFUL, &[EAST, WEST]);
    town.push("web", "v1");
    town.run_for(minutes(5));
    let world = town.estate(EAST).world();
    let (_, message) = world.told.iter().find(|(topic, _)| topic.ends_with(":chat")).unwrap();
    let body: Value = serde_json::from_str(&message.body).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&body).unwrap());
}

#[test]
fn nothing_that_a_task_definition_says_gets_into_the_answer() {
    let mut town = Town::of(PLAIN, &[EAST]);
    let digest = town.push_without_event("web", "v1");
    let answer = ok(&mut town, &push_event(EAST, "web", &digest, "v1"));
    assert!(!answer.to_string().contains("hunter2"));
    assert_eq!(answer["steps"].as_array().map(Vec::len), Some(2));
    assert_eq!(answer["state"], "rolling");
    assert!(answer["plan_id"].as_str().is_some_and(|id| id.len() == 16));
}

#[test]
fn a_frozen_release_waits_and_says_so_once() {
    let frozen = PLAIN.replace(
        "    deadline: 20m",
        "    freeze: [{ why: sale, from: 2026-11-20T00:00:00Z, to: 2026-11-21T00:00:00Z }]\n    deadline: 20m",
    );
    let mut town = Town::of(&frozen, &[EAST]);
    let digest = town.push("web", "v1");
    town.run_for(minutes(60 * 11));
    let (changes, told) = {
        let world = town.estate(EAST).world();
        (world.changes, world.count_told("release_waiting"))
    };
    assert_eq!((changes, told), (0, 1));
    town.run_for(minutes(120));
    assert_eq!(town.estate(EAST).world().digest_of(WEB), Some(digest));
    assert_eq!(town.book(EAST, "web").ended[0].end.as_ref().unwrap().kind, EndKind::Done);
}
