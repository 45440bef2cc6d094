use nightshift_aws::EcsServices;
use nightshift_core::fleet::EcsService;
use nightshift_core::ports::{PortErrorKind, PortResult, TaskReader};
use nightshift_core::scale::OtherScaler;
use serde_json::{Value, json};

use super::recorded::{Recorded, kind_of, wait};

const DESCRIBE: &str = "DescribeScalableTargets";

fn other_scaler(recorded: &Recorded) -> PortResult<Option<OtherScaler>> {
    let service = EcsService { cluster: "pizza".into(), service: "api".into() };
    wait(EcsServices::new(&recorded.config()).other_scaler(&service))
}

fn target(suspended: Value) -> Value {
    json!({ "ScalableTargets": [{
        "ServiceNamespace": "ecs", "ResourceId": "service/pizza/api", "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 2, "MaxCapacity": 10, "RoleARN": "arn:aws:iam::1:role/r", "CreationTime": 1763608200.0,
        "SuspendedState": suspended,
    }] })
}

#[test]
fn a_scalable_target_owns_the_service_unless_both_directions_are_suspended() {
    let suspended = |inward: bool, outward: bool| json!({ "DynamicScalingInSuspended": inward, "DynamicScalingOutSuspended": outward, "ScheduledScalingSuspended": false });
    let owner = Some(OtherScaler { name: "Application Auto Scaling (2-10 tasks)".into() });
    let table = [
        (target(Value::Null), owner.clone()),
        (target(suspended(false, false)), owner.clone()),
        (target(suspended(true, false)), owner.clone()),
        (target(suspended(false, true)), owner),
        (target(suspended(true, true)), None),
        (json!({ "ScalableTargets": [] }), None),
    ];
    for (answer, expected) in table {
        let recorded = Recorded::default().json(DESCRIBE, answer.clone());
        assert_eq!(other_scaler(&recorded).unwrap(), expected, "{answer}");
    }
}

#[test]
fn it_asks_for_this_service_alone() {
    let recorded = Recorded::default().json(DESCRIBE, json!({ "ScalableTargets": [] }));
    other_scaler(&recorded).unwrap();
    let asked = recorded.asked_for(DESCRIBE);
    let expected = json!({
        "ServiceNamespace": "ecs", "ResourceIds": ["service/pizza/api"], "ScalableDimension": "ecs:service:DesiredCount",
    });
    assert_eq!(asked[0].json(), expected);
}

#[test]
fn only_an_aws_without_the_service_is_not_found() {
    let answered = |status: u16, body: &str| {
        let mut recorded = Recorded::default();
        for _ in 0..3 {
            recorded = recorded.answer(DESCRIBE, status, body);
        }
        kind_of(other_scaler(&recorded))
    };
    let unsupported = "{\"error\": \"Unsupported service: application-autoscaling\"}";
    assert_eq!(answered(400, unsupported), PortErrorKind::NotFound);
    assert_eq!(answered(500, unsupported), PortErrorKind::Unavailable);
    assert_eq!(answered(400, "{\"error\": \"something else\"}"), PortErrorKind::Denied);
    assert_eq!(answered(400, "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}"), PortErrorKind::Throttled);
    assert_eq!(answered(400, "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}"), PortErrorKind::Denied);
}
