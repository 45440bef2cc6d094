//! ECS's and Auto Scaling's events about roll-outs.

use nightshift_core::signal::{RefreshSignal, ServiceSignal, Signal};
use serde_json::{Value, json};

use super::{only, table};

const SERVICE: &str = "arn:aws:ecs:us-east-1:111122223333:service/pizza/pizza-api";
const GROUP: &str = "arn:aws:autoscaling:us-east-1:111122223333:autoScalingGroup:6f1e:autoScalingGroupName/stateless-web";

fn ecs(resources: Value, detail: Value) -> Value {
    json!({ "detail-type": "ECS Deployment State Change", "source": "aws.ecs", "time": "2025-11-18T14:09:48Z",
        "resources": resources, "detail": detail })
}

fn refresh(happened: &str, detail: Value) -> Value {
    json!({ "detail-type": format!("EC2 Auto Scaling Instance Refresh {happened}"), "source": "aws.autoscaling",
        "region": "us-east-1", "time": "2025-11-18T16:37:21Z", "resources": [GROUP], "detail": detail })
}

fn service_of(event: &Value) -> ServiceSignal {
    match only(event) {
        Ok(Signal::Service(service)) => service,
        other => panic!("expected a service, found {other:?} in {event}"),
    }
}

fn refresh_of(event: &Value) -> RefreshSignal {
    match only(event) {
        Ok(Signal::Refresh(refresh)) => refresh,
        other => panic!("expected a refresh, found {other:?} in {event}"),
    }
}

#[test]
fn the_service_and_its_cluster_are_found_in_arns_of_both_formats() {
    let old = "arn:aws:ecs:us-east-1:111122223333:service/pizza-api";
    let other = "arn:aws:ecs:us-east-1:111122223333:cluster/pizza";
    let completed = |extra: Value| {
        let mut detail = json!({ "eventName": "SERVICE_DEPLOYMENT_COMPLETED" });
        detail.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        detail
    };
    for (resources, detail, cluster) in [
        (json!([SERVICE]), completed(json!({})), Some("pizza")),
        (json!([old]), completed(json!({})), None),
        // What looks like a service and is not ECS's, and what is no ARN.
        (json!(["arn:aws:vpc-lattice:us-east-1:111122223333:service/other/web", SERVICE]), completed(json!({})), Some("pizza")),
        (json!(["urn:aws:ecs:us-east-1:111122223333:service/other/web", SERVICE]), completed(json!({})), Some("pizza")),
        (json!([old]), completed(json!({ "clusterArn": other })), Some("pizza")),
        (json!([old]), completed(json!({ "clusterArn": "pizza" })), Some("pizza")),
        (json!([other, 7, null, "x", SERVICE]), completed(json!({ "clusterArn": "arn:aws:s3:::pizza" })), Some("pizza")),
    ] {
        let found = service_of(&ecs(resources.clone(), detail));
        assert_eq!((found.service.as_str(), found.cluster.as_deref()), ("pizza-api", cluster), "{resources}");
        assert_eq!((found.region.as_deref(), found.deployment), (Some("us-east-1"), None), "{resources}");
    }
}

#[test]
fn the_time_is_the_changes_own_and_else_the_events() {
    let at = |detail: Value| service_of(&ecs(json!([SERVICE]), detail)).at.map(|at| at.to_string());
    let event = Some("2025-11-18T14:09:48Z".to_owned());
    let own = Some("2025-11-18T14:09:47.316Z".to_owned());
    assert_eq!(at(json!({ "eventName": "X", "updatedAt": "2025-11-18T14:09:47.316Z" })), own);
    assert_eq!(at(json!({ "eventName": "X", "createdAt": "2025-11-18T14:09:47.316Z" })), own);
    assert_eq!(at(json!({ "eventName": "X", "updatedAt": "yyyy-mm-ddThh:mm:ssZ" })), event);
    assert_eq!(at(json!({ "eventName": "X" })), event);
    let mut untold = ecs(json!([SERVICE]), json!({ "eventName": "X", "updatedAt": "soon" }));
    untold["time"] = json!("yyyy-mm-ddThh:mm:ssZ");
    assert_eq!(service_of(&untold).at, None, "an unknown time is not now");
}

#[test]
fn every_word_of_a_refresh_is_stable() {
    for (happened, word) in [
        ("Started", "started"),
        ("Started Baking", "started_baking"),
        ("Checkpoint Reached", "checkpoint_reached"),
        ("Succeeded", "succeeded"),
        ("Failed", "failed"),
        ("Cancelled", "cancelled"),
        ("Rollback Started", "rollback_started"),
        ("Rollback Succeeded", "rollback_succeeded"),
        ("Rollback Failed", "rollback_failed"),
        ("RollbackFailed", "rollback_failed"),
        ("  Rollback--failed ", "rollback_failed"),
        ("é3", "3"),
    ] {
        let found = refresh_of(&refresh(happened, json!({ "AutoScalingGroupName": "web", "InstanceRefreshId": "r-1" })));
        assert_eq!((found.event_name.as_str(), found.group.as_str(), found.refresh.as_deref()), (word, "web", Some("r-1")));
    }
    let bare = refresh_of(&refresh("Succeeded", json!({ "CheckpointPercentage": "50" })));
    assert_eq!((bare.group.as_str(), bare.refresh, bare.region.as_deref()), ("stateless-web", None, Some("us-east-1")));
    let mut shouted = refresh("Succeeded", json!({}));
    shouted["detail-type"] = json!("ec2 auto scaling instance refresh SUCCEEDED");
    assert_eq!(refresh_of(&shouted).event_name, "succeeded");
}

#[test]
fn events_that_name_nothing_are_ignored_with_the_reason() {
    let mut nameless = refresh("Failed", json!({}));
    nameless["resources"] = json!(["auto-scaling-group-arn"]);
    insta::assert_snapshot!(table(&[
        ("no resources", ecs(json!(null), json!({ "eventName": "SERVICE_DEPLOYMENT_FAILED" }))),
        ("a task's ARN", ecs(json!(["arn:aws:ecs:us-east-1:111122223333:task/pizza/1"]), json!({ "eventName": "X" }))),
        ("an ARN without a name", ecs(json!(["arn:aws:ecs:us-east-1:111122223333:service/"]), json!({ "eventName": "X" }))),
        ("no event name", ecs(json!([SERVICE]), json!({}))),
        ("a refresh of no group", nameless),
        ("a refresh without a word", refresh("☃ ", json!({ "AutoScalingGroupName": "web" }))),
        ("an instance that was launched", json!({ "detail-type": "EC2 Instance Launch Successful", "source": "aws.autoscaling" })),
        ("a task", json!({ "detail-type": "ECS Task State Change", "source": "aws.ecs", "detail": { "lastStatus": "STOPPED" } })),
    ]));
}
