//! IAM enforced: the template's own policies are enough for a whole release in two regions, on groups, and of a front end.

use nightshift_tests::{LocalAws, Mode, Nightshift, Permissions, wait_until};
use serde_json::{Value, json};

use crate::releases_world::{SOON, Town, TwoRegions, errors};

/// What the local AWS checks against another resource than AWS does: ECS calls about services, tasks and deployments against
/// the cluster, some calls against everything, and one-time schedules against the default group. And it does not know the
/// condition key `events:source`.
pub fn local_differences() -> Value {
    let of_clusters = ["ecs:DescribeServices", "ecs:DescribeTasks", "ecs:ListServiceDeployments", "ecs:UpdateService"];
    let of_everything = [
        "ec2:CreateLaunchTemplateVersion",
        "ecs:DescribeServiceDeployments",
        "ecs:DescribeServiceRevisions",
        "ecs:RegisterTaskDefinition",
        "ecs:StopServiceDeployment",
        "iam:GetInstanceProfile",
        "logs:DescribeLogGroups",
    ];
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": of_clusters, "Resource": "arn:aws:ecs:*:*:cluster/*" },
        { "Effect": "Allow", "Action": of_everything, "Resource": "*" },
        { "Effect": "Allow", "Action": "scheduler:CreateSchedule", "Resource": "arn:aws:scheduler:*:*:schedule/default/*" },
        { "Effect": "Allow", "Action": "events:PutEvents", "Resource": "arn:aws:events:*:*:event-bus/default" },
    ] })
}

/// A reference to a secret is its name here, and its ARN on AWS, so that the template's policy names nothing.
fn approval_key(nightshift: &Nightshift<'_>) -> Value {
    let key = format!("arn:aws:secretsmanager:*:*:secret:{}-*", nightshift.output("ApprovalKeyArn"));
    let read = json!({ "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": key });
    json!({ "Version": "2012-10-17", "Statement": [read] })
}

pub fn allow_local_differences(nightshift: &Nightshift<'_>) {
    nightshift.add_policy("DeployFunctionName", "local-aws-differences", &local_differences());
    for function in ["DeployFunctionName", "ApproveFunctionName"] {
        nightshift.add_policy(function, "local-approval-key", &approval_key(nightshift));
    }
}

#[tokio::test]
async fn the_templates_policies_are_enough_from_a_push_to_both_regions() {
    let aws = LocalAws::start_quick(Permissions::Enforced);
    let estate = TwoRegions::build(&aws).await;
    for nightshift in [&estate.in_east, &estate.in_west] {
        allow_local_differences(nightshift);
    }
    let digest = estate.push("1.4.2");
    let question = estate.in_east.question(&digest).await;
    assert_eq!(estate.in_east.answer(&question, "approve").status, 200);
    estate.in_west.told("multi-region/app", "done").await;
    let look = async || match &estate.in_east.release("multi-region/app", "1.4.2")["state"] {
        state if state == "done" => Ok(()),
        state => Err(state.to_string()),
    };
    wait_until("the first region knows it", SOON, look).await;
    for nightshift in [&estate.in_east, &estate.in_west] {
        assert_eq!(errors(nightshift), Vec::<Value>::new());
    }
}

#[tokio::test]
async fn they_are_enough_for_groups_restarts_and_front_ends_too() {
    let aws = LocalAws::start_quick(Permissions::Enforced);
    let town = Town::build_in(&aws, Mode::Act, &["stateless", "pizza"], |fleet, outputs| match outputs.get("SiteBucket") {
        Some(bucket) => fleet.with("bucket: pizza-site", &format!("bucket: {bucket}")).with("E00000000PIZZA", &outputs["DistributionId"]),
        None => fleet,
    })
    .await;
    allow_local_differences(&town.nightshift);
    town.region.push("stateless-app", "3.0.0");
    town.region.upload(&town.outputs["pizza"]["SiteBucket"], "index.html", "hello");
    town.region.set_secret(&town.outputs["pizza"]["SecretArn"], r#"{"OPENAI_API_KEY":"two","NODE_ENV":"production"}"#);
    town.nightshift.told("stateless/web", "done").await;
    town.nightshift.told("pizza/site", "completed").await;
    town.nightshift.told("pizza/api", "done").await;
    assert_eq!(errors(&town.nightshift), Vec::<Value>::new());
}
