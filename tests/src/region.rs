//! One region of the local AWS as a release sees it: images, services and their revisions, groups and their templates.
//!
//! Knows the requests by which a test says how the next scan or roll-out ends; see `local_releases`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::deploy::between;
use crate::http::Http;
use crate::local_aws::LocalAws;

const ECR: &str = "AmazonEC2ContainerRegistry_V20150921";
const ECS: &str = "AmazonEC2ContainerServiceV20141113";

/// How a roll-out ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Well.
    Succeed,
    /// Not, until another fate is given.
    Hang,
    /// It is taken back by ECS or Auto Scaling.
    RollBack,
    /// It is given up as it is.
    Fail,
}

impl Fate {
    fn word(self) -> &'static str {
        match self {
            Self::Succeed => "succeed",
            Self::Hang => "hang",
            Self::RollBack => "roll_back",
            Self::Fail => "fail",
        }
    }
}

/// One region.
#[derive(Clone, Debug)]
pub struct Region {
    /// Its code.
    pub name: String,
    pub(crate) http: Http,
}

/// An instance refresh.
#[derive(Clone, Debug, PartialEq)]
pub struct Refresh {
    /// Auto Scaling's word.
    pub status: String,
    /// The version of the launch template that it was to bring.
    pub version: String,
    /// Its preferences by name.
    pub preferences: BTreeMap<String, String>,
}

impl LocalAws {
    /// One of its regions.
    pub fn region(&self, name: &str) -> Region {
        Region { name: name.to_owned(), http: self.http().in_region(name) }
    }
}

impl Region {
    fn ecs(&self, operation: &str, body: &Value) -> Value {
        self.http.json("ecs", &format!("{ECS}.{operation}"), body).expect_done(operation).json()
    }

    fn ecr(&self, operation: &str, body: &Value) -> Value {
        self.http.json("ecr", &format!("{ECR}.{operation}"), body).expect_done(operation).json()
    }

    fn autoscaling(&self, operation: &str, group: &str) -> String {
        let name = if operation == "DescribeAutoScalingGroups" { "AutoScalingGroupNames.member.1" } else { "AutoScalingGroupName" };
        self.http.query("autoscaling", &[("Action", operation), (name, group)]).expect_done(operation).body
    }

    /// Pushes an image. The same repository and tag are the same image everywhere, and so have the same digest, which is answered.
    pub fn push(&self, repository: &str, tag: &str) -> String {
        let manifest = json!({ "schemaVersion": 2, "image": format!("{repository}:{tag}") }).to_string();
        let body = json!({ "repositoryName": repository, "imageTag": tag, "imageManifest": manifest });
        let answer = self.ecr("PutImage", &body);
        answer["image"]["imageId"]["imageDigest"].as_str().expect("an image has a digest").to_owned()
    }

    /// From now on nobody is told of pushes to a repository, and they are this old.
    pub fn lose_pushes(&self, repository: &str, seconds_ago: u32) {
        self.ecr("LosePushes", &json!({ "repositoryName": repository, "secondsAgo": seconds_ago }));
    }

    /// What the image's scan has found, such as `{"CRITICAL": 1}`. Said within a second of the push, it is the only result.
    pub fn found_in_scan(&self, repository: &str, digest: &str, counts: &Value) {
        let severities = counts.as_object().into_iter().flatten();
        let one = |severity: &str, number: u64| json!({ "name": format!("CVE-2026-{severity}{number}"), "severity": severity });
        let findings: Vec<Value> =
            severities.flat_map(|(severity, count)| (0..count.as_u64().unwrap_or(0)).map(|number| one(severity, number))).collect();
        let result = json!({ "findingSeverityCounts": counts, "findings": findings });
        let body = json!({ "repositoryName": repository, "imageDigest": digest, "imageScanFindings": result, "status": "COMPLETE" });
        self.ecr("PutImageScanFindings", &body);
    }

    /// How the next roll-out of an ECS service ends.
    pub fn fate(&self, cluster: &str, service: &str, fate: Fate) {
        self.ecs("SetRolloutFate", &json!({ "cluster": cluster, "service": service, "fate": fate.word() }));
    }

    /// How the next instance refresh of a group ends.
    pub fn fate_of_group(&self, group: &str, fate: Fate) {
        self.ecs("SetRolloutFate", &json!({ "group": group, "fate": fate.word() }));
    }

    /// An ECS service as it is.
    pub fn service(&self, cluster: &str, service: &str) -> Value {
        let found = self.ecs("DescribeServices", &json!({ "cluster": cluster, "services": [service] }));
        let found = found["services"][0].clone();
        assert!(found.is_object(), "{cluster}/{service} does not exist in {}", self.name);
        found
    }

    /// The ARN of the task definition that a service runs.
    pub fn revision(&self, cluster: &str, service: &str) -> String {
        self.service(cluster, service)["taskDefinition"].as_str().unwrap_or_default().to_owned()
    }

    /// A task definition with its tags.
    pub fn definition(&self, revision: &str) -> Value {
        let found = self.ecs("DescribeTaskDefinition", &json!({ "taskDefinition": revision, "include": ["TAGS"] }));
        json!({ "taskDefinition": found["taskDefinition"], "tags": found["tags"] })
    }

    /// The image of a container in the task definition that a service runs.
    pub fn image(&self, cluster: &str, service: &str, container: &str) -> String {
        let definition = self.definition(&self.revision(cluster, service));
        let containers = definition["taskDefinition"]["containerDefinitions"].as_array().cloned().unwrap_or_default();
        let found = containers.iter().find(|found| found["name"] == container);
        found.and_then(|found| found["image"].as_str()).unwrap_or_else(|| panic!("no container {container}: {definition}")).to_owned()
    }

    /// The ARNs of a family's active revisions, the oldest first.
    pub fn revisions(&self, family: &str) -> Vec<String> {
        let found = self.ecs("ListTaskDefinitions", &json!({ "familyPrefix": family, "status": "ACTIVE" }));
        let arns = found["taskDefinitionArns"].as_array().cloned().unwrap_or_default();
        let is_of_family = |arn: &&str| arn.rsplit('/').next().and_then(|name| name.split(':').next()) == Some(family);
        arns.iter().filter_map(Value::as_str).filter(is_of_family).map(str::to_owned).collect()
    }

    /// Registers a task definition.
    pub fn register(&self, body: &Value) -> String {
        let made = self.ecs("RegisterTaskDefinition", body);
        made["taskDefinition"]["taskDefinitionArn"].as_str().expect("a task definition has an ARN").to_owned()
    }

    /// Has a service run a task definition, as a person would.
    pub fn set_revision(&self, cluster: &str, service: &str, revision: &str) {
        self.ecs("UpdateService", &json!({ "cluster": cluster, "service": service, "taskDefinition": revision }));
    }

    /// The deployments that a service has had, the newest first.
    pub fn deployments(&self, cluster: &str, service: &str) -> Vec<Value> {
        let found = self.ecs("ListServiceDeployments", &json!({ "cluster": cluster, "service": service }));
        found["serviceDeployments"].as_array().cloned().unwrap_or_default()
    }

    /// The instance refreshes that a group has had, the newest first.
    pub fn refreshes(&self, group: &str) -> Vec<Refresh> {
        let body = self.autoscaling("DescribeInstanceRefreshes", group);
        let one = |text: &str| {
            let field = |name: &str| between(text, &format!("<{name}>"), &format!("</{name}>")).next().unwrap_or_default().to_owned();
            let preferences = field("Preferences");
            let preferences = preferences.split("</").filter_map(|part| part.rsplit_once('<')).filter_map(|(_, part)| part.split_once('>'));
            Refresh {
                status: field("Status"),
                version: field("Version"),
                preferences: preferences.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            }
        };
        between(&body, "<member>", "</member>").map(one).collect()
    }

    /// Id and version of the launch template that a group's new instances get.
    pub fn template(&self, group: &str) -> (String, String) {
        let body = self.autoscaling("DescribeAutoScalingGroups", group);
        let text = between(&body, "<LaunchTemplate>", "</LaunchTemplate>").next().unwrap_or_else(|| panic!("no launch template: {body}"));
        let field = |name: &str| between(text, &format!("<{name}>"), &format!("</{name}>")).next().unwrap_or_default().to_owned();
        (field("LaunchTemplateId"), field("Version"))
    }

    /// The user data of each version of a launch template, by version.
    pub fn user_data(&self, template: &str) -> BTreeMap<u32, String> {
        let fields = [("Action", "DescribeLaunchTemplateVersions"), ("LaunchTemplateId", template)];
        let body = self.http.query("ec2", &fields).expect_done("DescribeLaunchTemplateVersions").body;
        let numbers = between(&body, "<versionNumber>", "</versionNumber>").map(|number| number.parse().expect("a version is a number"));
        let texts = between(&body, "<userData>", "</userData>").map(|text| {
            let bytes = aws_smithy_types::base64::decode(text).expect("user data is base64");
            String::from_utf8(bytes).expect("user data is text")
        });
        numbers.zip(texts).collect()
    }

    /// A new value of a secret.
    pub fn set_secret(&self, secret: &str, value: &str) {
        let body = json!({ "SecretId": secret, "SecretString": value });
        self.http.json("secretsmanager", "secretsmanager.PutSecretValue", &body).expect_done("PutSecretValue");
    }

    /// Uploads a file.
    pub fn upload(&self, bucket: &str, key: &str, text: &str) {
        self.http.put("s3", &format!("/{bucket}/{}", key.replace(' ', "%20")), text).expect_done("PutObject");
    }

    /// The paths of each invalidation of a distribution, in CloudFront's own order.
    pub fn invalidations(&self, distribution: &str) -> Vec<Vec<String>> {
        let base = format!("/2020-05-31/distribution/{distribution}/invalidation");
        let list = self.http.get("cloudfront", &base).expect_done("ListInvalidations").body;
        let paths = |id: &str| {
            let body = self.http.get("cloudfront", &format!("{base}/{id}")).expect_done("GetInvalidation").body;
            between(&body, "<Path>", "</Path>").map(str::to_owned).collect()
        };
        between(&list, "<Id>", "</Id>").map(paths).collect()
    }
}
