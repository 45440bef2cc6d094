use nightshift_aws::EcsServices;
use nightshift_core::fleet::{EcsService, TaskCount};
use nightshift_core::ports::{PortErrorKind, PortResult, TaskReader, TaskScaler};
use nightshift_core::scale::TasksNow;
use serde_json::{Value, json};

use super::recorded::{Recorded, kind_of, wait};

fn service() -> EcsService {
    EcsService { cluster: "pizza".into(), service: "api".into() }
}

fn count(number: u32) -> TaskCount {
    TaskCount::new(number).unwrap()
}

fn tasks_now(recorded: &Recorded) -> PortResult<TasksNow> {
    wait(EcsServices::new(&recorded.config()).tasks_now(&service()))
}

fn described(fields: Value) -> Recorded {
    let mut described = json!({
        "serviceName": "api", "status": "ACTIVE", "desiredCount": 4, "runningCount": 3, "pendingCount": 1,
        "taskDefinition": "arn:aws:ecs:us-east-1:1:task-definition/api:7",
        "deployments": [deployment("ecs-svc/1", "PRIMARY", "COMPLETED")],
    });
    for (name, value) in fields.as_object().unwrap() {
        described[name] = value.clone();
    }
    Recorded::default().json("DescribeServices", json!({ "services": [described], "failures": [] }))
}

fn deployment(id: &str, status: &str, rollout: &str) -> Value {
    let definition = format!("arn:aws:ecs:us-east-1:1:task-definition/api:{}", if status == "PRIMARY" { 8 } else { 7 });
    json!({ "id": id, "status": status, "rolloutState": rollout, "taskDefinition": definition })
}

#[test]
fn a_service_is_read_as_it_is() {
    let recorded = described(json!({}));
    let expected = TasksNow {
        status: "ACTIVE".into(),
        desired: count(4),
        running: count(3),
        pending: count(1),
        deployment: None,
        task_definition: "arn:aws:ecs:us-east-1:1:task-definition/api:8".into(),
    };
    assert_eq!(tasks_now(&recorded).unwrap(), expected);
    assert_eq!(recorded.asked_for("DescribeServices")[0].json(), json!({ "cluster": "pizza", "services": ["api"] }));
}

#[test]
fn a_deployment_is_seen_while_it_rolls() {
    let table = [
        (json!([deployment("ecs-svc/2", "PRIMARY", "IN_PROGRESS")]), Some("deployment ecs-svc/2 (IN_PROGRESS)")),
        (
            json!([deployment("ecs-svc/1", "ACTIVE", "COMPLETED"), deployment("ecs-svc/2", "PRIMARY", "FAILED")]),
            Some("deployment ecs-svc/2 (FAILED)"),
        ),
        (json!([deployment("ecs-svc/2", "PRIMARY", "FAILED")]), None),
        (json!([]), None),
    ];
    for (deployments, expected) in table {
        let now = tasks_now(&described(json!({ "deployments": deployments }))).unwrap();
        assert_eq!(now.deployment.as_deref(), expected);
    }
}

#[test]
fn a_service_of_another_deployment_controller_has_task_sets() {
    let set = |status: &str| json!({ "status": status, "taskDefinition": "td:9" });
    let fields = json!({ "deployments": [], "taskDefinition": null, "taskSets": [set("ACTIVE"), set("PRIMARY")] });
    let now = tasks_now(&described(fields)).unwrap();
    assert_eq!(now.deployment.as_deref(), Some("deployment of 2 task sets"));
    assert_eq!(now.task_definition, "td:9");
}

#[test]
fn a_failed_item_is_an_error_and_not_an_empty_answer() {
    let failed = |reason: &str| {
        let failure = json!({ "arn": "arn:aws:ecs:us-east-1:1:service/pizza/api", "reason": reason });
        let recorded = Recorded::default().json("DescribeServices", json!({ "services": [], "failures": [failure] }));
        tasks_now(&recorded).unwrap_err()
    };
    assert_eq!(failed("MISSING").kind, PortErrorKind::NotFound);
    assert_eq!(failed("MISSING").message, "arn:aws:ecs:us-east-1:1:service/pizza/api: MISSING");
    assert_eq!(failed("INTERNAL").kind, PortErrorKind::Unavailable);
    let empty = Recorded::default().json("DescribeServices", json!({}));
    assert_eq!(kind_of(tasks_now(&empty)), PortErrorKind::Unavailable);
}

#[test]
fn a_throttle_is_tried_three_times_and_then_told_as_such() {
    let throttled = |recorded: Recorded| recorded.json_error("DescribeServices", "ThrottlingException", "Rate exceeded");
    let recorded = throttled(throttled(throttled(Recorded::default())));
    assert_eq!(kind_of(tasks_now(&recorded)), PortErrorKind::Throttled);
    assert_eq!(recorded.asked().len(), 3);
    let passing = throttled(Recorded::default()).json("DescribeServices", json!({ "services": [{ "status": "ACTIVE" }] }));
    assert_eq!(tasks_now(&passing).unwrap().status, "ACTIVE");
}

#[test]
fn setting_the_count_sets_nothing_else() {
    let recorded = Recorded::default().json("UpdateService", json!({ "service": {} }));
    wait(EcsServices::new(&recorded.config()).set_desired_tasks(&service(), count(6))).unwrap();
    let asked = recorded.asked_for("UpdateService");
    assert_eq!(asked[0].json(), json!({ "cluster": "pizza", "service": "api", "desiredCount": 6 }));
}

#[test]
fn refusals_of_an_update_have_their_kinds() {
    let table = [
        ("ServiceNotFoundException", PortErrorKind::NotFound),
        ("ClusterNotFoundException", PortErrorKind::NotFound),
        ("ServiceNotActiveException", PortErrorKind::NotFound),
        ("AccessDeniedException", PortErrorKind::Denied),
        ("InvalidParameterException", PortErrorKind::Denied),
    ];
    for (code, kind) in table {
        let recorded = Recorded::default().json_error("UpdateService", code, "no");
        let answer = wait(EcsServices::new(&recorded.config()).set_desired_tasks(&service(), count(6)));
        assert_eq!(kind_of(answer), kind, "{code}");
        assert_eq!(recorded.asked().len(), 1, "{code} is not tried again");
    }
}
