//! Notices of rotations: what people are told, in ten seconds on a phone, and what machines are told in the same message.
//!
//! Rendered from how a look ended. Owns what is worth telling and how often: what stands is told once until it changes. There
//! is no value of a secret anywhere near.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::ending::{Done, Ending, Stop, Wait};
use super::plan::{Deed, SecretPolicy};
use crate::fleet::{Postgresql, PostgresqlUsers, SecretKind};
use crate::notice::{Message, Severity, fitting};

/// A message about one secret.
#[derive(Clone, Debug)]
pub struct RotationNotice<'a> {
    /// The secret.
    pub policy: SecretPolicy<'a>,
    /// Where it is told.
    pub region: &'a str,
    /// When it came about.
    pub at: Timestamp,
    /// How the look ended.
    pub ending: &'a Ending,
    /// What was done in it.
    pub done: &'a [Deed],
}

/// A key that is too old is told of again each week.
const WEEK_SECONDS: i64 = 7 * 24 * 3600;

impl RotationNotice<'_> {
    /// What makes two notices the same one; none if nobody has to be told.
    pub fn token(&self) -> Option<String> {
        let code = self.ending.code();
        match self.ending {
            Ending::Done { done, .. } => match done {
                Done::HandedOver { .. } | Done::OldKept => Some(code.to_owned()),
                Done::KeyDue { due_at } => {
                    let overdue = self.at.duration_since(*due_at).as_secs();
                    Some(format!("{code}:{due_at}:{}", if overdue < 0 { -1 } else { overdue / WEEK_SECONDS }))
                }
                Done::KeyRefused { .. } => Some(code.to_owned()),
                _ => None,
            },
            Ending::Wait { wait: Wait::ReadersNotReady { is_late: true, readers }, .. } => Some(format!("{code}:{readers}")),
            Ending::Wait { .. } => None,
            Ending::Stop(Stop::Denied { error }) => Some(format!("{code}:{}", error.operation)),
            Ending::Stop(_) => Some(code.to_owned()),
        }
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        match self.ending {
            Ending::Done { done: Done::KeyRefused { .. }, .. } => Severity::Critical,
            Ending::Done { done: Done::KeyDue { due_at }, .. } if *due_at <= self.at => Severity::Critical,
            Ending::Done { done: Done::KeyDue { .. } | Done::OldKept, .. } => Severity::Warning,
            Ending::Done { .. } => Severity::Info,
            Ending::Wait { wait: Wait::ReadersNotReady { .. }, .. } if self.shuts_readers_out() => Severity::Critical,
            Ending::Wait { .. } | Ending::Stop(Stop::Observe | Stop::NeedsAPerson) => Severity::Warning,
            Ending::Stop(_) => Severity::Critical,
        }
    }

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
            "id": format!("{}/{}/{}", self.policy.name, self.ending.code(), self.region),
            "content": {
                "textType": "client-markdown",
                "title": self.subject(),
                "description": self.text(),
                "nextSteps": self.next_steps(),
                "keywords": ["nightshift", self.policy.system.as_str(), self.policy.name.as_str()],
            },
            "metadata": {
                "threadId": format!("{}/{}", self.policy.system, self.policy.name),
                "summary": self.subject(),
                "eventType": self.ending.code(),
                "relatedResources": [self.policy.name.as_str()],
            },
        });
        Message { subject: self.subject(), body: body.to_string(), is_per_protocol: false, attributes: self.attributes() }
    }

    /// What happened, in the 100 ASCII characters that SNS allows for a subject.
    pub fn subject(&self) -> String {
        fitting(&format!("{}: {}", self.policy.name, self.headline()))
    }

    fn headline(&self) -> &'static str {
        match self.ending {
            Ending::Done { done: Done::HandedOver { .. }, .. } => "rotated, readers are healthy",
            Ending::Done { done: Done::OldKept, .. } => "rotated, no reader is known",
            Ending::Done { done: Done::KeyDue { due_at }, .. } if *due_at <= self.at => "KEY IS TOO OLD",
            Ending::Done { done: Done::KeyDue { .. }, .. } => "key must be replaced soon",
            Ending::Done { done: Done::KeyRefused { .. }, .. } => "KEY IS REFUSED by its issuer",
            Ending::Done { .. } => "done",
            Ending::Wait { wait: Wait::ReadersNotReady { .. }, .. } => "READERS NOT HEALTHY on the new value",
            Ending::Wait { .. } => "waits",
            Ending::Stop(Stop::NeedsAPerson) => "needs a new key from its issuer",
            Ending::Stop(Stop::LockedOut { .. }) => "LOCKED OUT: no password is good",
            Ending::Stop(Stop::Observe) => "not rotated: the mode is observe",
            Ending::Stop(_) => "ROTATION STOPPED",
        }
    }

    /// The text for a person.
    pub fn text(&self) -> String {
        let mut lines = vec![
            format!("{} ({}, {}): {}.", self.policy.name, self.policy.system, self.policy.secret.kind.word(), self.headline()),
            format!("Why: {}.", self.ending),
        ];
        if let Ending::Wait { wait: Wait::ReadersNotReady { .. }, .. } = self.ending {
            lines.push(self.what_holds().to_owned());
        }
        lines.extend(self.done.iter().map(|deed| format!("Step: {}.", deed.word())));
        let is_handed_over = matches!(self.ending, Ending::Done { done: Done::HandedOver { .. }, .. });
        if let SecretKind::Issued(issued) = &self.policy.secret.kind {
            match (self.asks_for_key(), is_handed_over) {
                (true, _) => lines.push(format!("How: {}", issued.how)),
                (false, true) => lines.push(format!("The old key can be revoked now. How: {}", issued.how)),
                (false, false) => {}
            }
        }
        lines.extend(self.next_steps());
        lines.join("\n")
    }

    /// What still logs in while readers are not ready.
    fn what_holds(&self) -> &'static str {
        match self.shuts_readers_out() {
            true => "The old password is refused since the new one was set; connections that are open stay open.",
            false => "The old credential still works, and stays good until the readers are healthy.",
        }
    }

    /// Whether readers with the old credential cannot log in.
    fn shuts_readers_out(&self) -> bool {
        matches!(self.policy.secret.kind, SecretKind::Postgresql(Postgresql { users: PostgresqlUsers::Single, .. }))
    }

    fn asks_for_key(&self) -> bool {
        matches!(
            self.ending,
            Ending::Done { done: Done::KeyDue { .. } | Done::KeyRefused { .. }, .. }
                | Ending::Stop(Stop::NeedsAPerson | Stop::KeyRefused { .. })
        )
    }

    fn next_steps(&self) -> Vec<String> {
        let (system, name) = (self.policy.system, self.policy.name);
        let mut steps = Vec::new();
        if self.asks_for_key() {
            steps.push(format!("New key: nightshift secret put {system}/{name}"));
        }
        steps.push(format!("Show: nightshift secrets {system}"));
        if matches!(self.ending, Ending::Stop(_)) && !self.asks_for_key() {
            steps.push(format!("Go on: nightshift secrets unstick {system}/{name}"));
        }
        steps
    }

    fn machine_body(&self) -> Value {
        json!({
            "nightshift": 1,
            "kind": self.ending.code(),
            "severity": self.severity(),
            "system": self.policy.system,
            "secret": self.policy.name,
            "region": self.region,
            "mode": self.policy.mode,
            "at": self.at,
            "headline": self.headline(),
            "text": self.ending.to_string(),
            "steps": self.done.iter().map(Deed::word).collect::<Vec<_>>(),
            "look_again_at": self.ending.look_at(),
        })
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        let severity = match self.severity() {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        };
        vec![
            ("system", self.policy.system.to_string()),
            ("secret", self.policy.name.to_string()),
            ("severity", severity.to_owned()),
            ("kind", self.ending.code().to_owned()),
        ]
    }
}
