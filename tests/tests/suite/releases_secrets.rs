//! Rotated secrets: whoever reads one is started anew, once for several rotations, and nobody else.

use nightshift_tests::{LocalAws, Permissions};

use crate::releases_world::{Town, errors};

#[tokio::test]
async fn two_rotations_are_one_restart_of_exactly_the_readers() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let town = Town::build(&aws, &["pizza", "ecs-postgres"]).await;
    let revision = town.region.revision("pizza", "pizza-api");
    assert!(town.region.deployments("pizza", "pizza-api").is_empty());
    town.region.set_secret(&town.outputs["pizza"]["SecretArn"], r#"{"OPENAI_API_KEY":"two","NODE_ENV":"production"}"#);
    town.region.set_secret(&town.outputs["pizza"]["SecretArn"], r#"{"OPENAI_API_KEY":"three","NODE_ENV":"production"}"#);
    town.nightshift.told("pizza/api", "done").await;
    assert_eq!(town.region.revision("pizza", "pizza-api"), revision, "the same revision");
    assert_eq!(town.region.revisions("pizza-api").len(), 1);
    let deployments = town.region.deployments("pizza", "pizza-api");
    assert_eq!(deployments.len(), 1, "one new deployment: {deployments:?}");
    assert_eq!(deployments[0]["status"], "SUCCESSFUL");
    assert!(town.region.deployments("ecs-postgres", "api").is_empty(), "ecs-postgres reads other secrets");
    assert_eq!(errors(&town.nightshift), Vec::<serde_json::Value>::new());
    let told: Vec<String> = town.nightshift.notices().iter().map(|notice| notice.body.to_string()).collect();
    assert!(!told.iter().any(|text| text.contains("three")), "no secret is told");
}

/// Instances read secrets as they boot. Who reads which stands in the fleet file.
#[tokio::test]
async fn instances_are_replaced_with_their_like_where_they_read_the_secret() {
    let aws = LocalAws::start_quick(Permissions::Open);
    let town = Town::build(&aws, &["ecommerce"]).await;
    let template = town.region.template("ecommerce-user");
    town.region.set_secret("ecommerce/user/database", r#"{"username":"ecommerce","password":"another-one"}"#);
    town.nightshift.told("ecommerce/user", "done").await;
    let refreshes = town.region.refreshes("ecommerce-user");
    assert_eq!(refreshes.len(), 1, "one version is one restart: {refreshes:?}");
    let preference = |name: &str| refreshes[0].preferences.get(name).map(String::as_str);
    assert_eq!((refreshes[0].status.as_str(), refreshes[0].version.as_str()), ("Successful", template.1.as_str()), "{refreshes:?}");
    assert_eq!((preference("SkipMatching"), preference("AutoRollback")), (Some("false"), Some("false")), "{refreshes:?}");
    assert_eq!((preference("MinHealthyPercentage"), preference("MaxHealthyPercentage")), (Some("100"), Some("150")), "{refreshes:?}");
    assert_eq!(town.region.template("ecommerce-user"), template, "the group is set to what it was");
    for service in ["product", "order", "payment", "notification", "gateway", "frontend"] {
        assert!(town.region.refreshes(&format!("ecommerce-{service}")).is_empty(), "{service} reads other secrets");
    }
    assert_eq!(errors(&town.nightshift), Vec::<serde_json::Value>::new());
    let told: Vec<String> = town.nightshift.notices().iter().map(|notice| notice.body.to_string()).collect();
    assert!(!told.iter().any(|text| text.contains("another-one")), "no secret is told");
}
