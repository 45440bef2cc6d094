//! IAM enforced: the template's own policy is enough for everything, and what it is denied is told and lost nowhere.

use jiff::Timestamp;
use nightshift_tests::{Deployment, FleetFile, LocalAws, Mode, Nightshift, Permissions, wait_until};
use serde_json::{Value, json};

use crate::shop::{AFTER_RECHECK, BUSY, QUIET, SOON, Shop, fleet};

/// What the local AWS checks against another resource than AWS does: ECS calls against the cluster instead of the service,
/// and one-time schedules against the default group.
fn local_differences() -> Value {
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["ecs:DescribeServices", "ecs:UpdateService"], "Resource": "arn:aws:ecs:*:*:cluster/*" },
        { "Effect": "Allow", "Action": "scheduler:CreateSchedule", "Resource": "arn:aws:scheduler:*:*:schedule/default/*" },
    ] })
}

/// Adds an inline policy to the function's role.
fn add_policy(nightshift: &Nightshift<'_>, name: &str, policy: &Value) {
    nightshift.add_policy("ScaleFunctionName", name, policy);
}

async fn open(aws: &LocalAws) -> Shop<'_> {
    let shop = Shop::open(aws, fleet(""), Mode::Act).await;
    add_policy(&shop.nightshift, "local-aws-differences", &local_differences());
    shop
}

#[tokio::test]
async fn the_templates_own_policy_is_enough_to_grow_tell_look_again_and_shrink() {
    let aws = LocalAws::start_with(Permissions::Enforced);
    let shop = open(&aws).await;
    shop.load(BUSY).await;
    shop.tasks_become(3, SOON).await;
    let notice = shop.nightshift.notice("of the growth", |notice| notice.field("kind") == "acted").await;
    assert_eq!(notice.body["errors"], json!([]), "nothing was denied on the way");
    shop.tasks_become(4, AFTER_RECHECK).await;
    shop.load(QUIET).await;
    shop.tasks_become(2, AFTER_RECHECK).await;
    for entry in shop.nightshift.history("shop/api") {
        assert_eq!(entry["outcome"]["errors"], json!([]), "{entry}");
    }
}

#[tokio::test]
async fn a_group_too_needs_nothing_more() {
    let aws = LocalAws::start_with(Permissions::Enforced);
    let fleet = FleetFile::of_system("stateless").with_cooldowns(5);
    aws.make_group("stateless-web", 2, 10, 3).await;
    let nightshift = aws.deploy(&Deployment::of([fleet.clone()])).await;
    add_policy(&nightshift, "local-aws-differences", &local_differences());
    nightshift.run(&["alarms", "sync", "--yes"]);
    aws.push(&fleet.load("web"), 90.0).await;
    let notice = nightshift.notice("of the growth", |notice| notice.field("kind") == "acted").await;
    assert_eq!(notice.body["errors"], json!([]), "{notice:?}");
    assert_eq!(aws.capacity("stateless-web").await, 4);
}

#[tokio::test]
async fn a_chat_topic_of_the_fleet_file_is_told_when_the_stack_names_it() {
    let aws = LocalAws::start_with(Permissions::Enforced);
    let topic = aws.sns.create_topic().name("ops-chat").send().await.expect("a topic can be made");
    let topic = topic.topic_arn().expect("a topic has an ARN").to_owned();
    aws.make_queue("chat");
    aws.subscribe_queue(&topic, "chat").await;
    let text = fleet("").text.replace("services:", &format!("notices: {{ chat_topic: \"{topic}\" }}\nservices:"));
    let fleet = FleetFile::new(text);
    aws.make_service("shop", "shop-api", 2).await;
    let nightshift = aws.deploy(&Deployment::of([fleet.clone()]).telling(&topic)).await;
    add_policy(&nightshift, "local-aws-differences", &local_differences());
    nightshift.run(&["alarms", "sync", "--yes"]);
    aws.push(&fleet.load("api"), BUSY).await;
    let look = async || aws.messages("chat").first().cloned().ok_or_else(|| "no message".to_owned());
    let envelope: Value = serde_json::from_str(&wait_until("the chat is told", SOON, look).await).expect("SNS wraps in JSON");
    let message: Value = serde_json::from_str(envelope["Message"].as_str().unwrap_or_default()).expect("a custom notification is JSON");
    assert_eq!((message["version"].as_str(), message["source"].as_str()), (Some("1.0"), Some("custom")));
    assert_eq!(message["content"]["title"], "shop/api: 2 -> 3 tasks (busy)", "{message}");
    assert!(message["content"]["description"].as_str().is_some_and(|text| text.contains("shop/api grew from 2 to 3 tasks.")), "{message}");
}

#[tokio::test]
async fn what_is_denied_has_a_code_reaches_people_and_is_kept() {
    let aws = LocalAws::start_with(Permissions::Enforced);
    let shop = open(&aws).await;
    let deny = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Action": "ecs:UpdateService", "Resource": "*" }] });
    add_policy(&shop.nightshift, "no-updates", &deny);
    shop.load_unheard(BUSY).await;
    let event = shop.event("busy", "ALARM", Timestamp::now());

    let answer = shop.nightshift.invoke(&event);
    assert!(answer.function_error.is_some(), "{answer:?}");
    let error = answer.json();
    assert_eq!(error["errorType"], "Nightshift.refused_by_aws", "{error}");
    let message = error["errorMessage"].as_str().unwrap_or_default();
    assert!(message.contains("shop/api") && message.contains("ecs:UpdateService"), "{message}");

    let notice = shop.nightshift.notice("that it failed", |notice| notice.field("kind") == "failed").await;
    assert_eq!(notice.field("severity"), "critical");
    assert_eq!(notice.subject, "shop/api: FAILED to go 2 -> 3 tasks (busy)");

    // As SNS and EventBridge call it: nobody waits, Lambda tries three times, and then keeps the event.
    shop.nightshift.send(&event);
    let queue = shop.nightshift.output("FailureQueueUrl").rsplit('/').next().unwrap_or_default().to_owned();
    let look = async || match aws.messages(&queue).as_slice() {
        [kept] => Ok(serde_json::from_str::<Value>(kept).expect("a failure record is JSON")),
        other => Err(format!("{} messages in the failure queue", other.len())),
    };
    let kept = wait_until("the event is in the failure queue", SOON, look).await;
    assert_eq!(kept["requestPayload"], event);
    assert_eq!(kept["responsePayload"]["errorType"], "Nightshift.refused_by_aws", "{kept}");
    assert_eq!(shop.tasks().await, 2);
    assert_eq!(shop.told("failed"), 1, "four attempts, one message");
}
