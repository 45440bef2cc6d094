//! Events that come twice, late, out of order, at the same time, or without cause: no harm, and the right reason.

use jiff::{SignedDuration, Timestamp};
use nightshift_tests::{LocalAws, Mode};
use serde_json::json;

use crate::shop::{AFTER_RECHECK, BUSY, CALM, Shop, fleet, step, withheld};

#[tokio::test]
async fn the_same_transition_is_dealt_with_once_whichever_way_it_comes() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    shop.load_unheard(BUSY).await;
    let at = Timestamp::now();
    let event = shop.event("busy", "ALARM", at);

    let first = shop.nightshift.ask(&event);
    assert_eq!((first["decision"].as_str(), first["ending"].as_str()), (Some("grow"), Some("acted")), "{first}");
    assert_eq!(step(&first), (2, 3));

    let again = shop.nightshift.ask(&event);
    assert_eq!(again["reason"], "already_handled", "{again}");
    // The same transition over SNS, as a queue would bring it an hour later.
    let body = json!({
        "AlarmName": shop.fleet.alarm("api", "busy"),
        "NewStateValue": "ALARM",
        "OldStateValue": "OK",
        "StateChangeTime": at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string(),
        "Trigger": { "MetricName": "CPUUtilization", "Namespace": "AWS/ECS" },
    });
    let over_sns = json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Type": "Notification", "MessageId": "m", "Message": body.to_string() } }] });
    let over_sns = shop.nightshift.ask(&over_sns);
    assert_eq!(over_sns["reason"], "already_handled", "{over_sns}");
    assert_eq!(shop.tasks().await, 3);
    assert_eq!(shop.told("acted"), 1);
}

#[tokio::test]
async fn an_old_event_does_nothing_when_the_alarm_has_cleared() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    let hour_ago = Timestamp::now() - SignedDuration::from_hours(1);
    let answer = shop.nightshift.ask(&shop.event("busy", "ALARM", hour_ago));
    assert_eq!((answer["decision"].as_str(), answer["reason"].as_str()), (Some("hold"), Some("alarm_cleared")), "{answer}");
    let answer = shop.nightshift.ask(&shop.event("quiet", "ALARM", hour_ago));
    assert_eq!((answer["decision"].as_str(), answer["reason"].as_str()), (Some("hold"), Some("alarm_cleared")), "{answer}");
    assert_eq!(shop.tasks().await, 2);
    assert_eq!(shop.nightshift.notices(), Vec::new(), "nobody is told of what cleared by itself");
}

#[tokio::test]
async fn an_ok_that_comes_after_the_next_alarm_does_not_hide_it() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    shop.load_unheard(BUSY).await;
    let late_ok = shop.event("busy", "OK", Timestamp::now() - SignedDuration::from_mins(3));
    let answer = shop.nightshift.ask(&late_ok);
    assert_eq!(answer["decision"], "grow", "the alarm stands now, whatever the event says: {answer}");
    assert_eq!(shop.tasks().await, 3);
}

#[tokio::test]
async fn an_alarm_that_stands_on_a_metric_that_is_back_does_nothing() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    aws.mute(shop.nightshift.output("AlarmTopicArn")).await;
    let set = aws.cloudwatch.set_alarm_state().alarm_name(shop.fleet.alarm("api", "busy")).state_reason("flap");
    set.state_value(aws_sdk_cloudwatch::types::StateValue::Alarm).send().await.expect("a state can be set");
    let answer = shop.nightshift.ask(&shop.event("busy", "ALARM", Timestamp::now()));
    assert_eq!((answer["decision"].as_str(), answer["reason"].as_str()), (Some("hold"), Some("metric_back")), "{answer}");
    assert_eq!(shop.tasks().await, 2);
}

#[tokio::test]
async fn many_at_once_grow_it_once() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    shop.load_unheard(BUSY).await;
    let now = Timestamp::now();
    // Six transitions of their own, so that it is the lease and the cooldown that hold them apart, not the event's key.
    let events: Vec<_> = (0..6).map(|back| shop.event("busy", "ALARM", now - SignedDuration::from_secs(back))).collect();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = events.iter().map(|event| scope.spawn(|| shop.nightshift.ask(event))).collect();
        calls.into_iter().map(|call| call.join().expect("a call answers")).collect()
    });
    let grown = answers.iter().filter(|answer| answer["ending"] == "acted").count();
    assert_eq!(grown, 1, "{answers:#?}");
    for answer in answers.iter().filter(|answer| answer["ending"] != "acted") {
        let reason = answer["reason"].as_str().unwrap_or_default();
        assert!(["busy", "in_cooldown", "capacity_in_flight"].contains(&reason), "{reason}: {:?}", withheld(answer));
    }
    for answer in &answers {
        assert_eq!(answer["errors"], json!([]), "nobody stood in another's way: {answer}");
    }
    assert_eq!(shop.tasks().await, 3);
    // The one that acted has given the lease back, although the others wrote meanwhile: its own look finds the way free.
    shop.tasks_become(4, AFTER_RECHECK).await;
}

#[tokio::test]
async fn growing_wins_and_an_alarm_without_data_takes_nothing_away() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    shop.set_tasks(4).await;
    aws.mute(shop.nightshift.output("AlarmTopicArn")).await;
    shop.load(crate::shop::QUIET).await;
    shop.alarms_are("OK", "ALARM").await;
    let set = aws.cloudwatch.set_alarm_state().alarm_name(shop.fleet.alarm("api", "busy")).state_reason("no data");
    set.state_value(aws_sdk_cloudwatch::types::StateValue::InsufficientData).send().await.expect("a state can be set");
    let answer = shop.nightshift.ask(&shop.event("quiet", "ALARM", Timestamp::now()));
    assert_eq!((answer["decision"].as_str(), answer["reason"].as_str()), (Some("hold"), Some("grow_alarm_unknown")), "{answer}");
    shop.load(CALM).await;
    assert_eq!(shop.tasks().await, 4);
}
