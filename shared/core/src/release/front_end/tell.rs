//! What people and machines read of a front end: notes, messages, the history's line and the function's answer, all from one
//! outcome.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decide::{FrontEndPlan, Taken};
use super::{Batch, FrontEndKey, FrontEndSeen, Made};
use crate::fleet::FrontEnd;
use crate::ledger::HistoryEntry;
use crate::notice::{Message, Severity, fitting};
use crate::outcome::Mode;
use crate::ports::{PortError, PortErrorKind};

/// How many paths a message names.
const PATHS_SHOWN: usize = 20;

/// Something that people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrontEndNote {
    /// What came about, as a stable code: `completed`, `would_have_invalidated`, `failed`, `late`, `lost`, `given_up`, `held_up`.
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// The headline, without system and front end.
    pub headline: String,
    /// The whole, in plain lines.
    pub text: String,
}

impl FrontEndNote {
    fn new(kind: &str, severity: Severity, headline: String, text: String) -> Self {
        Self { kind: kind.to_owned(), severity, headline, text }
    }

    /// AWS refused the look that was to follow an upload. The sweep comes to every front end all the same.
    pub fn held_up(cause: &str) -> Self {
        let text = format!("{cause}. Grant what is missing; until then the sweep invalidates what was uploaded, minutes later.");
        Self::new("held_up", Severity::Critical, "an upload has come, and no look at it could be arranged".to_owned(), text)
    }

    pub(super) fn completed(batch: &Batch, made: &Made, now: Timestamp) -> Self {
        let took = now.duration_since(batch.taken_at).as_secs().max(0);
        let headline = format!("{} invalidated, viewers get the new files", count(batch));
        let text = format!(
            "CloudFront has forgotten the old files of distribution {} ({} s after the upload was complete; invalidation {}).\n{}",
            made.distribution,
            took,
            made.invalidation,
            listed(batch)
        );
        Self::new("completed", Severity::Info, headline, text)
    }

    pub(super) fn would_have(batch: &Batch, front_end: &FrontEnd) -> Self {
        let headline = format!("would have invalidated {}", count(batch));
        let text = format!("An invalidation of distribution {} would have been made.\n{}", front_end.distribution, listed(batch));
        Self::new("would_have_invalidated", Severity::Info, headline, text)
    }

    pub(super) fn late(batch: &Batch, made: &Made) -> Self {
        let headline = format!("invalidation not completed in 30 minutes ({})", count(batch));
        let text = format!(
            "CloudFront still works on invalidation {} of distribution {}; it is not followed any further, and the next upload goes its \
             own way. Some viewers may still get old files: look at the distribution's invalidations in the console.\n{}",
            made.invalidation,
            made.distribution,
            listed(batch)
        );
        Self::new("late", Severity::Warning, headline, text)
    }

    pub(super) fn lost(batch: &Batch, made: &Made, error: &PortError) -> Self {
        let headline = format!("invalidation is not known any more ({})", count(batch));
        let text = format!(
            "CloudFront was asked for invalidation {} of distribution {} and said: {error}. Look whether the distribution is still \
             there; if viewers get old files, invalidate by hand or upload again.\n{}",
            made.invalidation,
            made.distribution,
            listed(batch)
        );
        Self::new("lost", Severity::Warning, headline, text)
    }

    pub(super) fn given_up(batch: &Batch) -> Self {
        let headline = format!("GIVEN UP: {} could not be invalidated for a day", count(batch));
        let text = format!(
            "Viewers may get old files. Mend what the earlier message says, then invalidate by hand or upload again.\n{}",
            listed(batch)
        );
        Self::new("given_up", Severity::Critical, headline, text)
    }

    pub(super) fn failed(batch: &Batch, error: &PortError) -> Self {
        let remedy = match error.kind {
            PortErrorKind::NotFound => "correct `distribution` in the fleet file",
            PortErrorKind::Denied => "grant what is missing or correct the fleet file",
            PortErrorKind::Conflict | PortErrorKind::Throttled | PortErrorKind::Unavailable => "nothing, unless this goes on",
        };
        let severity = if error.kind.may_pass() { Severity::Warning } else { Severity::Critical };
        let headline = format!("FAILED to invalidate {}", count(batch));
        let text = format!("Viewers may get old files. {error}.\nWhat to do: {remedy}; it is tried again by itself.\n{}", listed(batch));
        Self::new("failed", severity, headline, text)
    }
}

fn count(batch: &Batch) -> String {
    match batch.paths.len() {
        1 => "1 path".to_owned(),
        number => format!("{number} paths"),
    }
}

fn listed(batch: &Batch) -> String {
    let shown: Vec<&str> = batch.paths.iter().map(String::as_str).take(PATHS_SHOWN).collect();
    match batch.paths.len().saturating_sub(PATHS_SHOWN) {
        0 => format!("Paths: {}", shown.join(" ")),
        more => format!("Paths: {} and {more} more", shown.join(" ")),
    }
}

/// What came of one look at a front end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontEndOutcome {
    /// When it was decided.
    pub at: Timestamp,
    /// Whether steps are taken or only told.
    pub mode: Mode,
    /// The plan.
    pub plan: FrontEndPlan,
    /// What became of its step, if it had one that was tried.
    pub taken: Option<Taken>,
    /// Everything that is told, of the plan and of its step.
    pub notes: Vec<FrontEndNote>,
    /// When the next look is arranged; none if none is, or if arranging failed.
    pub look_again_at: Option<Timestamp>,
    /// What failed beside the step: ledger, schedule, notice.
    pub troubles: Vec<PortError>,
}

impl FrontEndOutcome {
    /// The decision in a word: `invalidate`, `followed` or `hold`.
    pub fn decision(&self) -> &'static str {
        match (&self.plan.step, self.plan.notes.is_empty()) {
            (Some(_), _) => "invalidate",
            (None, false) => "followed",
            (None, true) => "hold",
        }
    }

    /// The stable code of the reason.
    pub fn reason_code(&self) -> &str {
        match (&self.taken, &self.plan.hold, self.plan.notes.first()) {
            (Some(Taken::Done { .. }), ..) => "upload_complete",
            (Some(Taken::WouldHaveDone), ..) => "would_have_invalidated",
            (Some(Taken::Failed { .. }), ..) => "failed",
            (None, _, Some(note)) => &note.kind,
            (None, Some(hold), None) => hold.code(),
            (None, None, None) => "not_tried",
        }
    }

    /// What was done and why, in one sentence.
    pub fn sentence(&self) -> String {
        let step = self.plan.step.as_ref().map(|step| (step.paths.len(), &step.distribution));
        let of_step = step.map(|(count, distribution)| match &self.taken {
            Some(Taken::Done { invalidation }) => {
                format!("invalidation {} of {count} path(s) of {distribution} made", invalidation.id)
            }
            Some(Taken::WouldHaveDone) => format!("would have invalidated {count} path(s) of {distribution}"),
            Some(Taken::Failed { error }) => format!("{count} path(s) of {distribution} not invalidated: {error}"),
            None => format!("{count} path(s) of {distribution} not invalidated: no time left, or the ledger failed"),
        });
        let of_notes = self.plan.notes.iter().map(|note| note.headline.clone());
        let of_hold = self.plan.hold.as_ref().map(|hold| format!("nothing more done: {hold}"));
        of_notes.chain(of_step).chain(of_hold).collect::<Vec<_>>().join("; ")
    }

    /// Every error in it: of the step, of a reading, then of what is around them.
    pub fn errors(&self) -> impl Iterator<Item = &PortError> {
        let of_step = match &self.taken {
            Some(Taken::Failed { error }) => Some(error),
            _ => None,
        };
        let of_reading = match &self.plan.hold {
            Some(super::FrontEndHold::Unreadable { error, .. }) => Some(error),
            _ => None,
        };
        of_step.into_iter().chain(of_reading).chain(&self.troubles)
    }

    /// Whether it is worth a line of the history: something was done, tried or told.
    pub fn is_history(&self) -> bool {
        self.plan.step.is_some() || !self.notes.is_empty()
    }

    /// The function's answer for this front end.
    pub fn to_answer(&self) -> Value {
        let steps: Vec<Value> = self.plan.step.iter().map(|step| json!({ "step": step, "taken": self.taken })).collect();
        json!({
            "system": self.plan.key.system,
            "front_end": self.plan.key.name,
            "decision": self.decision(),
            "reason": self.reason_code(),
            "text": self.sentence(),
            "steps": steps,
            "notes": self.notes,
            "plan_id": self.plan.id,
            "mode": self.mode,
            "look_again_at": self.look_again_at,
            "errors": self.errors().collect::<Vec<_>>(),
        })
    }

    /// The line of the history, with what was seen, for replay.
    pub fn to_history(&self, seen: &FrontEndSeen) -> HistoryEntry {
        let mut outcome = self.to_answer();
        if let Some(fields) = outcome.as_object_mut() {
            fields.insert("observation".into(), json!(seen));
        }
        HistoryEntry {
            at: self.at,
            plan_id: self.plan.id.clone(),
            decision: self.decision().to_owned(),
            reason: self.reason_code().to_owned(),
            text: self.sentence(),
            mode: self.mode.as_str().to_owned(),
            outcome,
        }
    }
}

impl FrontEndNote {
    /// The message for people and machines.
    pub fn message(&self, key: &FrontEndKey, region: &str, mode: Mode) -> Message {
        let (subject, text) = (self.subject(key), self.body(key, mode));
        let machine = json!({
            "nightshift": 1,
            "system": key.system,
            "front_end": key.name,
            "kind": self.kind,
            "severity": self.severity,
            "region": region,
            "mode": mode,
            "text": self.text,
        });
        Message::for_everybody(&subject, &text, &subject, &machine, self.attributes(key))
    }

    /// The message for a topic that Amazon Q Developer in chat applications reads (its custom notification, version 1.0).
    pub fn chat_message(&self, key: &FrontEndKey, mode: Mode) -> Message {
        let subject = self.subject(key);
        let body = json!({
            "version": "1.0",
            "source": "custom",
            "content": {
                "textType": "client-markdown",
                "title": subject,
                "description": self.body(key, mode),
                "keywords": ["nightshift", key.system.as_str(), key.name.as_str()],
            },
            "metadata": {
                "threadId": key.to_string(),
                "summary": subject,
                "eventType": self.kind,
                "relatedResources": [key.to_string()],
            },
        });
        Message { subject, body: body.to_string(), is_per_protocol: false, attributes: self.attributes(key) }
    }

    /// What happened, in the 100 ASCII characters that SNS allows for a subject.
    fn subject(&self, key: &FrontEndKey) -> String {
        fitting(&format!("{key}: {}", self.headline))
    }

    fn body(&self, key: &FrontEndKey, mode: Mode) -> String {
        let mut lines = vec![format!("{key}: {}.", self.headline), self.text.clone()];
        if mode == Mode::Observe {
            lines.push("Mode: observe (deploy with Mode=act to let it act)".to_owned());
        }
        lines.push(format!("Pause: nightshift pause {} --for 2h --why \"...\"", key.system));
        lines.join("\n")
    }

    fn attributes(&self, key: &FrontEndKey) -> Vec<(&'static str, String)> {
        let severity = match self.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        };
        vec![
            ("system", key.system.to_string()),
            ("service", key.name.to_string()),
            ("severity", severity.to_owned()),
            ("kind", format!("front_end_{}", self.kind)),
        ]
    }
}
