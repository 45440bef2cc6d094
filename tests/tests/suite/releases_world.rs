//! Where releases are tried: systems of this checkout with Nightshift in one region or two, and what a revision must keep.

use std::collections::BTreeMap;
use std::time::Duration;

use nightshift_tests::{Deployment, FleetFile, LocalAws, Mode, Nightshift, Region, wait_until};
use serde_json::{Value, json};

pub const EAST: &str = "us-east-1";
pub const WEST: &str = "us-west-2";
/// Roll-outs, scans and schedules take a second or two each; a machine that is busy with other tests takes longer.
pub const SOON: Duration = Duration::from_secs(40);

/// The system multi-region in both regions, with Nightshift in both.
pub struct TwoRegions<'a> {
    pub aws: &'a LocalAws,
    pub east: Region,
    pub west: Region,
    pub in_east: Nightshift<'a>,
    pub in_west: Nightshift<'a>,
}

impl<'a> TwoRegions<'a> {
    pub async fn build(aws: &'a LocalAws) -> Self {
        for region in [EAST, WEST] {
            aws.deploy_system_in(region, "multi-region");
        }
        let deployment = Deployment::of([FleetFile::of_system("multi-region").with_short_waits()]);
        let in_east = aws.deploy_in(EAST, &deployment).await;
        let in_west = aws.deploy_in(WEST, &deployment).await;
        Self { aws, east: aws.region(EAST), west: aws.region(WEST), in_east, in_west }
    }

    /// Pushes to the west first: what is replicated is there before anybody wants it.
    pub fn push(&self, tag: &str) -> String {
        let there = self.west.push("multi-region/app", tag);
        let here = self.east.push("multi-region/app", tag);
        assert_eq!(here, there, "the same image");
        here
    }

    /// Staging, production in the east, production in the west.
    pub fn targets(&self) -> [(&Region, &'static str, &'static str); 3] {
        let staging = (&self.east, "multi-region-staging", "multi-region-app-staging");
        [staging, (&self.east, "multi-region", "multi-region-app"), (&self.west, "multi-region", "multi-region-app")]
    }
}

/// One region with systems of this checkout, and Nightshift.
pub struct Town<'a> {
    pub region: Region,
    pub nightshift: Nightshift<'a>,
    pub outputs: BTreeMap<String, BTreeMap<String, String>>,
}

impl<'a> Town<'a> {
    pub async fn build(aws: &'a LocalAws, systems: &[&str]) -> Self {
        Self::build_in(aws, Mode::Act, systems, |fleet, _| fleet).await
    }

    /// In a mode, with fleet files that the test has bent.
    pub async fn build_in(
        aws: &'a LocalAws,
        mode: Mode,
        systems: &[&str],
        bend: impl Fn(FleetFile, &BTreeMap<String, String>) -> FleetFile,
    ) -> Self {
        let name = if systems == ["ecommerce"] { "ap-southeast-1" } else { EAST };
        let outputs: BTreeMap<String, _> =
            systems.iter().map(|system| ((*system).to_owned(), aws.deploy_system_in(name, system))).collect();
        let fleets = systems.iter().map(|system| bend(FleetFile::of_system(system).with_short_waits(), &outputs[*system]));
        let nightshift = aws.deploy_in(name, &Deployment::of(fleets).in_mode(mode)).await;
        Self { region: aws.region(name), nightshift, outputs }
    }
}

/// The ECR address of an image that is pinned to its digest.
pub fn pinned(region: &Region, repository: &str, digest: &str) -> String {
    format!("000000000000.dkr.ecr.{}.amazonaws.com/{repository}@{digest}", region.name)
}

/// Has a service run a revision that a person has added a sidecar and a tag to.
pub async fn add_sidecar(region: &Region, cluster: &str, service: &str) {
    let seen = region.definition(&region.revision(cluster, service));
    let mut body = seen["taskDefinition"].clone();
    let fields = body.as_object_mut().expect("a task definition is an object");
    let answered =
        ["taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt", "registeredBy", "tags"];
    fields.retain(|name, value| !answered.contains(&name.as_str()) && *value != "");
    let sidecar = json!({ "name": "log-router", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable", "essential": false,
        "cpu": 32, "dockerLabels": { "Team": "web" }, "firelensConfiguration": { "type": "fluentbit" } });
    fields["containerDefinitions"].as_array_mut().expect("containers are a list").push(sidecar);
    fields.insert("tags".into(), json!([{ "key": "team", "value": "web" }]));
    let made = region.register(&body);
    region.set_revision(cluster, service, &made);
    let look = async || match &region.deployments(cluster, service)[0]["status"] {
        Value::String(status) if status == "SUCCESSFUL" => Ok(()),
        other => Err(other.to_string()),
    };
    wait_until("the person's own deployment is over", SOON, look).await;
}

/// What two revisions may not differ in: everything but the one container's image, and what AWS itself fills in.
pub fn without_image(definition: &Value, container: &str) -> Value {
    let mut bare = definition.clone();
    let fields = bare["taskDefinition"].as_object_mut().expect("a task definition is an object");
    fields.retain(|name, _| {
        !["taskDefinitionArn", "revision", "registeredAt", "registeredBy", "requiresAttributes", "tags"].contains(&name.as_str())
    });
    for found in fields["containerDefinitions"].as_array_mut().into_iter().flatten() {
        let found = found.as_object_mut().expect("a container is an object");
        found.retain(|name, value| name != "cpu" || *value != 0);
        if found.get("name").is_some_and(|name| name == container) {
            found.remove("image");
        }
    }
    // The release's own tag says where a revision comes from.
    let tags = bare["tags"].as_array().cloned().unwrap_or_default();
    let tags: Vec<Value> = tags.into_iter().filter(|tag| tag["key"] != "nightshift:release").collect();
    bare["tags"] = json!(tags);
    bare
}

/// Every error that the `deploy` function wrote into its log.
pub fn errors(nightshift: &Nightshift<'_>) -> Vec<Value> {
    let lines = nightshift.deploy_log_lines();
    let summaries = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    summaries.flat_map(|line| line["errors"].as_array().cloned().unwrap_or_default()).collect()
}
