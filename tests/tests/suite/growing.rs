//! The main job on a group (stateless) and on tasks (pizza), on the systems' own stacks and with their own rules: an alarm
//! over SNS, growth, growth again while the alarm lasts, told once at the most, and shrinking down to the least.

use nightshift_tests::{Deployment, FleetFile, LocalAws, Nightshift, holds_for, wait_until};
use std::time::Duration;

use crate::shop::{AFTER_RECHECK, SOON, step};

/// Waits until a size is `wanted`.
async fn becomes(what: &str, wanted: i32, within: Duration, size: impl AsyncFn() -> i32) {
    let look = async || match size().await {
        seen if seen == wanted => Ok(()),
        seen => Err(seen.to_string()),
    };
    wait_until(&format!("{what} is {wanted}"), within, look).await;
}

fn at_most(nightshift: &Nightshift<'_>) -> usize {
    nightshift.notices().iter().filter(|notice| notice.field("reason") == "at_bound").count()
}

#[tokio::test]
async fn the_stateless_group_grows_with_its_alarm_and_shrinks_when_it_is_quiet() {
    let aws = LocalAws::start();
    let fleet = FleetFile::of_system("stateless").with_cooldowns(5);
    aws.deploy_system("stateless").await;
    aws.set_capacity("stateless-web", 8).await;
    let nightshift = aws.deploy(&Deployment::of([fleet.clone()])).await;
    nightshift.run(&["alarms", "sync", "--yes"]);
    let cpu = fleet.load("web");
    let capacity = async || aws.capacity("stateless-web").await;
    aws.push(&cpu, 40.0).await;
    nightshift.heard(2).await;

    aws.push(&cpu, 85.0).await;
    becomes("the group", 9, SOON, capacity).await;
    let first = nightshift.notice("of the first growth", |notice| notice.field("kind") == "acted").await;
    assert_eq!(step(&first.body), (8, 9));
    assert_eq!(first.subject, "stateless/web: 8 -> 9 instances (cpu-high)");
    assert_eq!(nightshift.rechecks().await.len(), 1, "one later look is arranged");

    // Nobody calls: the alarm stays as it is, and the function's own schedule brings it back.
    becomes("the group", 10, AFTER_RECHECK, capacity).await;
    nightshift.notice("that it is at the most", |notice| notice.field("reason") == "at_bound").await;
    nightshift.ended_with("at_bound").await;
    let again = nightshift.ask(&serde_json::json!({ "nightshift": "recheck", "system": "stateless", "service": "web", "attempt": 9 }));
    assert_eq!(again["reason"], "at_bound");
    holds_for("ten instances", Duration::from_secs(3), async || match capacity().await {
        10 => Ok(()),
        other => Err(format!("there were {other}")),
    })
    .await;
    assert_eq!(at_most(&nightshift), 1, "people are told once that it is at the most");

    // By hand to where the way down is short.
    aws.set_capacity("stateless-web", 4).await;
    aws.push(&cpu, 12.0).await;
    becomes("the group", 2, AFTER_RECHECK, capacity).await;
    let last = nightshift.ask(&serde_json::json!({ "nightshift": "recheck", "system": "stateless", "service": "web", "attempt": 9 }));
    assert_eq!((last["reason"].as_str(), &last["look_again_at"]), (Some("at_bound"), &serde_json::Value::Null), "{last}");
    assert_eq!(capacity().await, 2, "never below the least");
    let shrunk = nightshift.history("stateless/web").iter().filter(|entry| entry["decision"] == "shrink").count();
    assert_eq!(shrunk, 2, "one instance at a time");
}

#[tokio::test]
async fn the_pizza_service_grows_in_proportion_and_shrinks_when_it_is_quiet() {
    let aws = LocalAws::start();
    let fleet = FleetFile::of_system("pizza").with_cooldowns(5);
    aws.deploy_system("pizza").await;
    let nightshift = aws.deploy(&Deployment::of([fleet.clone()])).await;
    nightshift.run(&["alarms", "sync", "--yes"]);
    let cpu = fleet.load("api");
    let tasks = async || aws.tasks("pizza", "pizza-api").await;
    aws.push(&cpu, 55.0).await;
    nightshift.heard(2).await;

    // ceil(2 x 100 / 60) = 4, then ceil(4 x 100 / 60) = 7, as the document says; the most is 10.
    aws.push(&cpu, 100.0).await;
    becomes("the service", 4, SOON, tasks).await;
    let first = nightshift.notice("of the first growth", |notice| notice.field("kind") == "acted").await;
    assert_eq!(step(&first.body), (2, 4));
    becomes("the service", 7, AFTER_RECHECK, tasks).await;
    becomes("the service", 10, AFTER_RECHECK, tasks).await;
    let last = nightshift.notice("of the growth to the most", |notice| step_to(notice) == Some(10)).await;
    assert_eq!(last.field("decision"), "grow");
    nightshift.notice("that it is at the most", |notice| notice.field("reason") == "at_bound").await;

    let set = aws.ecs.update_service().cluster("pizza").service("pizza-api").desired_count(3);
    set.send().await.expect("the service can be updated");
    aws.push(&cpu, 12.0).await;
    becomes("the service", 2, AFTER_RECHECK, tasks).await;
    nightshift.notice("of the shrinking", |notice| notice.field("decision") == "shrink").await;
    assert_eq!(at_most(&nightshift), 1, "people are told once that it is at the most");
}

fn step_to(notice: &nightshift_tests::Notice) -> Option<i64> {
    notice.body["steps"][0]["step"]["to"].as_i64()
}
