//! The top of the fleet file: the system, who is told, and its services.
//!
//! Field documentation here becomes the JSON schema's, so it speaks to the person who writes the file.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::approval::Pipeline;
use super::calendar::CalendarEntry;
use super::deploy::{Deploy, DeployTarget, RotatedSecrets};
use super::front_end::FrontEnd;
use super::limits::{Cooldown, Limits};
use super::names::{FrontEndName, PathName, ServiceName, StageName, SystemName};
use super::path::Path;
use super::rule::Rule;
use super::runs_on::{LoadBalancer, RunsOn};
use super::secret::{ManagedSecret, SecretName};
use super::units::{Bounds, TaskCount};

/// One system: its services and how Nightshift runs them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Fleet {
    /// The version of this format: 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 1)))]
    pub version: u32,
    /// The system's name; lower-case letters, digits and hyphens.
    pub system: SystemName,
    /// The AWS regions in which the services of this file run.
    pub regions: Vec<String>,
    /// Who is told, and how.
    #[serde(default)]
    pub notices: Notices,
    /// The services by name.
    pub services: BTreeMap<ServiceName, Service>,
    /// Deploy paths by name; a service names the one that it takes.
    #[serde(default)]
    pub paths: BTreeMap<PathName, Path>,
    /// Front ends by name: files in a bucket behind CloudFront.
    #[serde(default)]
    pub front_ends: BTreeMap<FrontEndName, FrontEnd>,
    /// CodePipeline pipelines, by their own names, whose manual approvals are answered on Nightshift's page.
    #[serde(default)]
    pub pipelines: BTreeMap<String, Pipeline>,
    /// Secrets of this system by their names in Secrets Manager: rotated, or watched.
    #[serde(default)]
    pub secrets: BTreeMap<SecretName, ManagedSecret>,
}

/// Who is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Notices {
    /// ARN of the SNS topic for people; without it, the stack's own topic.
    #[serde(default)]
    pub topic: Option<String>,
    /// ARN of an SNS topic that Amazon Q Developer in chat applications (AWS Chatbot) reads; gets its custom-notification form.
    #[serde(default)]
    pub chat_topic: Option<String>,
}

/// One service and everything that people decided about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// What the service runs on.
    pub runs_on: RunsOn,
    /// The least and the most tasks (on `ecs`) or instances (on `asg` alone).
    pub bounds: Bounds,
    /// The load balancer in front; needed by `request_count_per_target`, `response_time` and `http_5xx`.
    #[serde(default)]
    pub load_balancer: Option<LoadBalancer>,
    /// When to add and when to remove.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// How long to wait between actions.
    #[serde(default)]
    pub cooldown: Cooldown,
    /// Bounds that change with the clock (scheduled scaling).
    #[serde(default)]
    pub calendar: Vec<CalendarEntry>,
    /// How much may happen.
    #[serde(default)]
    pub limits: Limits,
    /// How a pushed image becomes a release; without it no push concerns the service.
    #[serde(default)]
    pub deploy: Option<Deploy>,
    /// What happens when a secret that its tasks read is rotated.
    #[serde(default)]
    pub rotated_secrets: RotatedSecrets,
}

impl Service {
    /// The smallest count that is ever allowed, by bounds or calendar.
    pub fn least_ever(&self) -> TaskCount {
        self.calendar.iter().map(|entry| entry.bounds.min()).fold(self.bounds.min(), TaskCount::min)
    }

    /// What a release changes in a stage: the target that is written for it, else what the service runs on.
    pub fn deploy_target(&self, stage: &StageName) -> DeployTarget {
        let written = self.deploy.as_ref().and_then(|deploy| deploy.targets.get(stage));
        written.cloned().unwrap_or_else(|| self.own_target())
    }

    /// Everything that releases of it change: what it runs on, and what is written for stages.
    pub fn all_targets(&self) -> BTreeSet<DeployTarget> {
        let staged = self.deploy.iter().flat_map(|deploy| deploy.targets.values().cloned());
        staged.chain([self.own_target()]).collect()
    }

    /// What a release changes where no stage says otherwise: what the service runs on.
    pub fn own_target(&self) -> DeployTarget {
        DeployTarget::from(&self.runs_on)
    }
}
