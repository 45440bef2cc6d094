//! ECR's and Inspector's events: what wakes a release, and what does not.

use nightshift_core::signal::{ImageEvent, ImageSignal, Signal};
use serde_json::{Value, json};

use super::{only, sample, table};

const DIGEST: &str = "sha256:3b1f0c9a5d7e2468ace013579bdf02468ace13579bdf02468ace13579bdf0246";
const REPOSITORY: &str = "arn:aws:ecr:us-east-1:111122223333:repository/shop/web";

fn action(detail: Value) -> Value {
    json!({ "detail-type": "ECR Image Action", "source": "aws.ecr", "account": "111122223333", "region": "us-east-1",
        "time": "2025-11-18T14:02:37Z", "resources": [], "detail": detail })
}

fn scan(detail_type: &str, detail: Value) -> Value {
    json!({ "detail-type": detail_type, "account": "111122223333", "region": "us-east-1", "time": "2025-11-18T14:02:37Z",
        "resources": [REPOSITORY], "detail": detail })
}

fn image(event: &Value) -> ImageSignal {
    match only(event) {
        Ok(Signal::Image(image)) => image,
        other => panic!("expected an image, found {other:?} in {event}"),
    }
}

#[test]
fn pushes_and_replicas_wake_a_release() {
    let pushed = |extra: Value| {
        let mut detail = json!({ "action-type": "PUSH", "result": "SUCCESS", "repository-name": "shop/web", "image-digest": DIGEST });
        detail.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        action(detail)
    };
    let mut replica = pushed(json!({ "action-type": "REPLICATE", "source-region": "us-east-1", "image-tag": "v1" }));
    replica["detail-type"] = json!("ECR Replication Action");
    replica["region"] = json!("us-west-2");
    let mut bare = pushed(json!({}));
    for name in ["account", "region", "time"] {
        bare[name] = json!(null);
    }
    insta::assert_snapshot!(table(&[
        ("a push with a tag", pushed(json!({ "image-tag": "v1" }))),
        ("a part of a multi-architecture image", pushed(json!({}))),
        ("in small letters, a number for the tag", pushed(json!({ "action-type": "push", "result": "success", "image-tag": 17 }))),
        ("a replica that has arrived", replica),
        ("a time that cannot be read", {
            let mut event = pushed(json!({ "image-tag": "v1" }));
            event["time"] = json!("yyyy-mm-ddThh:mm:ssZ");
            event
        }),
        ("nothing told around it", bare),
        ("the repository's ARN for its name", pushed(json!({ "repository-name": REPOSITORY }))),
    ]));
}

#[test]
fn ends_of_scans_wake_a_release() {
    let basic =
        |status: &str| scan("ECR Image Scan", json!({ "scan-status": status, "repository-name": "shop/web", "image-digest": DIGEST }));
    for status in ["COMPLETE", "complete", "FAILED", "UNSUPPORTED_IMAGE", "SCAN_ELIGIBILITY_EXPIRED", "A_WORD_OF_NEXT_YEAR"] {
        let found = image(&basic(status));
        assert_eq!((found.what, found.repository.as_str(), found.digest.as_deref()), (ImageEvent::Scanned, "shop/web", Some(DIGEST)));
    }
    let with_tags = |tags: Value| image(&scan("Inspector2 Scan", json!({ "scan-status": "INITIAL_SCAN_COMPLETE", "image-tags": tags })));
    assert_eq!(with_tags(json!(["v1", "latest"])).tag.as_deref(), Some("v1"));
    assert_eq!(with_tags(json!([])).tag, None);
    assert_eq!(with_tags(json!("v1")).tag, None);
    // The name is missing there: the ARN among the resources stands in for it.
    assert_eq!((with_tags(json!(null)).repository.as_str(), with_tags(json!(null)).digest), ("shop/web", None));
}

#[test]
fn both_kinds_of_scan_name_the_repository_alike() {
    let basic = image(&sample("ecr-scan-complete.json"));
    let pushed = image(&sample("ecr-push.json"));
    assert_eq!((basic.repository, basic.digest, basic.tag), (pushed.repository, pushed.digest, pushed.tag));
    let enhanced = image(&sample("inspector-scan.json"));
    let replica = image(&sample("ecr-replication.json"));
    assert_eq!((enhanced.repository, enhanced.digest, enhanced.tag), (replica.repository, replica.digest, replica.tag));
}

#[test]
fn other_events_of_the_registry_are_ignored_with_the_reason() {
    let of = |kind: &str, result: &str| action(json!({ "action-type": kind, "result": result, "repository-name": "shop/web" }));
    insta::assert_snapshot!(table(&[
        ("a push that failed", of("PUSH", "FAILURE")),
        ("a replication that failed", of("REPLICATE", "FAILED")),
        ("a deletion", of("DELETE", "SUCCESS")),
        ("an archived image", of("UPDATE_STORAGE_CLASS", "SUCCESS")),
        ("an empty detail", action(json!({}))),
        ("a detail that is text", action(json!("pushed"))),
        ("no action", action(json!({ "result": "SUCCESS", "repository-name": "shop/web" }))),
        ("no result", action(json!({ "action-type": "PUSH", "repository-name": "shop/web" }))),
        ("a blank repository", action(json!({ "action-type": "PUSH", "result": "SUCCESS", "repository-name": " " }))),
        ("an ARN of something else", action(json!({ "action-type": "PUSH", "result": "SUCCESS", "repository-name": "arn:aws:s3:::shop" }))),
        ("a scan that goes on", scan("ECR Image Scan", json!({ "scan-status": "IN_PROGRESS" }))),
        ("a scan without a status", scan("Inspector2 Scan", json!({ "image-digest": DIGEST }))),
        (
            "a scan of an instance",
            json!({ "detail-type": "Inspector2 Scan", "resources": ["i-0a1b2c3d4e5f60718"],
            "detail": { "scan-status": "INITIAL_SCAN_COMPLETE", "instance-id": "i-0a1b2c3d4e5f60718" } })
        ),
        ("a scan of an image in no repository", json!({ "detail-type": "Inspector2 Scan", "detail": { "image-digest": DIGEST } })),
        ("a basic scan of nothing", json!({ "detail-type": "ECR Image Scan", "detail": {} })),
        ("a finding", json!({ "detail-type": "Inspector2 Finding", "source": "aws.inspector2", "detail": {} })),
        ("another frequency of scans", json!({ "detail-type": "ECR Scan Resource Change", "source": "aws.ecr", "detail": {} })),
    ]));
}
