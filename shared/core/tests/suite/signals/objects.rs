//! S3's events: the newer ones of EventBridge, whose keys are plain, and the older ones, whose keys are encoded.

use nightshift_core::signal::{ObjectSignal, Signal, parse};
use serde_json::{Value, json};

use super::{only, sample, table};

fn record(event_name: &str, key: Value) -> Value {
    let mut record = sample("s3-notification.json")["Records"][0].take();
    record["eventName"] = json!(event_name);
    record["s3"]["object"]["key"] = key;
    json!({ "Records": [record] })
}

fn event(detail_type: &str, key: &str) -> Value {
    let mut event = sample("s3-object-created.json");
    event["detail-type"] = json!(detail_type);
    event["detail"]["object"]["key"] = json!(key);
    event
}

fn object(event: &Value) -> ObjectSignal {
    match only(event) {
        Ok(Signal::Object(object)) => object,
        other => panic!("expected an object, found {other:?} in {event}"),
    }
}

#[test]
fn one_upload_is_the_same_by_either_way() {
    let (new, old) = (object(&sample("s3-object-created.json")), object(&sample("s3-notification.json")));
    assert_eq!((&new.bucket, new.key.as_str(), &new.region), (&old.bucket, "menu of the day.html", &old.region));
    assert_eq!(old.key, new.key);
}

#[test]
fn only_the_older_keys_are_decoded() {
    assert_eq!(object(&event("Object Created", "1+1 = 2%21.html")).key, "1+1 = 2%21.html");
    assert_eq!(object(&record("ObjectCreated:Put", json!("1%2B1+%3D+2%2521.html"))).key, "1+1 = 2%21.html");
}

#[test]
fn writing_and_deleting_both_count() {
    assert_eq!(object(&event("Object Deleted", "a")).key, "a");
    for name in
        ["ObjectCreated:CompleteMultipartUpload", "ObjectRemoved:DeleteMarkerCreated", "s3:ObjectCreated:Put", "LifecycleExpiration:Delete"]
    {
        assert_eq!(object(&record(name, json!("a"))).key, "a", "{name}");
    }
}

#[test]
fn files_of_one_notification_stay_apart() {
    let one = sample("s3-notification.json")["Records"][0].take();
    let mut bad = one.clone();
    bad["s3"]["object"]["key"] = json!("%zz");
    let parsed = parse(&json!({ "Records": [one, bad, one] }));
    let outcomes: Vec<_> = parsed.records.iter().map(|record| (record.position, record.result.is_ok())).collect();
    assert_eq!(outcomes, [(0, true), (1, false), (2, true)]);
}

#[test]
fn what_changes_no_file_is_ignored_with_the_reason() {
    let mut keyless = event("Object Created", "a");
    keyless["detail"]["object"] = json!({});
    let mut bucketless = record("ObjectCreated:Put", json!("a"));
    bucketless["Records"][0]["s3"]["bucket"] = json!(null);
    insta::assert_snapshot!(table(&[
        ("an archived file", record("LifecycleTransition", json!("a"))),
        ("tags", record("ObjectTagging:Put", json!("a"))),
        ("tags, over EventBridge", event("Object Tags Added", "a")),
        ("a key that is not encoded", record("ObjectCreated:Put", json!("100%.html"))),
        ("bytes that are no text", record("ObjectCreated:Put", json!("%ff%fe"))),
        ("no key", record("ObjectCreated:Put", json!(null))),
        ("no key, over EventBridge", keyless),
        ("no bucket", bucketless),
        ("no event name", record("", json!("a"))),
        ("an empty record", json!({ "Records": [{ "eventSource": "aws:s3" }] })),
        (
            "the test message",
            json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2025-11-18T14:00:00.000Z", "Bucket": "site" })
        ),
        ("a test message without a bucket", json!({ "Service": "Amazon S3", "Event": "s3:TestEvent" })),
    ]));
}
