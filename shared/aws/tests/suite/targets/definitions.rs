use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::ports::{TargetDeployer, TargetReader};
use nightshift_core::release::{Blueprint, definition_with_image};
use serde_json::{Value, json};

use super::super::recorded::{Recorded, kind_of, wait};
use super::{WEB_7, WEB_8, described, release, targets, tasks};

const DESCRIBE: &str = "DescribeTaskDefinition";
const UNKNOWN: (&str, &str) = ("ClientException", "Unable to describe task definition.");

/// Everything that ECS makes itself.
fn made_by_ecs(revision: &str, status: &str) -> Value {
    json!({
        "taskDefinitionArn": revision, "revision": 7, "status": status, "requiresAttributes": [{ "name": "ecs.capability.x" }],
        "compatibilities": ["EC2", "FARGATE"], "registeredAt": 1795000000.123, "registeredBy": "arn:aws:iam::1:user/a",
        "deregisteredAt": 1795000001, "deleteRequestedAt": 1795000002,
    })
}

/// Everything else, with members of every kind that no type of ours knows.
fn content() -> Value {
    json!({
        "family": "web", "networkMode": "awsvpc", "cpu": "512", "memory": "1024", "requiresCompatibilities": ["FARGATE"],
        "executionRoleArn": "arn:aws:iam::1:role/exec", "taskRoleArn": "arn:aws:iam::1:role/task",
        "volumes": [{ "name": "data", "efsVolumeConfiguration": { "fileSystemId": "fs-1", "rootDirectory": "/" } }],
        "runtimePlatform": { "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" },
        "ephemeralStorage": { "sizeInGiB": 40 }, "placementConstraints": [], "enableFaultInjection": false,
        "memberOfNextYear": { "deep": [{ "a": null, "b": 1.25, "c": -3, "d": true, "e": "\u{e9}\u{1f600}\"\\\n" }], "empty": {} },
        "containerDefinitions": [
            {
                "name": "web", "image": "1.dkr.ecr.us-east-1.amazonaws.com/shop/web:v1", "cpu": 0, "essential": true,
                "portMappings": [{ "containerPort": 3000, "hostPort": 3000, "protocol": "tcp", "appProtocol": "http2" }],
                "environment": [{ "name": "EMPTY", "value": "" }], "secrets": [{ "name": "DB", "valueFrom": "arn:aws:secretsmanager:x" }],
                "restartPolicy": { "enabled": true, "ignoredExitCodes": [0] }, "versionConsistency": "disabled", "newMember": [[1], [2]],
            },
            { "name": "sidecar", "image": "public.ecr.aws/x/otel:2", "dependsOn": [{ "containerName": "web", "condition": "START" }] },
        ],
    })
}

fn definition(revision: &str, status: &str) -> Value {
    let mut definition = content();
    for (name, value) in made_by_ecs(revision, status).as_object().unwrap() {
        definition[name] = value.clone();
    }
    definition
}

fn answer(revision: &str, status: &str, tags: Value) -> Value {
    json!({ "taskDefinition": definition(revision, status), "tags": tags })
}

fn blueprint(recorded: &Recorded, proven: Option<&str>) -> PortResult<Blueprint> {
    wait(targets(recorded).blueprint(&tasks(), None, proven))
}

fn running() -> Recorded {
    Recorded::default().json("DescribeServices", described(json!({}))).json(DESCRIBE, answer(WEB_7, "ACTIVE", json!([])))
}

#[test]
fn every_member_survives_from_description_to_registration() {
    let tags = json!([
        { "key": "team", "value": "shop" }, { "key": "aws:cloudformation:stack-name", "value": "s" },
        { "key": "nightshift:release", "value": "an earlier one" },
    ]);
    let recorded = Recorded::default()
        .json("DescribeServices", described(json!({})))
        .json(DESCRIBE, answer(WEB_7, "ACTIVE", tags.clone()))
        .json(DESCRIBE, answer(WEB_8, "ACTIVE", tags))
        .json("RegisterTaskDefinition", json!({ "taskDefinition": { "taskDefinitionArn": "web:9" } }));
    let seen = blueprint(&recorded, None).unwrap();
    assert_eq!((seen.running.revision.as_str(), seen.latest.revision.as_str(), seen.proven), (WEB_7, WEB_8, None));
    let mut expected = content();
    expected["tags"] = json!([{ "key": "team", "value": "shop" }]);
    assert_eq!(seen.running.body.to_string(), expected.to_string());

    let image = "1.dkr.ecr.us-east-1.amazonaws.com/shop/web@sha256:aa";
    let body = definition_with_image(&seen.running.body, "shop/web", image).unwrap();
    let made = wait(targets(&recorded).make_revision(&tasks(), WEB_7, &body, &release())).unwrap();
    assert_eq!(made, "web:9");
    expected["containerDefinitions"][0]["image"] = json!(image);
    expected["tags"] = json!([{ "key": "team", "value": "shop" }, { "key": "nightshift:release", "value": release().as_str() }]);
    assert_eq!(recorded.asked_for("RegisterTaskDefinition")[0].body, expected.to_string());
    let asked: Vec<Value> = recorded.asked_for(DESCRIBE).iter().map(|asked| asked.json()).collect();
    let expected = [WEB_7, "web"].map(|name| json!({ "taskDefinition": name, "include": ["TAGS"] }));
    assert_eq!(asked, expected, "the running one, and the family's newest ACTIVE one");
}

#[test]
fn an_empty_text_stands_for_what_is_absent() {
    let mut described_definition = answer(WEB_7, "ACTIVE", json!(null));
    for name in ["ipcMode", "pidMode", "taskRoleArn"] {
        described_definition["taskDefinition"][name] = json!("");
    }
    let recorded = Recorded::default()
        .json("DescribeServices", described(json!({})))
        .json(DESCRIBE, described_definition.clone())
        .json(DESCRIBE, described_definition);
    let body = blueprint(&recorded, None).unwrap().running.body;
    assert!(["ipcMode", "pidMode", "taskRoleArn"].iter().all(|name| body.get(name).is_none()), "{body}");
    assert_eq!(body["containerDefinitions"][0]["environment"][0]["value"], "", "an empty variable is one");
    assert_eq!(body["tags"], json!([]));
}

#[test]
fn the_proven_revision_is_there_only_while_it_can_be_gone_back_to() {
    let latest = || running().json(DESCRIBE, answer(WEB_8, "ACTIVE", json!([])));
    let proven = "arn:aws:ecs:us-east-1:1:task-definition/web:5";
    let seen = blueprint(&latest().json(DESCRIBE, answer(proven, "ACTIVE", json!([]))), Some(proven)).unwrap();
    assert_eq!(seen.proven.unwrap().revision, proven);
    let seen = blueprint(&latest().json(DESCRIBE, answer(proven, "INACTIVE", json!([]))), Some(proven)).unwrap();
    assert_eq!(seen.proven, None);
    let seen = blueprint(&latest().json_error(DESCRIBE, UNKNOWN.0, UNKNOWN.1), Some(proven)).unwrap();
    assert_eq!(seen.proven, None);
    let recorded = latest();
    assert_eq!(blueprint(&recorded, Some(WEB_7)).unwrap().proven, None, "it is what runs");
    assert_eq!(recorded.asked_for(DESCRIBE).len(), 2);
    let denied = latest().json_error(DESCRIBE, "AccessDeniedException", "no");
    assert_eq!(kind_of(blueprint(&denied, Some(proven))), PortErrorKind::Denied);
}

#[test]
fn a_family_without_an_active_revision_has_nothing_newer() {
    let recorded = running().json_error(DESCRIBE, UNKNOWN.0, UNKNOWN.1);
    let seen = blueprint(&recorded, None).unwrap();
    assert_eq!(seen.latest, seen.running);
    let throttled = (0..3).fold(running(), |recorded, _| recorded.json_error(DESCRIBE, "ThrottlingException", "Rate exceeded"));
    assert_eq!(kind_of(blueprint(&throttled, None)), PortErrorKind::Throttled);
}

#[test]
fn a_definition_that_runs_and_is_said_to_be_missing_is_an_outage() {
    let recorded = Recorded::default().json_error(DESCRIBE, UNKNOWN.0, UNKNOWN.1).json(DESCRIBE, answer(WEB_8, "ACTIVE", json!([])));
    // The revision is known, so that the service is not described once more.
    let seen = wait(targets(&recorded).blueprint(&tasks(), Some(WEB_7), None));
    assert_eq!((kind_of(seen), recorded.asked_for("DescribeServices").len()), (PortErrorKind::Unavailable, 0));
}

#[test]
fn an_answer_without_a_definition_is_no_definition() {
    let recorded = Recorded::default()
        .json("DescribeServices", described(json!({})))
        .json(DESCRIBE, json!({ "tags": [] }))
        .json(DESCRIBE, answer(WEB_8, "ACTIVE", json!([])));
    assert_eq!(kind_of(blueprint(&recorded, None)), PortErrorKind::Unavailable);
    let recorded = Recorded::default().json("RegisterTaskDefinition", json!({}));
    assert_eq!(kind_of(wait(targets(&recorded).make_revision(&tasks(), WEB_7, &content(), &release()))), PortErrorKind::Unavailable);
}

#[test]
fn registering_is_refused_as_what_it_is() {
    let table = [
        ("ClientException", "Too many concurrent attempts to create a new revision of the specified family.", PortErrorKind::Conflict),
        ("ClientException", "Role is not valid", PortErrorKind::Denied),
        ("AccessDeniedException", "no ecs:TagResource", PortErrorKind::Denied),
        ("LimitExceededException", "no", PortErrorKind::Denied),
    ];
    for (code, message, kind) in table {
        // The SDK takes a limit for a rate and tries again.
        let recorded = (0..3).fold(Recorded::default(), |recorded, _| recorded.json_error("RegisterTaskDefinition", code, message));
        let made = wait(targets(&recorded).make_revision(&tasks(), WEB_7, &content(), &release()));
        assert_eq!(kind_of(made), kind, "{message}");
    }
    // Fifty tags are the most that there can be: the copied ones come first.
    let mut body = content();
    body["tags"] = (0..50).map(|number| json!({ "key": format!("k{number}"), "value": "v" })).collect();
    let recorded = Recorded::default().json("RegisterTaskDefinition", json!({ "taskDefinition": { "taskDefinitionArn": "web:9" } }));
    wait(targets(&recorded).make_revision(&tasks(), WEB_7, &body, &release())).unwrap();
    assert_eq!(recorded.asked_for("RegisterTaskDefinition")[0].json(), body);
}
