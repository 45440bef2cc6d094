//! Notices of releases: what people are told over SNS, in ten seconds on a phone, and what machines are told in the same message.
//!
//! Rendered from a note and the release that it is about. One message carries text for people, JSON for queues and functions,
//! and attributes to filter on; chat topics get Amazon Q's custom-notification form instead.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::words::Progress;
use super::{EndKind, LegState, Note, Release};
use crate::fleet::{DeployTarget, EcsService};
use crate::ledger::ServiceKey;
use crate::notice::{Message, Severity, fitting};
use crate::outcome::Mode;

/// A note on its way to people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReleaseNotice<'a> {
    /// The service.
    pub key: &'a ServiceKey,
    /// Where it is told.
    pub region: &'a str,
    /// Whether Nightshift acts.
    pub mode: Mode,
    /// When it came about.
    pub at: Timestamp,
    /// What came about.
    pub note: &'a Note,
    /// The release, if the book still has it.
    pub release: Option<&'a Release>,
}

impl ReleaseNotice<'_> {
    /// The message for people and machines.
    pub fn message(&self) -> Message {
        let subject = self.subject();
        Message::for_everybody(&subject, &self.text(), &subject, &self.machine_body(), self.attributes())
    }

    /// The message for a topic that Amazon Q Developer in chat applications reads (its custom notification, version 1.0).
    pub fn chat_message(&self) -> Message {
        let body = json!({
            "version": "1.0",
            "source": "custom",
            "id": format!("{}/{}/{}", self.note.release, self.note.kind, self.region),
            "content": {
                "textType": "client-markdown",
                "title": self.subject(),
                "description": self.text(),
                "nextSteps": self.next_steps(),
                "keywords": ["nightshift", self.key.system.as_str(), self.key.service.as_str()],
            },
            "metadata": {
                // One thread a release: its whole way reads in one place.
                "threadId": format!("{}/{}", self.key, self.note.release),
                "summary": self.subject(),
                "eventType": self.note.kind,
                "relatedResources": [self.key.to_string()],
            },
        });
        Message { subject: self.subject(), body: body.to_string(), is_per_protocol: false, attributes: self.attributes() }
    }

    /// What happened, in the 100 ASCII characters that SNS allows for a subject.
    pub fn subject(&self) -> String {
        fitting(&format!("{}: {}", self.key, self.note.headline))
    }

    /// The text for a person.
    pub fn text(&self) -> String {
        let mut lines = vec![format!("{}: {}.", self.key, self.note.headline), self.note.text.clone()];
        if let Some(release) = self.release {
            lines.push(format!("Release: {}, started by {}.", release.id, release.started_by));
            if self.note.text != release.way() {
                lines.push(format!("Path: {}.", release.way()));
            }
            lines.push(format!("State: {}.", Progress::of(release).phrase(release)));
        }
        lines.extend(self.console_link().map(|link| format!("Console: {link}")));
        lines.extend(self.next_steps());
        lines.join("\n")
    }

    /// What the reader can do, as commands.
    fn next_steps(&self) -> Vec<String> {
        let (key, id) = (self.key, &self.note.release);
        let mut steps = match self.release {
            Some(_) => vec![format!("Show: nightshift release show {key} {id}")],
            None => vec![format!("Show: nightshift release list {key}")],
        };
        let has_changed = |release: &Release| release.legs.iter().any(|leg| leg.state.moved().is_some());
        match self.release.map(|release| (release, release.end.as_ref().map(|end| end.kind))) {
            Some((_, None)) => steps.push(format!("End it: nightshift release abort {key} {id} --why \"...\"")),
            Some((release, Some(EndKind::Done | EndKind::Failed))) if has_changed(release) && release.change.image().is_some() => {
                steps.push(format!("Undo it: nightshift release rollback {key} {id} --why \"...\""));
            }
            Some(_) | None => {}
        }
        steps.push(format!("Pause: nightshift pause {key} --for 2h --why \"...\""));
        if self.mode == Mode::Observe {
            steps.insert(0, "Mode: observe (deploy with Mode=act to let it act)".to_owned());
        }
        steps
    }

    fn machine_body(&self) -> Value {
        let image = self.release.and_then(|release| release.change.image());
        json!({
            "nightshift": 1,
            "kind": self.note.kind,
            "severity": self.note.severity,
            "system": self.key.system,
            "service": self.key.service,
            "region": self.region,
            "mode": self.mode,
            "at": self.at,
            "release": self.note.release,
            "image": image.map(super::Image::pinned),
            "tags": image.map(|image| &image.tags),
            "state": self.release.map(|release| Progress::of(release).code()),
            "headline": self.note.headline,
            "text": self.note.text,
            "console": self.console_link(),
        })
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let severity = match self.note.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        };
        vec![
            ("system", self.key.system.to_string()),
            ("service", self.key.service.to_string()),
            ("severity", severity.to_owned()),
            ("kind", format!("release_{}", self.note.kind)),
        ]
    }

    /// Where to look: this region's leg that is not as it was, or the last that changed.
    fn console_link(&self) -> Option<String> {
        let region = self.region;
        let here = |leg: &&super::Leg| leg.region == region && !matches!(leg.state, LegState::Waiting);
        let legs = || self.release.into_iter().flat_map(|release| release.legs.iter().filter(here));
        let leg = legs().find(|leg| leg.state.is_moving()).or_else(|| legs().last())?;
        Some(match &leg.target {
            DeployTarget::Tasks(EcsService { cluster, service }) => {
                format!("https://{region}.console.aws.amazon.com/ecs/v2/clusters/{cluster}/services/{service}/deployments?region={region}")
            }
            DeployTarget::Group(group) => {
                format!(
                    "https://{region}.console.aws.amazon.com/ec2/home?region={region}#AutoScalingGroupDetails:id={group};view=instanceRefresh"
                )
            }
        })
    }
}
