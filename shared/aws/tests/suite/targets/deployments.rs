use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::ports::{TargetDeployer, TargetReader};
use nightshift_core::release::{RolloutNow, RolloutStatus};
use serde_json::{Value, json};

use super::super::recorded::{Recorded, kind_of, wait};
use super::{WEB_7, WEB_8, deployment, described, targets, tasks};

const LIST: &str = "ListServiceDeployments";
const DESCRIBE: &str = "DescribeServiceDeployments";
const REVISIONS: &str = "DescribeServiceRevisions";
const STOP: &str = "StopServiceDeployment";
const ARN: &str = "arn:aws:ecs:us-east-1:1:service-deployment/shop/web/NCWGC2ZR";

fn rollout(recorded: &Recorded, handle: &str) -> PortResult<RolloutNow> {
    let since = jiff::Timestamp::from_second(1_795_176_000).unwrap();
    wait(targets(recorded).rollout(&tasks(), handle, WEB_8, since))
}

fn with_deployments(deployments: Value) -> Recorded {
    let now = described(json!({ "taskDefinition": WEB_8, "deployments": deployments }));
    Recorded::default().json("DescribeServices", now).json("ListTasks", json!({ "taskArns": [] }))
}

fn rolling() -> Recorded {
    with_deployments(json!([deployment("2", "PRIMARY", WEB_8, "IN_PROGRESS", "", 1), deployment("1", "ACTIVE", WEB_7, "COMPLETED", "", 3)]))
}

fn revision(number: &str) -> String {
    format!("arn:aws:ecs:us-east-1:1:service-revision/shop/web/{number}")
}

fn brief(arn: &str, number: &str, created_at: u32) -> Value {
    json!({ "serviceDeploymentArn": arn, "targetServiceRevisionArn": revision(number), "createdAt": created_at, "status": "IN_PROGRESS" })
}

fn listed(recorded: Recorded) -> Recorded {
    recorded.json(LIST, json!({ "serviceDeployments": [brief("arn:other", "3", 9), brief(ARN, "2", 8)] }))
}

fn told(fields: Value) -> Recorded {
    let mut deployment = json!({ "serviceDeploymentArn": ARN });
    for (name, value) in fields.as_object().unwrap() {
        deployment[name] = value.clone();
    }
    listed(rolling()).json(DESCRIBE, json!({ "serviceDeployments": [deployment], "failures": [] }))
}

#[test]
fn this_deployment_is_followed_by_its_number() {
    let recorded = told(json!({ "status": "IN_PROGRESS", "lifecycleStage": "SCALE_UP" }));
    let expected = RolloutNow {
        status: RolloutStatus::Moving,
        words: "in progress; at scale up; 1 of 4 tasks run".into(),
        desired: 4,
        running: 1,
        died: 0,
    };
    assert_eq!(rollout(&recorded, "ecs-svc/2").unwrap(), expected);
    assert_eq!(recorded.asked_for(DESCRIBE)[0].json(), json!({ "serviceDeploymentArns": [ARN] }));
    // Two minutes earlier: our clock and that of ECS may be apart.
    let list = json!({ "cluster": "shop", "service": "web", "createdAt": { "after": 1_795_175_880 } });
    assert_eq!(recorded.asked_for(LIST)[0].json(), list);
    assert!(recorded.asked_for(REVISIONS).is_empty() && recorded.is_used_up());
}

#[test]
fn every_state_of_ecs_has_its_meaning() {
    let table = [
        ("PENDING", RolloutStatus::Moving),
        ("IN_PROGRESS", RolloutStatus::Moving),
        ("STOP_REQUESTED", RolloutStatus::Moving),
        ("SUCCESSFUL", RolloutStatus::Succeeded),
        ("ROLLBACK_REQUESTED", RolloutStatus::RollingBack),
        ("ROLLBACK_IN_PROGRESS", RolloutStatus::RollingBack),
        ("ROLLBACK_SUCCESSFUL", RolloutStatus::RolledBack),
        ("ROLLBACK_FAILED", RolloutStatus::Failed),
    ];
    for (state, status) in table {
        assert_eq!(rollout(&told(json!({ "status": state })), "ecs-svc/2").unwrap().status, status, "{state}");
    }
    assert_eq!(kind_of(rollout(&told(json!({ "status": "SOMETHING_NEW" })), "ecs-svc/2")), PortErrorKind::Unavailable);
}

#[test]
fn the_words_tell_what_ecs_waits_for_and_what_tripped_it() {
    let fields = json!({
        "status": "ROLLBACK_IN_PROGRESS", "statusReason": "Tasks failed to start.",
        "lifecycleHookDetails": [{ "status": "AWAITING_ACTION" }],
        "deploymentCircuitBreaker": { "status": "TRIGGERED", "failureCount": 3, "threshold": 3 },
        "alarms": { "status": "TRIGGERED", "triggeredAlarmNames": ["web-5xx"] },
        "rollback": { "reason": "Service deployment rolled back because the circuit breaker threshold was exceeded." },
    });
    let expected = "rollback in progress; a lifecycle hook waits for somebody's answer; the circuit breaker has counted 3 of 3 failures; \
                    in ALARM: web-5xx; Tasks failed to start; Service deployment rolled back because the circuit breaker threshold was \
                    exceeded; 1 of 4 tasks run";
    assert_eq!(rollout(&told(fields), "ecs-svc/2").unwrap().words, expected);
}

#[test]
fn a_deployment_that_was_stopped_has_failed_or_was_replaced() {
    let stopped = |fields: Value, deployments: Value| {
        let mut deployment = json!({ "serviceDeploymentArn": ARN, "status": "STOPPED" });
        for (name, value) in fields.as_object().unwrap() {
            deployment[name] = value.clone();
        }
        let recorded = listed(with_deployments(deployments)).json(DESCRIBE, json!({ "serviceDeployments": [deployment] }));
        rollout(&recorded, "ecs-svc/2").unwrap().status
    };
    let other = |definition: &str, state: &str| json!([deployment("3", "PRIMARY", definition, state, "", 4)]);
    // Circuit breaker or alarms without their rollback option: nothing takes it back.
    let tripped = json!({ "deploymentCircuitBreaker": { "status": "TRIGGERED" } });
    assert_eq!(stopped(tripped, other(WEB_7, "COMPLETED")), RolloutStatus::Failed);
    assert_eq!(stopped(json!({ "alarms": { "status": "TRIGGERED" } }), other(WEB_7, "COMPLETED")), RolloutStatus::Failed);
    assert_eq!(stopped(json!({}), other(WEB_7, "IN_PROGRESS")), RolloutStatus::Replaced);
    // Somebody began another one of the same revision: what is wanted still comes.
    assert_eq!(stopped(json!({}), other(WEB_8, "IN_PROGRESS")), RolloutStatus::Moving);
    assert_eq!(stopped(json!({}), other(WEB_8, "COMPLETED")), RolloutStatus::Succeeded);
}

#[test]
fn without_the_number_the_newest_that_brings_the_revision_is_meant() {
    let first = json!({ "serviceDeployments": [brief("arn:3", "13", 30), brief("arn:1", "11", 10)], "nextToken": "t" });
    let recorded = rolling()
        .json(LIST, first)
        .json(LIST, json!({ "serviceDeployments": [brief("arn:2", "12", 20)] }))
        .json(REVISIONS, json!({ "serviceRevisions": [
            { "serviceRevisionArn": revision("11"), "taskDefinition": WEB_8 }, { "serviceRevisionArn": revision("12"), "taskDefinition": WEB_8 },
            { "serviceRevisionArn": revision("13"), "taskDefinition": WEB_7 },
        ], "failures": [] }))
        .json(DESCRIBE, json!({ "serviceDeployments": [{ "serviceDeploymentArn": "arn:2", "status": "SUCCESSFUL" }] }));
    assert_eq!(rollout(&recorded, "ecs-svc/2").unwrap().status, RolloutStatus::Succeeded);
    assert_eq!(recorded.asked_for(DESCRIBE)[0].json()["serviceDeploymentArns"], json!(["arn:2"]));
    assert_eq!(recorded.asked_for(REVISIONS)[0].json()["serviceRevisionArns"], json!([revision("11"), revision("12"), revision("13")]));
}

#[test]
fn an_arn_is_a_handle_too() {
    let recorded = rolling().json(DESCRIBE, json!({ "serviceDeployments": [{ "serviceDeploymentArn": ARN, "status": "SUCCESSFUL" }] }));
    assert_eq!(rollout(&recorded, ARN).unwrap().status, RolloutStatus::Succeeded);
    assert!(recorded.asked_for(LIST).is_empty());
}

/// What the service itself tells, where ECS has no history of deployments.
#[test]
fn without_a_history_the_services_deployments_tell() {
    let primary = |number: &str, definition: &str, state: &str, reason: &str| deployment(number, "PRIMARY", definition, state, reason, 2);
    let ours =
        |status: &str, state: &str| deployment("2", status, WEB_8, state, "ECS deployment circuit breaker: tasks failed to start.", 0);
    let back = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1.";
    let table = [
        (json!([primary("2", WEB_8, "IN_PROGRESS", "")]), RolloutStatus::Moving),
        (json!([primary("2", WEB_8, "COMPLETED", "")]), RolloutStatus::Succeeded),
        (json!([primary("2", WEB_8, "FAILED", "tasks failed to start")]), RolloutStatus::Failed),
        (json!([primary("3", WEB_8, "IN_PROGRESS", "")]), RolloutStatus::Moving),
        (json!([primary("3", WEB_7, "IN_PROGRESS", back), ours("ACTIVE", "FAILED")]), RolloutStatus::RollingBack),
        (
            json!([primary("3", WEB_7, "COMPLETED", "ECS deployment ecs-svc/3 completed."), ours("DRAINING", "FAILED")]),
            RolloutStatus::RolledBack,
        ),
        (json!([primary("3", WEB_7, "FAILED", back)]), RolloutStatus::Failed),
        // A restart that is taken back has the same revision before and after.
        (json!([primary("3", WEB_8, "IN_PROGRESS", back), ours("ACTIVE", "FAILED")]), RolloutStatus::RollingBack),
        (json!([primary("3", WEB_7, "COMPLETED", "")]), RolloutStatus::Replaced),
        // Somebody puts something else over what has failed.
        (
            json!([primary("3", "web:9", "IN_PROGRESS", "ECS deployment ecs-svc/3 in progress."), ours("ACTIVE", "FAILED")]),
            RolloutStatus::Replaced,
        ),
        (json!([]), RolloutStatus::Moving),
    ];
    for (deployments, status) in table {
        let recorded = with_deployments(deployments.clone()).json(LIST, json!({ "serviceDeployments": [] }));
        assert_eq!(rollout(&recorded, "ecs-svc/2").unwrap().status, status, "{deployments}");
    }
}

#[test]
fn an_event_of_the_service_tells_of_a_rollback_that_is_over() {
    let answered = |at: u32| {
        let event = json!({ "createdAt": at, "message": "(service web) rolling back to deployment ecs-svc/1." });
        let deployments = json!([deployment("3", "PRIMARY", WEB_7, "COMPLETED", "ECS deployment ecs-svc/3 completed.", 4)]);
        let now = described(json!({ "deployments": deployments, "events": [event] }));
        let recorded = Recorded::default().json("DescribeServices", now).json("ListTasks", json!({ "taskArns": [] }));
        rollout(&recorded.json(LIST, json!({ "serviceDeployments": [] })), "ecs-svc/2").unwrap().status
    };
    assert_eq!(answered(1_795_176_100), RolloutStatus::RolledBack);
    assert_eq!(answered(1_795_175_900), RolloutStatus::Replaced, "that was before this roll-out");
}

#[test]
fn an_operation_that_is_not_there_is_no_error_but_a_refusal_is() {
    for code in ["UnknownOperationException", "InvalidAction", "UnsupportedFeatureException"] {
        let recorded = rolling().json_error(LIST, code, "Unknown ECS action");
        assert_eq!(rollout(&recorded, "ecs-svc/2").unwrap().status, RolloutStatus::Moving, "{code}");
    }
    let recorded = rolling().json_error(LIST, "AccessDeniedException", "no");
    assert_eq!(kind_of(rollout(&recorded, "ecs-svc/2")), PortErrorKind::Denied);
    let recorded = rolling().json(LIST, json!({}));
    assert_eq!(kind_of(rollout(&recorded, "ecs-svc/2")), PortErrorKind::Unavailable);
    let failed = |reason: &str| {
        let failures = json!([{ "arn": ARN, "reason": reason }]);
        listed(rolling()).json(DESCRIBE, json!({ "serviceDeployments": [], "failures": failures }))
    };
    assert_eq!(rollout(&failed("MISSING"), "ecs-svc/2").unwrap().status, RolloutStatus::Moving);
    assert_eq!(kind_of(rollout(&failed("INTERNAL"), "ecs-svc/2")), PortErrorKind::Unavailable);
}

#[test]
fn ecs_takes_back_what_is_under_way() {
    let found = || listed(rolling()).json(DESCRIBE, json!({ "serviceDeployments": [{ "serviceDeploymentArn": ARN }] }));
    let recorded = found().json(STOP, json!({ "serviceDeploymentArn": ARN }));
    wait(targets(&recorded).take_back(&tasks(), "ecs-svc/2")).unwrap();
    assert_eq!(recorded.asked_for(STOP)[0].json(), json!({ "serviceDeploymentArn": ARN, "stopType": "ROLLBACK" }));
    let states = json!(["PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"]);
    assert_eq!(recorded.asked_for(LIST)[0].json(), json!({ "cluster": "shop", "service": "web", "status": states }));
    let table = [
        ("ServiceDeploymentNotFoundException", PortErrorKind::Conflict),
        ("ConflictException", PortErrorKind::Conflict),
        ("InvalidAction", PortErrorKind::Conflict),
        ("AccessDeniedException", PortErrorKind::Denied),
    ];
    for (code, kind) in table {
        let recorded = found().json_error(STOP, code, "no");
        assert_eq!(kind_of(wait(targets(&recorded).take_back(&tasks(), "ecs-svc/2"))), kind, "{code}");
    }
}

#[test]
fn the_newest_is_known_by_its_task_definition_too() {
    let recorded = rolling()
        .json(LIST, json!({ "serviceDeployments": [brief(ARN, "77", 9)] }))
        .json(REVISIONS, json!({ "serviceRevisions": [{ "serviceRevisionArn": revision("77"), "taskDefinition": WEB_8 }], "failures": [] }))
        .json(DESCRIBE, json!({ "serviceDeployments": [{ "serviceDeploymentArn": ARN }] }))
        .json(STOP, json!({}));
    wait(targets(&recorded).take_back(&tasks(), "ecs-svc/2")).unwrap();
    assert_eq!(recorded.asked_for(STOP)[0].json()["serviceDeploymentArn"], ARN);
}

#[test]
fn somebody_elses_deployment_is_never_stopped() {
    let after = || with_deployments(json!([deployment("3", "PRIMARY", WEB_7, "IN_PROGRESS", "", 1)]));
    let of_another = json!({ "serviceRevisions": [{ "serviceRevisionArn": revision("3"), "taskDefinition": WEB_7 }], "failures": [] });
    let nothing = [
        after().json(LIST, json!({ "serviceDeployments": [brief("arn:other", "3", 9)] })),
        rolling().json(LIST, json!({ "serviceDeployments": [brief("arn:other", "3", 9)] })).json(REVISIONS, of_another),
        rolling().json(LIST, json!({ "serviceDeployments": [] })),
        rolling().json_error(LIST, "InvalidAction", "Unknown ECS action"),
    ];
    for recorded in nothing {
        let error = wait(targets(&recorded).take_back(&tasks(), "ecs-svc/2")).unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Conflict);
        assert_eq!(error.message, "there is nothing to stop: ECS has no service deployment for ecs-svc/2");
        assert!(recorded.asked_for(STOP).is_empty());
    }
}
