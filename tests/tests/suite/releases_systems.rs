//! The paths of the other systems: a service on Fargate, one on instances under ECS, groups of instances, a front end.

use std::collections::BTreeMap;

use nightshift_tests::{Fate, FleetFile, LocalAws, Mode, Permissions, wait_until};
use serde_json::json;

use crate::releases_world::{SOON, Town, errors, pinned};

/// The fleet file of pizza with the names that its stack has generated.
fn with_site(fleet: FleetFile, outputs: &BTreeMap<String, String>) -> FleetFile {
    fleet.with("bucket: pizza-site", &format!("bucket: {}", outputs["SiteBucket"])).with("E00000000PIZZA", &outputs["DistributionId"])
}

#[tokio::test]
async fn pizza_a_push_is_enough_and_a_failed_one_goes_back_to_the_last_that_was_proven() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let town = Town::build(&aws, &["pizza"]).await;
    let digest = town.region.push("pizza-api", "v2.5.0");
    town.nightshift.told("pizza/api", "done").await;
    let proven = town.region.revision("pizza", "pizza-api");
    assert_eq!(town.region.image("pizza", "pizza-api", "api"), pinned(&town.region, "pizza-api", &digest));
    assert_eq!(town.region.service("pizza", "pizza-api")["desiredCount"], 2);

    // ECS gives it up as it is: Nightshift takes it back to what was proven.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    town.region.fate("pizza", "pizza-api", Fate::Fail);
    town.region.push("pizza-api", "v2.6.0");
    let told = town.nightshift.told("pizza/api", "rolling_back").await;
    assert_eq!(told.field("severity"), "critical");
    town.nightshift.told("pizza/api", "rolled_back").await;
    assert_eq!(town.region.revision("pizza", "pizza-api"), proven);
    assert_eq!(town.region.revisions("pizza-api").len(), 3, "the failed one is there to be looked at");
    assert_eq!(errors(&town.nightshift), Vec::<serde_json::Value>::new());
    let mails = aws.mails();
    assert!(mails.iter().any(|(subject, _)| subject.starts_with("pizza/api: v2.6.0") && subject.contains("rolled back")), "{mails:?}");
}

#[tokio::test]
async fn pizza_an_uploaded_front_end_is_one_invalidation() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let town = Town::build_in(&aws, Mode::Act, &["pizza"], with_site).await;
    let (bucket, distribution) = (&town.outputs["pizza"]["SiteBucket"], &town.outputs["pizza"]["DistributionId"]);
    for key in ["main.5d41402abc4b2a76.js", "styles.7d793037a0760186.css", "assets/logo.svg", "menu of the day.html", "index.html"] {
        town.region.upload(bucket, key, key);
    }
    town.nightshift.told("pizza/site", "completed").await;
    let made = town.region.invalidations(distribution);
    assert_eq!(made.len(), 1, "{made:?}");
    let mut paths = made[0].clone();
    paths.sort();
    assert_eq!(paths, ["/", "/assets/logo.svg", "/index.html", "/menu%20of%20the%20day.html"], "hashed names never go stale");
    assert_eq!(errors(&town.nightshift), Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn stateless_a_push_replaces_the_instances_of_the_group() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let town = Town::build(&aws, &["stateless"]).await;
    let (template, version) = town.region.template("stateless-web");
    assert_eq!(version, "1");
    let first = town.region.user_data(&template)[&1].clone();
    let digest = town.region.push("stateless-app", "3.0.0");
    town.nightshift.told("stateless/web", "done").await;
    assert_eq!(town.region.template("stateless-web"), (template.clone(), "2".to_owned()), "what starts later is the new one, too");
    let second = town.region.user_data(&template)[&2].clone();
    let image = pinned(&town.region, "stateless-app", &digest);
    assert!(second.contains(&format!("image={image}\n")), "{second}");
    let others = |text: &str| text.lines().filter(|line| !line.starts_with("image=")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(others(&first), others(&second));
    let refreshes = town.region.refreshes("stateless-web");
    assert_eq!(refreshes.len(), 1, "{refreshes:?}");
    assert_eq!((refreshes[0].status.as_str(), refreshes[0].version.as_str()), ("Successful", "2"));
    assert_eq!(aws.capacity("stateless-web").await, 2);

    // The next one fails; Auto Scaling takes it back, and the group starts what was proven.
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    town.region.fate_of_group("stateless-web", Fate::RollBack);
    town.region.push("stateless-app", "3.1.0");
    town.nightshift.told("stateless/web", "rolled_back").await;
    assert_eq!(town.region.template("stateless-web"), (template, "2".to_owned()));
    assert_eq!(errors(&town.nightshift), Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn ecommerce_services_are_released_each_on_its_own() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let town = Town::build(&aws, &["ecommerce"]).await;
    let services = ["order", "payment"];
    let digests = services.map(|service| town.region.push(&format!("ecommerce/{service}"), "5.1.0"));
    for (service, digest) in services.iter().zip(&digests) {
        town.nightshift.told(&format!("ecommerce/{service}"), "done").await;
        let group = format!("ecommerce-{service}");
        let refreshes = town.region.refreshes(&group);
        assert_eq!(refreshes.len(), 1, "{service}: {refreshes:?}");
        let preference = |name: &str| refreshes[0].preferences.get(name).map(String::as_str);
        assert_eq!(preference("MinHealthyPercentage"), Some("100"), "{refreshes:?}");
        assert_eq!(preference("MaxHealthyPercentage"), Some("150"), "{refreshes:?}");
        let (template, version) = town.region.template(&group);
        assert_eq!(version, "2");
        let image = pinned(&town.region, &format!("ecommerce/{service}"), digest);
        assert!(town.region.user_data(&template)[&2].contains(&image), "{service}");
    }
    for service in ["user", "product", "notification", "gateway", "frontend"] {
        assert!(town.region.refreshes(&format!("ecommerce-{service}")).is_empty(), "{service} was not pushed");
    }
    assert_eq!(errors(&town.nightshift), Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn ecs_postgres_only_what_its_scan_lets_pass_is_released() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let town = Town::build(&aws, &["ecs-postgres"]).await;
    let repository = "ecs-postgres/api";
    let bad = town.region.push(repository, "1.0.0");
    town.region.found_in_scan(repository, &bad, &json!({ "CRITICAL": 1, "LOW": 4 }));
    let told = town.nightshift.told("ecs-postgres/api", "refused").await;
    assert!(told.field("text").contains("CVE-2026-CRITICAL0"), "{}", told.field("text"));
    assert_eq!(town.region.revisions("ecs-postgres-api").len(), 1, "nothing is registered of what was refused");
    assert!(town.region.deployments("ecs-postgres", "api").is_empty());

    // A tag that is no version does not count; the next version does, and its scan is clean enough.
    town.region.push(repository, "nightly");
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let good = town.region.push(repository, "1.0.1");
    town.region.found_in_scan(repository, &good, &json!({ "HIGH": 5 }));
    town.nightshift.told("ecs-postgres/api", "done").await;
    assert_eq!(town.region.image("ecs-postgres", "api", "api"), pinned(&town.region, repository, &good));
    assert_eq!(town.nightshift.count_releases("ecs-postgres/api"), 2, "no release of the tag nightly");
    let look = async || match town.nightshift.deploy_log_lines().iter().any(|line| line.contains("tag_does_not_count")) {
        true => Ok(()),
        false => Err("not in the log".to_owned()),
    };
    wait_until("the reason is told", SOON, look).await;
    assert_eq!(errors(&town.nightshift), Vec::<serde_json::Value>::new());
}
