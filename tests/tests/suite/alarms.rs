//! `nightshift alarms sync` and `nightshift plan` against CloudWatch: exactly the rule, nothing twice, nothing of others.

use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricAlarm, Statistic};
use nightshift_tests::{Deployment, FleetFile, LocalAws, Mode};

use crate::shop::{BUSY, Shop, fleet};

async fn alarms(aws: &LocalAws) -> Vec<MetricAlarm> {
    let found = aws.cloudwatch.describe_alarms().alarm_name_prefix("nightshift-s").send().await.expect("alarms can be described");
    // The stack's own alarms on its function begin with its name too.
    let of_rules = found.metric_alarms().iter().filter(|alarm| alarm.namespace() != Some("AWS/Lambda"));
    of_rules.cloned().collect()
}

fn names(alarms: &[MetricAlarm]) -> Vec<&str> {
    alarms.iter().filter_map(|alarm| alarm.alarm_name()).collect()
}

#[tokio::test]
async fn two_minutes_over_fifty_per_cent_becomes_exactly_that() {
    let aws = LocalAws::start();
    let nightshift = aws.deploy(&Deployment::of([FleetFile::of_system("stateless")])).await;
    let said = nightshift.run(&["alarms", "sync", "--yes"]);
    assert!(said.contains("2 created"), "{said}");
    let found = alarms(&aws).await;
    let high = found.iter().find(|alarm| alarm.threshold() == Some(50.0)).expect("there is an alarm at 50");
    assert_eq!((high.period(), high.evaluation_periods(), high.datapoints_to_alarm()), (Some(60), Some(2), Some(2)));
    assert_eq!(high.comparison_operator(), Some(&ComparisonOperator::GreaterThanThreshold));
    assert_eq!(
        (high.namespace(), high.metric_name(), high.statistic()),
        (Some("AWS/EC2"), Some("CPUUtilization"), Some(&Statistic::Average))
    );
    let dimensions: Vec<_> = high.dimensions().iter().map(|dimension| (dimension.name(), dimension.value())).collect();
    assert_eq!(dimensions, [(Some("AutoScalingGroupName"), Some("stateless-web"))]);
    let topic = [nightshift.output("AlarmTopicArn").to_owned()];
    assert_eq!((high.alarm_actions(), high.ok_actions()), (&topic[..], &topic[..]));
}

#[tokio::test]
async fn syncing_again_changes_nothing_and_removes_only_its_own() {
    let aws = LocalAws::start();
    let nightshift = aws.deploy(&Deployment::of([fleet("")])).await;
    let by_hand = aws.cloudwatch.put_metric_alarm().alarm_name("nightshift-shop-by-hand").namespace("Own").metric_name("m");
    let by_hand = by_hand.statistic(Statistic::Sum).period(60).evaluation_periods(1).threshold(1.0);
    let by_hand = by_hand.comparison_operator(ComparisonOperator::GreaterThanThreshold);
    by_hand.send().await.expect("an alarm can be put by hand");

    let said = nightshift.run(&["alarms", "sync", "--dry-run"]);
    assert!(said.contains("+ nightshift-shop-api-busy"), "{said}");
    assert_eq!(names(&alarms(&aws).await), ["nightshift-shop-by-hand"], "a dry run creates nothing");
    nightshift.run(&["alarms", "sync", "--yes"]);
    let all = ["nightshift-shop-api-busy", "nightshift-shop-api-quiet", "nightshift-shop-by-hand"];
    let mut found = alarms(&aws).await;
    found.sort_by(|one, other| one.alarm_name().cmp(&other.alarm_name()));
    assert_eq!(names(&found), all);
    let again = nightshift.run(&["alarms", "sync", "--yes"]);
    assert!(again.contains("nothing to do"), "{again}");

    // The threshold of one rule changes, the other rule goes.
    let text = fleet("").text.replace("above: 70", "above: 60");
    let start = text.find("      - name: quiet").expect("there is a rule quiet");
    let end = text.find("    cooldown:").expect("there is a cooldown");
    let text = format!("{}{}", text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default());
    FleetFile::new(text).write_into(&nightshift.checkout().join("systems"));
    let said = nightshift.run(&["alarms", "sync", "--yes"]);
    assert!(said.contains("threshold: 70 -> 60") && said.contains("- nightshift-shop-api-quiet"), "{said}");
    let mut found = alarms(&aws).await;
    found.sort_by(|one, other| one.alarm_name().cmp(&other.alarm_name()));
    assert_eq!(names(&found), ["nightshift-shop-api-busy", "nightshift-shop-by-hand"]);
    assert_eq!(found[0].threshold(), Some(60.0));
}

#[tokio::test]
async fn the_command_line_plans_what_the_function_does_and_replays_what_it_did() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    shop.load_unheard(BUSY).await;
    let planned = shop.nightshift.run(&["plan", "shop/api"]);
    assert!(planned.contains("shop/api: grow (rule)") && planned.contains("2 -> 3"), "{planned}");
    assert_eq!(shop.tasks().await, 2, "a plan changes nothing");

    let done = shop.nightshift.ask(&shop.event("busy", "ALARM", jiff::Timestamp::now()));
    assert_eq!(done["ending"], "acted", "{done}");
    let entry = shop.recorded("the growth", |entry| entry["decision"] == "grow").await;
    let file = shop.nightshift.checkout().join("seen.json");
    std::fs::write(&file, entry.to_string()).expect("the test's folder can be written");
    let replayed = shop.nightshift.run(&["plan", "shop/api", "--replay", "seen.json"]);
    assert!(replayed.contains("grow"), "{replayed}");
}
