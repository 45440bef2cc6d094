//! What should not come: foreign and malformed events, alarms and services that nobody knows, fleet files that are wrong.

use jiff::Timestamp;
use nightshift_tests::{Deployment, LocalAws, Mode, holds_for, project, wait_until};
use serde_json::{Value, json};
use std::time::Duration;

use crate::shop::{BUSY, SOON, Shop, alarm_event, fleet};

fn sample(name: &str) -> Value {
    let path = project::root().join("events").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).expect("the sample is there")).expect("a sample is JSON")
}

#[tokio::test]
async fn what_is_not_for_us_is_answered_with_the_reason() {
    let aws = LocalAws::start();
    let nightshift = aws.deploy(&Deployment::of([fleet("")])).await;
    let expected = [
        (sample("foreign-ecr-push.json"), "not_an_alarm"),
        (sample("foreign-sns-text.json"), "not_json"),
        (sample("foreign-alarm-configuration-change.json"), "alarm_configuration_change"),
        (alarm_event("somebody-elses-alarm", "ALARM", Timestamp::now()), "not_ours"),
        (alarm_event("nightshift-shop-api-removed-rule", "ALARM", Timestamp::now()), "not_ours"),
        (json!({ "nightshift": "recheck", "system": "shop", "service": "closed", "attempt": 1 }), "not_ours"),
        (json!({ "nightshift": "recheck" }), "incomplete_recheck"),
        (json!({ "nightshift": "dance" }), "unknown_instruction"),
        (json!({}), "unknown_envelope"),
        (json!({ "Records": [] }), "empty_batch"),
        (json!(null), "not_an_event"),
        (json!(["one", 2]), "not_json"),
        (json!("a text"), "not_json"),
        (json!(7), "not_an_event"),
    ];
    for (event, reason) in expected {
        let answer = nightshift.ask(&event);
        assert_eq!((answer["decision"].as_str(), answer["reason"].as_str()), (Some("hold"), Some(reason)), "{event}: {answer}");
        assert!(answer["text"].as_str().is_some_and(|text| !text.is_empty()), "{event}: no words for it: {answer}");
        assert_eq!(answer["steps"], json!([]));
    }
    assert_eq!(nightshift.notices(), Vec::new(), "foreign events are nobody's business");
}

#[tokio::test]
async fn one_bad_record_does_not_stop_the_batch() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    shop.load_unheard(BUSY).await;
    let record =
        |id: &str, body: &Value| json!({ "messageId": id, "receiptHandle": "h", "eventSource": "aws:sqs", "body": body.to_string() });
    let alarm = shop.event("busy", "ALARM", Timestamp::now());
    let batch = json!({ "Records": [record("bad", &json!("not for machines")), record("good", &alarm)] });
    let answer = shop.nightshift.ask(&batch);
    assert_eq!(answer["batchItemFailures"], json!([]), "nothing is worth another delivery: {answer}");
    let outcomes = answer["outcomes"].as_array().expect("two records, two outcomes");
    assert!(outcomes.iter().any(|outcome| outcome["ending"] == "acted"), "{answer}");
    assert!(outcomes.iter().any(|outcome| outcome["reason"] == "not_json"), "{answer}");
    assert_eq!(shop.tasks().await, 3);
}

#[tokio::test]
async fn a_service_that_does_not_exist_is_told_once() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    aws.ecs.delete_service().cluster("shop").service("shop-api").force(true).send().await.expect("a service can be deleted");
    shop.load(BUSY).await;
    let is_gone = |reason: &str| ["service_missing", "service_inactive"].contains(&reason);
    let notice = shop.nightshift.notice("that it is not there", |notice| is_gone(notice.field("reason"))).await;
    assert_eq!(notice.field("kind"), "held");
    shop.nightshift.ended_with(notice.field("reason")).await;
    let answer = shop.nightshift.ask(&json!({ "nightshift": "recheck", "system": "shop", "service": "api", "attempt": 1 }));
    assert!(answer["reason"].as_str().is_some_and(is_gone), "{answer}");
    assert_eq!(shop.told("held"), 1);
}

#[tokio::test]
async fn a_cluster_that_does_not_exist_is_told_as_a_persons_task() {
    let aws = LocalAws::start();
    // Deployed and synced, but the estate was never created, or runs_on has a slip of the pen.
    let nightshift = aws.deploy(&Deployment::of([fleet("")])).await;
    nightshift.run(&["alarms", "sync", "--yes"]);
    aws.push(&fleet("").load("api"), BUSY).await;
    let notice = nightshift.notice("that it is not there", |notice| notice.field("reason") == "service_missing").await;
    assert_eq!((notice.field("severity"), notice.field("kind")), ("critical", "held"));
    assert!(notice.field("text").contains("runs_on"), "it says what to correct: {notice:?}");
}

#[tokio::test]
async fn an_alarm_that_was_never_made_is_told_with_the_remedy() {
    let aws = LocalAws::start();
    aws.make_service("shop", "shop-api", 2).await;
    let nightshift = aws.deploy(&Deployment::of([fleet("")])).await;
    let event = alarm_event(&fleet("").alarm("api", "busy"), "ALARM", Timestamp::now());
    let answer = nightshift.ask(&event);
    assert_eq!((answer["decision"].as_str(), answer["reason"].as_str()), (Some("hold"), Some("alarm_missing")), "{answer}");
    assert!(answer["text"].as_str().is_some_and(|text| text.contains("nightshift alarms sync")), "{answer}");
    assert_eq!(aws.tasks("shop", "shop-api").await, 2);
}

/// A fleet file that cannot be used: the function answers with the file, the place and the remedy, and loses no event.
async fn refuses(text: Option<&str>, words: &[&str]) {
    let aws = LocalAws::start();
    let nightshift = aws.deploy(&Deployment::of([fleet("")])).await;
    let path = nightshift.checkout().join("systems/shop/fleet.yaml");
    match text {
        Some(text) => std::fs::write(&path, text),
        None => std::fs::remove_file(&path),
    }
    .expect("the test's folder can be written");
    let event = alarm_event("nightshift-shop-api-busy", "ALARM", Timestamp::now());
    let answer = nightshift.invoke(&event);
    assert!(answer.function_error.is_some(), "{answer:?}");
    let error = answer.json();
    assert_eq!(error["errorType"], "Nightshift.fleet_invalid", "{error}");
    let message = error["errorMessage"].as_str().unwrap_or_default();
    for word in words {
        assert!(message.contains(word), "{word} is missing from: {message}");
    }
    nightshift.send(&event);
    let queue = nightshift.output("FailureQueueUrl").rsplit('/').next().unwrap_or_default().to_owned();
    let look = async || match aws.messages(&queue).as_slice() {
        [kept] => Ok(serde_json::from_str::<Value>(kept).expect("a failure record is JSON")),
        other => Err(format!("{} messages in the failure queue", other.len())),
    };
    let kept = wait_until("the event is in the failure queue", SOON, look).await;
    assert_eq!(kept["requestPayload"], event);
    assert_eq!(kept["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(kept["requestContext"]["approximateInvokeCount"], 3, "once, and two retries");
}

#[tokio::test]
async fn a_wrong_fleet_file_is_answered_with_place_and_remedy() {
    let wrong = fleet("").text.replace("    bounds:", "    bonds:");
    refuses(Some(&wrong), &["fleet.yaml", ":7:", "bonds", "bounds"]).await;
}

#[tokio::test]
async fn an_absent_fleet_file_is_answered_with_where_it_should_be() {
    refuses(None, &["systems", "NIGHTSHIFT_FLEET"]).await;
}

#[tokio::test]
async fn an_alarm_of_another_region_is_left_alone() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    let mut event = shop.event("busy", "ALARM", Timestamp::now());
    event["region"] = json!("eu-west-1");
    event["resources"] = json!(["arn:aws:cloudwatch:eu-west-1:000000000000:alarm:nightshift-shop-api-busy"]);
    let answer = shop.nightshift.ask(&event);
    assert_eq!((answer["decision"].as_str(), answer["reason"].as_str()), (Some("hold"), Some("other_region")), "{answer}");
    holds_for("two tasks", Duration::from_secs(1), async || match shop.tasks().await {
        2 => Ok(()),
        other => Err(format!("there were {other}")),
    })
    .await;
}
