//! Mode `observe`: everything but the act, and words that say so.

use nightshift_tests::{LocalAws, Mode};
use serde_json::json;

use crate::shop::{BUSY, Shop, fleet, step};

#[tokio::test]
async fn observe_decides_records_and_tells_but_changes_nothing() {
    let aws = LocalAws::start();
    let shop = Shop::open(&aws, fleet(""), Mode::Observe).await;
    shop.load(BUSY).await;
    let notice = shop.nightshift.notice("what it would have done", |notice| notice.field("kind") == "would_have_acted").await;
    assert_eq!(notice.subject, "shop/api: would have gone 2 -> 3 tasks (busy)");
    assert_eq!((notice.field("mode"), notice.field("severity")), ("observe", "info"));
    assert_eq!(step(&notice.body), (2, 3));
    assert_eq!(notice.body["steps"][0]["result"], "would_have_done");

    let (_, text) = aws.mails().into_iter().find(|(subject, _)| *subject == notice.subject).expect("there is a mail of it too");
    assert!(text.starts_with("shop/api would have grown from 2 to 3 tasks."), "{text}");
    assert!(text.contains("Mode=act"), "it says how to let it act: {text}");

    let entry = shop.recorded("what it would have done", |entry| entry["decision"] == "grow").await;
    assert_eq!(entry["mode"], "observe");
    assert!(entry["text"].as_str().is_some_and(|text| text.contains("would have set")), "{entry}");

    shop.nightshift.ended_with("rule").await;
    // It looks again like the real thing, and does not repeat itself.
    let again = shop.nightshift.ask(&json!({ "nightshift": "recheck", "system": "shop", "service": "api", "attempt": 1 }));
    assert_ne!(again["ending"], "acted", "{again}");
    assert_eq!(shop.tasks().await, 2, "nothing was changed");
    assert_eq!(shop.told("would_have_acted"), 1);
}
