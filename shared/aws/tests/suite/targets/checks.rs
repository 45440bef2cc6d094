use nightshift_core::fleet::DeployTarget;
use nightshift_core::ports::PortErrorKind;
use nightshift_core::release::ports::TargetReader;
use nightshift_core::release::{Check, CheckResult};
use serde_json::{Value, json};

use super::super::recorded::{Recorded, wait};
use super::groups::{NUMBERED, described_group};
use super::{described, form, group, refused, targets, tasks, xml};

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:1:secret:shop/db-AbCdEf";
const TRUST: &str = "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%22ecs-tasks.amazonaws.com%22%7D\
                     %2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%5D%7D";

fn checks(recorded: &Recorded, target: &DeployTarget, body: &Value) -> Vec<Check> {
    wait(targets(recorded).checks(target, body))
}

/// One check a line: what, and how it stands.
fn lines(checks: &[Check]) -> Vec<String> {
    let line = |check: &Check| match &check.result {
        CheckResult::Fine => format!("{}: fine", check.what),
        CheckResult::Wrong(problem) => format!("{}: {problem}", check.what),
        CheckResult::Unreadable(error) => format!("{}: {} {}", check.what, error.kind, error.operation),
    };
    checks.iter().map(line).collect()
}

fn tasks_lines(recorded: Recorded, body: Value) -> Vec<String> {
    let recorded = recorded.json("DescribeServices", described(json!({})));
    let lines = lines(&checks(&recorded, &tasks(), &body));
    assert!(recorded.is_used_up());
    lines
}

fn role(trust: &str) -> String {
    xml("GetRole", &format!("<Role><RoleName>r</RoleName><AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument></Role>"))
}

fn reading(value_from: &[&str]) -> Value {
    let secrets: Vec<Value> = value_from.iter().map(|from| json!({ "name": "X", "valueFrom": from })).collect();
    json!({ "containerDefinitions": [{ "name": "web", "secrets": secrets }] })
}

fn secret(fields: Value) -> Value {
    let mut secret = json!({ "ARN": SECRET, "VersionIdsToStages": { "v1": ["AWSCURRENT"], "v0": ["AWSPREVIOUS"] } });
    for (name, value) in fields.as_object().unwrap() {
        secret[name] = value.clone();
    }
    secret
}

fn target_group(balancers: &str) -> String {
    let member = format!("<member><TargetGroupArn>a</TargetGroupArn><LoadBalancerArns>{balancers}</LoadBalancerArns></member>");
    xml("DescribeTargetGroups", &format!("<TargetGroups>{member}</TargetGroups>"))
}

#[test]
fn everything_that_a_task_needs_is_looked_at() {
    let body = json!({
        "executionRoleArn": "arn:aws:iam::1:role/path/exec", "taskRoleArn": "task",
        "containerDefinitions": [
            {
                "name": "web", "image": "shop/web", "secrets": [{ "name": "A", "valueFrom": SECRET }, { "name": "B", "valueFrom": "/shop/url" }],
                "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/shop/web", "awslogs-region": "us-east-1" } },
            },
            { "name": "sidecar", "image": "nginx", "repositoryCredentials": { "credentialsParameter": SECRET },
              "secrets": [{ "name": "C", "valueFrom": format!("{SECRET}:key::") }, { "name": "D", "valueFrom": format!("{SECRET}:other::") }] },
        ],
    });
    let balancers = json!([{ "targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1" }]);
    let recorded = Recorded::default()
        .answer("GetRole", 200, role(TRUST))
        .answer("GetRole", 200, role(TRUST))
        .json("DescribeSecret", secret(json!({})))
        .json("GetParameters", json!({ "Parameters": [{ "Name": "/shop/url" }], "InvalidParameters": [] }))
        .json("DescribeLogGroups", json!({ "logGroups": [{ "logGroupName": "/shop/web" }] }))
        .json("DescribeServices", described(json!({ "loadBalancers": balancers })))
        .answer("DescribeTargetGroups", 200, target_group("<member>arn:lb</member>"));
    let expected = [
        "execution role exec: fine",
        "task role task: fine",
        "secret shop/db-AbCdEf: fine",
        "parameter /shop/url: fine",
        "log group /shop/web: fine",
        "target group web: fine",
    ];
    assert_eq!(lines(&checks(&recorded, &tasks(), &body)), expected);
    assert!(recorded.is_used_up(), "and the secret that is named four times only once");
    assert!(recorded.asked_for("GetRole")[0].body.ends_with("RoleName=exec"));
    assert_eq!(recorded.asked_for("DescribeSecret")[0].json(), json!({ "SecretId": SECRET }));
}

#[test]
fn roles_must_exist_and_trust_ecs() {
    let body = || json!({ "executionRoleArn": "exec" });
    let looked = |status: u16, answer: String| tasks_lines(Recorded::default().answer("GetRole", status, answer), body());
    let nobody = TRUST.replace("ecs-tasks", "ec2");
    let expected = "execution role exec: ECS may not assume it; allow ecs-tasks.amazonaws.com sts:AssumeRole in its trust policy";
    assert_eq!(looked(200, role(&nobody)), [expected]);
    let expected = "execution role exec: there is no such role; create it, or deploy the stack that owns it";
    assert_eq!(looked(404, refused("NoSuchEntity", "The role with name exec cannot be found.")), [expected]);
    assert_eq!(looked(403, refused("AccessDenied", "no")), ["execution role exec: denied iam:GetRole"]);
    assert_eq!(looked(200, role("what")), ["execution role exec: unavailable iam:GetRole"]);
}

#[test]
fn secrets_must_be_there_and_readable() {
    let looked = |answer: Value, reference: &str| tasks_lines(Recorded::default().json("DescribeSecret", answer), reading(&[reference]));
    let table = [
        (secret(json!({})), SECRET.to_owned(), "fine"),
        (secret(json!({})), format!("{SECRET}:password::"), "fine"),
        (secret(json!({})), format!("{SECRET}::AWSPREVIOUS:"), "fine"),
        (secret(json!({})), format!("{SECRET}:::v0"), "fine"),
        (
            secret(json!({ "DeletedDate": 1.5 })),
            SECRET.to_owned(),
            "it is to be deleted and cannot be read; restore it with aws secretsmanager restore-secret",
        ),
        (
            secret(json!({})),
            format!("{SECRET}::OTHER:"),
            "it has no version with the stage OTHER; put a value into it, or mend the reference in the task definition",
        ),
        (
            secret(json!({})),
            format!("{SECRET}:::v9"),
            "it has no version with the id v9; put a value into it, or mend the reference in the task definition",
        ),
        (
            secret(json!({ "VersionIdsToStages": null })),
            SECRET.to_owned(),
            "it has no version with the stage AWSCURRENT; put a value into it, or mend the reference in the task definition",
        ),
        (json!({}), SECRET.to_owned(), "unavailable secretsmanager:DescribeSecret"),
    ];
    for (answer, reference, expected) in table {
        assert_eq!(looked(answer, &reference), [format!("secret shop/db-AbCdEf: {expected}")], "{reference}");
    }
    let refused = |code: &str| tasks_lines(Recorded::default().json_error("DescribeSecret", code, "no"), reading(&[SECRET]));
    let expected = "secret shop/db-AbCdEf: there is no such secret; create it, or mend the ARN in the task definition";
    assert_eq!(refused("ResourceNotFoundException"), [expected]);
    assert_eq!(refused("AccessDeniedException"), ["secret shop/db-AbCdEf: denied secretsmanager:DescribeSecret"]);
}

#[test]
fn a_secret_of_another_region_is_asked_for_there() {
    let elsewhere = SECRET.replace("us-east-1", "eu-west-1");
    let recorded = Recorded::default().json("DescribeSecret", secret(json!({}))).json("DescribeServices", described(json!({})));
    let seen = lines(&checks(&recorded, &tasks(), &reading(&[&elsewhere])));
    assert_eq!(seen, ["secret shop/db-AbCdEf: fine"]);
    assert!(recorded.asked_for("DescribeSecret")[0].url.contains("eu-west-1"));
}

#[test]
fn parameters_are_asked_for_by_ten_and_by_region() {
    let names: Vec<String> = (0..12).map(|number| format!("/p{number:02}")).collect();
    let elsewhere = "arn:aws:ssm:eu-west-1:1:parameter/other";
    let all: Vec<&str> = names.iter().map(String::as_str).chain([elsewhere]).collect();
    let recorded = Recorded::default()
        .json("GetParameters", json!({ "Parameters": [], "InvalidParameters": ["/p03"] }))
        .json("GetParameters", json!({ "Parameters": [], "InvalidParameters": [] }))
        .json("GetParameters", json!({ "Parameters": [], "InvalidParameters": [] }))
        .json("DescribeServices", described(json!({})));
    let seen = lines(&checks(&recorded, &tasks(), &reading(&all)));
    assert_eq!(seen.len(), 13);
    let wrong: Vec<&String> = seen.iter().filter(|line| !line.ends_with(": fine")).collect();
    assert_eq!(wrong, ["parameter /p03: there is no such parameter; create it, or mend its name in the task definition"]);
    assert!(seen.contains(&"parameter /other: fine".to_owned()));
    let asked = recorded.asked_for("GetParameters");
    let sizes: Vec<usize> = asked.iter().map(|asked| asked.json()["Names"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 2, 1]);
    assert!(asked.iter().all(|asked| asked.json()["WithDecryption"] == json!(false)));
    assert!(asked[2].url.contains("eu-west-1") && !asked[0].url.contains("eu-west-1"));
    let denied = tasks_lines(Recorded::default().json_error("GetParameters", "AccessDeniedException", "no"), reading(&["/a", "/b"]));
    assert_eq!(denied, ["parameter /a: denied ssm:GetParameters", "parameter /b: denied ssm:GetParameters"]);
}

#[test]
fn a_log_group_must_be_there_to_the_letter_unless_it_is_created() {
    let body = |options: Value| json!({ "containerDefinitions": [{ "logConfiguration": { "logDriver": "awslogs", "options": options } }] });
    let found = |names: &[&str]| json!({ "logGroups": names.iter().map(|name| json!({ "logGroupName": name })).collect::<Vec<_>>() });
    let mut first = found(&["/shop/web-old"]);
    first["nextToken"] = json!("t");
    let recorded = Recorded::default().json("DescribeLogGroups", first).json("DescribeLogGroups", found(&["/shop/web"]));
    assert_eq!(tasks_lines(recorded, body(json!({ "awslogs-group": "/shop/web" }))), ["log group /shop/web: fine"], "on the second page");
    let recorded = Recorded::default().json("DescribeLogGroups", found(&["/shop/web-old"]));
    let expected =
        "log group /shop/web: there is no such log group, and its tasks would not start; create it, or set awslogs-create-group to true";
    assert_eq!(tasks_lines(recorded, body(json!({ "awslogs-group": "/shop/web" }))), [expected]);
    let created = body(json!({ "awslogs-group": "/shop/web", "awslogs-create-group": "true" }));
    assert!(tasks_lines(Recorded::default(), created).is_empty());
    let other =
        json!({ "containerDefinitions": [{ "logConfiguration": { "logDriver": "awsfirelens", "options": { "awslogs-group": "x" } } }] });
    assert!(tasks_lines(Recorded::default(), other).is_empty());
}

#[test]
fn target_groups_must_exist_and_the_main_one_be_attached() {
    let arn = |name: &str| format!("arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/{name}/1");
    let balancers = json!([{ "targetGroupArn": arn("blue"), "advancedConfiguration": { "alternateTargetGroupArn": arn("green") } }]);
    let looked = |recorded: Recorded| {
        let recorded = recorded.json("DescribeServices", described(json!({ "loadBalancers": balancers })));
        lines(&checks(&recorded, &tasks(), &json!({})))
    };
    let detached =
        || Recorded::default().answer("DescribeTargetGroups", 200, target_group("")).answer("DescribeTargetGroups", 200, target_group(""));
    let expected = "target group blue: no load balancer forwards to it, so its targets are never healthy; add a listener rule that does";
    assert_eq!(looked(detached()), [expected, "target group green: fine"]);
    let missing = refused("TargetGroupNotFound", "One or more target groups not found");
    let recorded =
        Recorded::default().answer("DescribeTargetGroups", 400, missing).answer("DescribeTargetGroups", 403, refused("AccessDenied", "no"));
    let expected = "target group blue: there is no such target group; deploy the stack that owns it, or take it out of the service";
    assert_eq!(looked(recorded), [expected, "target group green: denied elasticloadbalancing:DescribeTargetGroups"]);
}

#[test]
fn one_that_cannot_be_seen_hides_no_other() {
    let recorded = Recorded::default()
        .json_error("DescribeServices", "AccessDeniedException", "no")
        .answer("GetRole", 403, refused("AccessDenied", "no"))
        .json("DescribeSecret", secret(json!({})));
    let mut body = reading(&[SECRET]);
    body["taskRoleArn"] = json!("task");
    let seen = checks(&recorded, &tasks(), &body);
    let expected = [
        "task role task: denied iam:GetRole",
        "secret shop/db-AbCdEf: fine",
        "target groups of ECS service shop/web: denied ecs:DescribeServices",
    ];
    assert_eq!(lines(&seen), expected);
    assert!(matches!(&seen[0].result, CheckResult::Unreadable(error) if error.kind == PortErrorKind::Denied));
}

#[test]
fn everything_that_an_instance_needs_is_looked_at() {
    let profile = |roles: &str| xml("GetInstanceProfile", &format!("<InstanceProfile><Roles>{roles}</Roles></InstanceProfile>"));
    let sources = "<TargetGroupARNs><member>arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1</member></TargetGroupARNs><TrafficSources>\
                   <member><Identifier>arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/web/1</Identifier></member>\
                   <member><Identifier>arn:aws:vpc-lattice:us-east-1:1:targetgroup/tg-1</Identifier></member></TrafficSources>";
    let body = json!({ "IamInstanceProfile": { "Arn": "arn:aws:iam::1:instance-profile/p/web" } });
    let recorded = Recorded::default()
        .answer("GetInstanceProfile", 200, profile("<member><RoleName>r</RoleName></member>"))
        .answer("DescribeAutoScalingGroups", 200, described_group(&format!("{NUMBERED}{sources}")))
        .answer("DescribeTargetGroups", 200, target_group("<member>arn:lb</member>"));
    let expected = ["instance profile web: fine", "target group web: fine"];
    assert_eq!(lines(&checks(&recorded, &group(), &body)), expected);
    assert_eq!(form(&recorded.asked_for("GetInstanceProfile")[0].body)["InstanceProfileName"], "web");

    let looked = |status: u16, answer: String| {
        let recorded = Recorded::default().answer("GetInstanceProfile", status, answer).answer(
            "DescribeAutoScalingGroups",
            200,
            described_group(NUMBERED),
        );
        lines(&checks(&recorded, &group(), &json!({ "IamInstanceProfile": { "Name": "web" } })))
    };
    let expected = "instance profile web: it has no role, so its instances could not pull the image; add a role to it";
    assert_eq!(looked(200, profile("")), [expected]);
    let expected = "instance profile web: there is no such instance profile; create it, or deploy the stack that owns it";
    assert_eq!(looked(404, refused("NoSuchEntity", "no")), [expected]);
}
