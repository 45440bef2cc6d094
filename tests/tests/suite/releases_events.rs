//! Events that come late, twice, at once, or never; and the rules that bring them.

use nightshift_tests::{LocalAws, Permissions, project, template, wait_until};
use serde_json::{Value, json};

use crate::releases_world::{SOON, Town, errors, pinned};

const API: &str = "pizza/api";

#[tokio::test]
async fn the_same_push_many_times_is_one_release() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let town = Town::build(&aws, &["pizza"]).await;
    let digest = town.region.push("pizza-api", "v1");
    let detail =
        json!({ "action-type": "PUSH", "result": "SUCCESS", "repository-name": "pizza-api", "image-digest": digest, "image-tag": "v1" });
    let event = json!({ "version": "0", "id": "again", "detail-type": "ECR Image Action", "source": "aws.ecr", "account": "000000000000",
        "time": jiff::Timestamp::now().to_string(), "region": "us-east-1", "resources": [], "detail": detail });
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| town.nightshift.ask_deploy(&event));
        }
    });
    town.nightshift.told(API, "done").await;
    let late = town.nightshift.ask_deploy(&event);
    assert_eq!(late["reason"], "not_newer", "{late}");
    assert_eq!(town.nightshift.count_releases(API), 1);
    assert_eq!(town.region.revisions("pizza-api").len(), 2);
    assert_eq!(town.region.deployments("pizza", "pizza-api").len(), 1);
    let begun = town.nightshift.subjects().into_iter().filter(|subject| subject.starts_with("detected")).count();
    assert_eq!(begun, 1, "told once");
}

#[tokio::test]
async fn a_push_whose_event_never_came_is_found_by_the_sweep() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let town = Town::build(&aws, &["pizza"]).await;
    town.region.lose_pushes("pizza-api", 900);
    town.region.push("pizza-api", "v1");
    town.nightshift.sweep();
    assert_eq!(town.nightshift.count_releases(API), 0, "what was there before us is no push");
    // A push of after the first look; the sweep leaves its event two minutes to come.
    town.region.lose_pushes("pizza-api", 110);
    let digest = town.region.push("pizza-api", "v2");
    assert_eq!(town.nightshift.sweep()["reason"], "quiet", "its event may still come");
    let found = async || {
        town.nightshift.sweep();
        match town.nightshift.count_releases(API) {
            1 => Ok(()),
            count => Err(format!("{count} releases")),
        }
    };
    wait_until("the sweep finds it", SOON, found).await;
    town.nightshift.told(API, "done").await;
    assert_eq!(town.region.image("pizza", "pizza-api", "api"), pinned(&town.region, "pizza-api", &digest));
    let shown = town.nightshift.run(&["release", "show", API]);
    assert!(shown.contains("the sweep"), "{shown}");
    assert_eq!(errors(&town.nightshift), Vec::<Value>::new());
}

/// Which rules of `deploy` take which of the samples, and no others do.
const TAKEN: &[(&str, &str)] = &[
    ("ecr-push", "ImagePush"),
    ("ecr-replication", "ImagePush"),
    ("foreign-ecr-push", "ImagePush"),
    ("ecr-scan-complete", "ImageScan"),
    ("inspector-scan", "ImageScan"),
    ("ecs-deployment-completed", "ServiceDeployment"),
    ("ecs-deployment-failed", "ServiceDeployment"),
    ("instance-refresh-failed", "InstanceRefresh"),
    ("instance-refresh-succeeded", "InstanceRefresh"),
    ("secret-label-updated", "SecretUpdated"),
    ("s3-object-created", "Upload"),
    ("region-report", "RegionReport"),
];

#[test]
fn each_rule_takes_its_own_events_and_nothing_else() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let read = template::read(&project::root().join("template.yaml"));
    let events = read["Resources"]["DeployFunction"]["Properties"]["Events"].as_object().expect("deploy is woken by events").clone();
    assert_eq!(events["Sweep"]["Properties"]["Input"], r#"{"nightshift":"calendar"}"#, "what the tests hand the function as the sweep");
    let rules: Vec<_> = events.iter().filter(|(_, event)| event["Type"] == "EventBridgeRule").collect();
    for (_, rule) in TAKEN {
        assert!(rules.iter().any(|(name, _)| name == rule), "there is no rule {rule}");
    }
    for entry in std::fs::read_dir(project::root().join("events")).expect("the samples are there") {
        let path = entry.expect("a folder can be read").path();
        // The steps of a rotation, which no rule sends.
        if path.is_dir() {
            continue;
        }
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let Ok(event) = serde_json::from_str::<Value>(&std::fs::read_to_string(&path).expect("samples are text")) else { continue };
        if event.get("detail-type").is_none() || event.get("detail").is_none() {
            continue;
        }
        for (rule, properties) in &rules {
            let question = json!({ "EventPattern": properties["Properties"]["Pattern"].to_string(), "Event": event.to_string() });
            let answer = aws.http().json("events", "AWSEvents.TestEventPattern", &question).expect_done("TestEventPattern").json();
            assert_eq!(answer["Result"], TAKEN.contains(&(name.as_str(), rule.as_str())), "{name} and the rule {rule}");
        }
    }
}
