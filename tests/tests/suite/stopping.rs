//! What people stop: a pause by the command line, a freeze window in the fleet file, bounds set for a while.

use jiff::{SignedDuration, Timestamp};
use nightshift_tests::{LocalAws, Mode};
use serde_json::{Value, json};

use crate::shop::{AFTER_RECHECK, BUSY, SOON, Shop, fleet, step};

fn look_again() -> Value {
    json!({ "nightshift": "recheck", "system": "shop", "service": "api", "attempt": 1 })
}

#[tokio::test]
async fn a_pause_holds_everything_and_resume_lets_go() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    let said = shop.nightshift.run(&["pause", "shop/api", "--for", "1h", "--why", "load test", "--by", "the on-call engineer"]);
    assert!(said.contains("shop/api is paused"), "{said}");
    assert!(shop.nightshift.run(&["pauses"]).contains("load test"));

    shop.load(BUSY).await;
    let notice = shop.nightshift.notice("that it is paused", |notice| notice.field("reason") == "paused").await;
    assert_eq!(notice.field("kind"), "held");
    assert!(notice.field("text").contains("the on-call engineer") && notice.field("text").contains("load test"), "{notice:?}");
    shop.nightshift.ended_with("paused").await;
    let again = shop.nightshift.ask(&look_again());
    assert_eq!((again["decision"].as_str(), again["reason"].as_str()), (Some("hold"), Some("paused")), "{again}");
    assert_eq!(shop.tasks().await, 2);
    assert_eq!(shop.told("held"), 1, "people are told once that it is paused");

    let said = shop.nightshift.run(&["resume", "shop/api"]);
    assert!(said.contains("no longer paused"), "{said}");
    let answer = shop.nightshift.ask(&look_again());
    assert_eq!(answer["decision"], "grow", "{answer}");
    assert_eq!(step(&answer), (2, 3));
    assert_eq!(shop.tasks().await, 3);
}

#[tokio::test]
async fn a_pause_of_all_covers_every_service() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    shop.nightshift.run(&["pause", "all", "--for", "10m", "--why", "provider outage", "--by", "the on-call engineer"]);
    shop.load(BUSY).await;
    shop.nightshift.notice("that it is paused", |notice| notice.field("reason") == "paused").await;
    let said = shop.nightshift.cli(&["resume", "shop/api"]);
    assert_eq!(said.code, 1, "another pause still covers it: {}", said.text);
    assert_eq!(shop.nightshift.ask(&look_again())["reason"], "paused");
    assert_eq!(shop.tasks().await, 2);
}

#[tokio::test]
async fn a_freeze_window_holds_and_says_why_and_until_when() {
    let aws = LocalAws::start();
    let (from, to) = (Timestamp::now() - SignedDuration::from_hours(1), Timestamp::now() + SignedDuration::from_hours(1));
    let freeze = format!(
        "    limits:\n      freeze:\n        - why: launch evening\n          from: {}\n          to: {}\n",
        from.strftime("%Y-%m-%dT%H:%M:%SZ"),
        to.strftime("%Y-%m-%dT%H:%M:%SZ")
    );
    let shop = Shop::build(&aws, fleet(&freeze), Mode::Act).await;
    assert_ne!(shop.nightshift.ask(&look_again())["reason"], "frozen", "nothing is wanted, so nothing is held back");
    // One invocation for each alarm's change, and one for ours.
    shop.load(BUSY).await;
    let notice = shop.nightshift.notice("that it is frozen", |notice| notice.field("reason") == "frozen").await;
    assert!(notice.field("text").contains("launch evening"), "{notice:?}");
    shop.nightshift.heard(3).await;
    assert_eq!(shop.nightshift.ask(&look_again())["reason"], "frozen");
    assert_eq!(shop.tasks().await, 2);
    assert_eq!(shop.told("held"), 1);
}

#[tokio::test]
async fn bounds_set_for_a_while_count_before_the_fleet_file() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    let why = ["--for", "1h", "--why", "launch day", "--by", "the on-call engineer"];
    let said = shop.nightshift.run(&[&["override", "shop/api", "--min", "6", "--max", "8"], &why[..]].concat());
    assert!(said.contains("shop/api"), "{said}");
    let answer = shop.nightshift.ask(&look_again());
    assert_eq!((answer["decision"].as_str(), answer["reason"].as_str()), (Some("grow"), Some("below_minimum")), "{answer}");
    assert_eq!(step(&answer), (2, 6));
    shop.tasks_become(6, SOON).await;

    shop.nightshift.run(&["override", "shop/api", "--clear"]);
    shop.load(crate::shop::CALM).await;
    // Its own later look comes once the cooldown is over.
    shop.tasks_become(4, AFTER_RECHECK).await;
    let entry = shop.recorded("the shrinking", |entry| entry["decision"] == "shrink").await;
    assert_eq!(entry["reason"], "above_maximum", "{entry}");
    assert_eq!(step(&entry["outcome"]), (6, 4));
}
