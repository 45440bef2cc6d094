use nightshift_core::fleet::Replacement;
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::ports::{TargetDeployer, TargetReader};
use nightshift_core::release::{RolloutId, TargetNow};
use serde_json::{Value, json};

use super::super::recorded::{Recorded, kind_of, wait};
use super::{WEB_7, WEB_8, deployment, described, targets, tasks};

fn target_now(fields: Value) -> PortResult<TargetNow> {
    let recorded = Recorded::default().json("DescribeServices", described(fields));
    wait(targets(&recorded).target_now(&tasks()))
}

fn roll_out(recorded: &Recorded, to: &str) -> PortResult<Option<String>> {
    wait(targets(recorded).roll_out(&tasks(), WEB_7, to, &Replacement::default()))
}

#[test]
fn a_service_is_read_as_it_is() {
    let recorded = Recorded::default().json("DescribeServices", described(json!({})));
    let newest = RolloutId {
        handle: "ecs-svc/1".into(),
        revision: Some(WEB_7.into()),
        began_at: Some("2026-11-20T12:00:00.5Z".parse().unwrap()),
        is_moving: false,
    };
    let expected = TargetNow { revision: WEB_7.into(), desired: 4, running: 3, newest: Some(newest), unusable: None };
    assert_eq!(wait(targets(&recorded).target_now(&tasks())).unwrap(), expected);
    assert_eq!(recorded.asked_for("DescribeServices")[0].json(), json!({ "cluster": "shop", "services": ["web"] }));
}

#[test]
fn a_deployment_moves_until_ecs_calls_it_complete_or_failed() {
    let older = || deployment("1", "ACTIVE", WEB_7, "COMPLETED", "", 1);
    let gone = || deployment("0", "INACTIVE", WEB_7, "COMPLETED", "", 0);
    let failed = || deployment("0", "ACTIVE", WEB_7, "FAILED", "tasks failed to start", 0);
    let primary = |state: &str| deployment("2", "PRIMARY", WEB_8, state, "", 3);
    let without_state = |running: u32| {
        let mut deployment = deployment("2", "PRIMARY", WEB_8, "", "", running);
        deployment.as_object_mut().unwrap().remove("rolloutState");
        deployment
    };
    let table = [
        (json!([primary("IN_PROGRESS")]), true),
        (json!([primary("IN_PROGRESS"), older()]), true),
        (json!([primary("COMPLETED"), older()]), true),
        (json!([primary("COMPLETED"), gone()]), false),
        // What was rolled back stays listed for a while, without tasks.
        (json!([primary("COMPLETED"), failed()]), false),
        // Too few tasks run, but no deployment is what is missing.
        (json!([primary("COMPLETED")]), false),
        (json!([primary("FAILED"), older()]), false),
        (json!([without_state(3)]), true),
        (json!([without_state(4)]), false),
        (json!([without_state(4), older()]), true),
    ];
    for (deployments, expected) in table {
        let newest = target_now(json!({ "taskDefinition": WEB_8, "deployments": deployments })).unwrap().newest.unwrap();
        assert_eq!((newest.handle.as_str(), newest.is_moving), ("ecs-svc/2", expected), "{deployments}");
    }
    assert_eq!(target_now(json!({ "deployments": [] })).unwrap().newest, None);
}

#[test]
fn services_that_others_deploy_to_are_unusable() {
    let with_controller = |kind: &str| json!({ "deploymentController": { "type": kind }, "deployments": [] });
    for kind in ["CODE_DEPLOY", "EXTERNAL"] {
        let why = target_now(with_controller(kind)).unwrap().unusable.unwrap();
        assert!(why.contains(kind) && why.contains("controller ECS"), "{why}");
    }
    assert_eq!(target_now(with_controller("ECS")).unwrap().unusable, None);
    let with_sets =
        json!({ "taskSets": [{ "status": "PRIMARY" }], "taskDefinition": null, "deploymentController": { "type": "EXTERNAL" } });
    let now = target_now(with_sets.clone()).unwrap();
    assert_eq!((now.revision.as_str(), now.unusable.is_some()), ("", true));
    // What it is made from cannot be told, and asking again does not help.
    let recorded = Recorded::default().json("DescribeServices", described(with_sets));
    assert_eq!(kind_of(wait(targets(&recorded).blueprint(&tasks(), None, None))), PortErrorKind::Denied);
}

#[test]
fn what_is_not_there_is_not_found_and_what_is_not_told_is_no_answer() {
    let answered = |answer: Value| {
        let recorded = Recorded::default().json("DescribeServices", answer);
        kind_of(wait(targets(&recorded).target_now(&tasks())))
    };
    let failed = |reason: &str| json!({ "services": [], "failures": [{ "arn": "a", "reason": reason }] });
    assert_eq!(answered(failed("MISSING")), PortErrorKind::NotFound);
    assert_eq!(answered(failed("INTERNAL")), PortErrorKind::Unavailable);
    assert_eq!(answered(json!({ "services": [] })), PortErrorKind::Unavailable);
    for status in ["DRAINING", "INACTIVE"] {
        assert_eq!(answered(described(json!({ "status": status }))), PortErrorKind::NotFound);
    }
    assert_eq!(answered(json!({})), PortErrorKind::Unavailable);
    assert_eq!(answered(described(json!({ "taskDefinition": null }))), PortErrorKind::Unavailable);
    let throttled = |recorded: Recorded| recorded.json_error("DescribeServices", "ThrottlingException", "Rate exceeded");
    let recorded = throttled(throttled(throttled(Recorded::default())));
    assert_eq!(kind_of(wait(targets(&recorded).target_now(&tasks()))), PortErrorKind::Throttled);
}

#[test]
fn rolling_out_sends_the_revision_and_nothing_else() {
    let answer = json!({ "service": { "deployments": [
        deployment("1", "ACTIVE", WEB_7, "COMPLETED", "", 4), deployment("2", "PRIMARY", WEB_8, "IN_PROGRESS", "", 0)
    ], "currentServiceDeployment": "arn:aws:ecs:us-east-1:1:service-deployment/shop/web/old" } });
    let recorded = Recorded::default().json("DescribeServices", described(json!({}))).json("UpdateService", answer.clone());
    assert_eq!(roll_out(&recorded, WEB_8).unwrap().as_deref(), Some("ecs-svc/2"));
    let sent = recorded.asked_for("UpdateService")[0].json();
    assert_eq!(sent, json!({ "cluster": "shop", "service": "web", "taskDefinition": WEB_8 }));

    // A restart: only then is the deployment forced.
    let recorded = Recorded::default().json("DescribeServices", described(json!({}))).json("UpdateService", answer);
    roll_out(&recorded, WEB_7).unwrap();
    let sent = recorded.asked_for("UpdateService")[0].json();
    assert_eq!(sent, json!({ "cluster": "shop", "service": "web", "taskDefinition": WEB_7, "forceNewDeployment": true }));
}

#[test]
fn what_was_changed_since_it_was_seen_is_not_rolled_out() {
    // Another invocation was quicker: forced, its roll-out would begin a second time.
    let recorded = Recorded::default().json("DescribeServices", described(json!({ "taskDefinition": WEB_8 })));
    assert_eq!(kind_of(roll_out(&recorded, WEB_8)), PortErrorKind::Conflict);
    assert!(recorded.asked_for("UpdateService").is_empty());
}

#[test]
fn refusals_of_a_roll_out_have_their_kinds() {
    let table = [
        ("ServiceNotActiveException", "no", PortErrorKind::NotFound),
        ("ClientException", "TaskDefinition not found.", PortErrorKind::NotFound),
        ("ClientException", "TaskDefinition is inactive", PortErrorKind::Denied),
        ("InvalidParameterException", "no", PortErrorKind::Denied),
        ("AccessDeniedException", "no", PortErrorKind::Denied),
    ];
    for (code, message, kind) in table {
        let recorded = Recorded::default().json("DescribeServices", described(json!({}))).json_error("UpdateService", code, message);
        assert_eq!(kind_of(roll_out(&recorded, WEB_8)), kind, "{code} {message}");
    }
    // Nothing is changed while it cannot be seen what is there.
    let recorded = Recorded::default().json("DescribeServices", json!({}));
    assert_eq!(kind_of(roll_out(&recorded, WEB_8)), PortErrorKind::Unavailable);
    assert!(recorded.asked_for("UpdateService").is_empty());
}
