//! The ledger's table is gone: growing goes ahead once and says so, taking away waits.

use jiff::{SignedDuration, Timestamp};
use nightshift_tests::{LocalAws, Mode};

use crate::shop::{BUSY, QUIET, Shop, fleet, step};

async fn lose_the_ledger(shop: &Shop<'_>) {
    let table = shop.nightshift.output("LedgerTableName");
    // Whatever LedgerProtection says: the local AWS takes "false" for true.
    let unprotected = shop.aws.dynamodb.update_table().table_name(table).deletion_protection_enabled(false);
    unprotected.send().await.expect("the table's protection can be taken off");
    shop.aws.dynamodb.delete_table().table_name(table).send().await.expect("the table can be deleted");
}

#[tokio::test]
async fn it_grows_once_with_a_warning() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    lose_the_ledger(&shop).await;
    shop.load_unheard(BUSY).await;
    let event = shop.event("busy", "ALARM", Timestamp::now());
    let first = shop.nightshift.ask(&event);
    assert_eq!((first["decision"].as_str(), first["ending"].as_str()), (Some("grow"), Some("acted")), "{first}");
    assert_eq!(step(&first), (2, 3));
    assert_eq!(first["warnings"][0]["code"], "without_ledger", "{first}");
    let notice = shop.nightshift.notice("of the growth", |notice| notice.field("kind") == "acted").await;
    assert_eq!(notice.field("severity"), "warning");

    // EventBridge delivers at least once: the same transition again, a moment later.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let again = shop.nightshift.ask(&event);
    assert_eq!(again["decision"], "hold", "the same transition must not grow it twice: {again}");
    assert_eq!(again["reason"], "ledger_unavailable", "{again}");
    assert_eq!(shop.tasks().await, 3);
}

#[tokio::test]
async fn our_own_repeats_do_not_grow_it() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    lose_the_ledger(&shop).await;
    shop.load_unheard(BUSY).await;
    let recheck = serde_json::json!({ "nightshift": "recheck", "system": "shop", "service": "api", "attempt": 2 });
    let answer = shop.nightshift.ask(&recheck);
    assert_eq!((answer["decision"].as_str(), answer["reason"].as_str()), (Some("hold"), Some("ledger_unavailable")), "{answer}");
    assert_eq!(shop.tasks().await, 2);
}

#[tokio::test]
async fn shrinking_waits() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Act).await;
    shop.set_tasks(4).await;
    lose_the_ledger(&shop).await;
    shop.load_unheard(QUIET).await;
    shop.alarms_are("OK", "ALARM").await;
    let answer = shop.nightshift.ask(&shop.event("quiet", "ALARM", Timestamp::now() - SignedDuration::from_secs(1)));
    assert_eq!((answer["decision"].as_str(), answer["reason"].as_str()), (Some("hold"), Some("ledger_unavailable")), "{answer}");
    assert_eq!(shop.tasks().await, 4);
}
