//! What wakes releases: pushes and scans of images, roll-outs of services and groups, rotated secrets, uploads, other
//! regions' reports, people's commands, and CodePipeline's questions. Only what the sender claims; deciders re-read.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::release::Report;

/// An image was pushed, or its scan came to an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSignal {
    /// What happened.
    pub what: ImageEvent,
    /// The registry's account.
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The repository's name.
    pub repository: String,
    /// The image's digest; absent from some Inspector events.
    pub digest: Option<String>,
    /// The tag; absent for parts of multi-architecture images and attestations.
    pub tag: Option<String>,
    /// When; none if it was not told or cannot be read.
    pub at: Option<Timestamp>,
}

/// What happened to an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageEvent {
    /// It was pushed.
    Pushed,
    /// A scan of it ended, well or not.
    Scanned,
}

/// A deployment of an ECS service moved on, or the service told something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceSignal {
    /// The region.
    pub region: Option<String>,
    /// The cluster's name, from the service's ARN; old ARNs do not have it.
    pub cluster: Option<String>,
    /// The service's name.
    pub service: String,
    /// ECS's word: SERVICE_DEPLOYMENT_COMPLETED, SERVICE_STEADY_STATE, …
    pub event_name: String,
    /// The deployment, where it is told.
    pub deployment: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
}

/// An instance refresh moved on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshSignal {
    /// The region.
    pub region: Option<String>,
    /// The group's name.
    pub group: String,
    /// The refresh.
    pub refresh: Option<String>,
    /// What happened, from the event's detail-type in snake case: started, checkpoint_reached, succeeded, failed, cancelled,
    /// rollback_started, …
    pub event_name: String,
    /// When.
    pub at: Option<Timestamp>,
}

/// A secret has a new current value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretSignal {
    /// The region.
    pub region: Option<String>,
    /// Its ARN, or its name.
    pub secret: String,
    /// The version that is current now; CloudTrail's events do not tell it.
    #[serde(default)]
    pub version: Option<String>,
    /// When it became current, as far as the sender tells.
    pub at: Option<Timestamp>,
}

/// A file of a bucket was written or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectSignal {
    /// The region.
    pub region: Option<String>,
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// When.
    pub at: Option<Timestamp>,
}

/// What a person asks of a release, through the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseCommand {
    /// The system.
    pub system: String,
    /// The service.
    pub service: String,
    /// Who asks.
    pub by: String,
    /// When it was asked; none if the sender did not say.
    pub at: Option<Timestamp>,
    /// What.
    pub verb: ReleaseVerb,
}

/// The things that a person may ask of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verb")]
pub enum ReleaseVerb {
    /// A release of this image: a tag, a digest, or a whole address.
    Deploy {
        /// Which image.
        image: String,
        /// Whether a task definition changed by hand is taken over.
        accepts_drift: bool,
        /// Whether the other regions are left out.
        only_here: bool,
    },
    /// The end of a release: what is under way goes back.
    Abort {
        /// Which; none: the one in hand.
        release: Option<String>,
        /// Why.
        why: String,
    },
    /// The way back of a release, done or not: everything that it changed.
    Rollback {
        /// Which; none: the one in hand, or the last.
        release: Option<String>,
        /// Why.
        why: String,
    },
    /// An answer was given; the release is to be looked at.
    Answered,
}

/// A front end's upload may be complete: our own one-time schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrontEndSignal {
    /// The system.
    pub system: String,
    /// The front end.
    pub front_end: String,
    /// When it was due.
    pub due: Option<Timestamp>,
}

/// CodePipeline asks people (the body that its manual approval action sends over SNS). Whoever has the token can answer,
/// so `Debug` masks it; what is serialized has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineSignal {
    /// The region.
    pub region: Option<String>,
    /// The pipeline's name.
    pub pipeline: String,
    /// The stage's name.
    pub stage: String,
    /// The action's name.
    pub action: String,
    /// What PutApprovalResult wants to see; for nobody's eyes.
    pub token: String,
    /// When the question ends.
    pub expires: Option<Timestamp>,
    /// What the pipeline's author wrote about it.
    pub custom_data: Option<String>,
    /// Where what is asked about can be looked at.
    pub external_link: Option<String>,
}

impl fmt::Debug for PipelineSignal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PipelineSignal")
            .field("region", &self.region)
            .field("pipeline", &self.pipeline)
            .field("stage", &self.stage)
            .field("action", &self.action)
            .field("token", &"***")
            .field("expires", &self.expires)
            .field("custom_data", &self.custom_data)
            .field("external_link", &self.external_link)
            .finish()
    }
}

/// Another region's report.
pub type ReportSignal = Box<Report>;

impl ReleaseCommand {
    /// The input that parses back to this command.
    pub fn to_input(&self) -> serde_json::Value {
        let mut input = serde_json::json!({
            "nightshift": "release",
            "system": self.system,
            "service": self.service,
            "by": self.by,
            "at": self.at.map(|at| at.to_string()),
        });
        if let (Some(input), Ok(serde_json::Value::Object(verb))) = (input.as_object_mut(), serde_json::to_value(&self.verb)) {
            input.extend(verb);
        }
        input
    }
}

impl SecretSignal {
    /// The input that parses back to this signal, for whoever does not wait for Secrets Manager's own events.
    pub fn to_input(&self) -> serde_json::Value {
        serde_json::json!({
            "nightshift": "rotated",
            "region": self.region,
            "secret": self.secret,
            "version": self.version,
            "at": self.at.map(|at| at.to_string()),
        })
    }
}

impl FrontEndSignal {
    /// The schedule input that parses back to this signal.
    pub fn to_input(&self) -> serde_json::Value {
        serde_json::json!({
            "nightshift": "front_end",
            "system": self.system,
            "front_end": self.front_end,
            "due": self.due.map(|due| due.to_string()),
        })
    }
}

/// The EventBridge event (source and detail-type are the caller's) that parses back to a report.
pub fn report_detail(report: &Report) -> serde_json::Value {
    serde_json::json!({ "nightshift": "report", "report": report })
}
