//! What came of one service's releases in one invocation: what was done, what is waited for, what went wrong around it.
//!
//! The log line, the metrics, the history, the notices and the function's answer are all rendered from this value. Never
//! renders what a step carries: a task definition may have passwords in its environment.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::legs::revision_name;
use super::words::Progress;
use super::{Book, EndKind, Hold, Note, Release, ReleaseId, Step, StepDone, Wake};
use crate::ledger::{HistoryEntry, ServiceKey};
use crate::notice::Severity;
use crate::outcome::Mode;
use crate::ports::PortError;

/// What became of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum StepResult {
    /// It was taken.
    Done(StepDone),
    /// It would have been taken; the mode is `observe`.
    WouldHaveDone,
    /// AWS refused or did not answer.
    Failed(PortError),
    /// It was not begun.
    NotTried {
        /// Why.
        why: String,
    },
}

/// A step and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StepOutcome {
    /// The step.
    pub step: Step,
    /// What became of it.
    pub result: StepResult,
}

/// What came of one service's releases.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseOutcome {
    /// When it was decided.
    pub at: Timestamp,
    /// Whether steps are taken or only told.
    pub mode: Mode,
    /// Which service.
    pub key: ServiceKey,
    /// Where.
    pub region: String,
    /// What woke us.
    pub wake: Wake,
    /// The id of the last plan.
    pub plan_id: String,
    /// Every step, in order.
    pub steps: Vec<StepOutcome>,
    /// Why nothing more is done now.
    pub holds: Vec<Hold>,
    /// What people are told.
    pub notes: Vec<Note>,
    /// The book as it was read.
    pub before: Book,
    /// The book as it is now, as far as is known.
    pub after: Book,
    /// When the next look is wanted.
    pub wants_look_at: Option<Timestamp>,
    /// When the next look is arranged; none if none is, or if arranging failed.
    pub look_again_at: Option<Timestamp>,
    /// Whether what the event says is lost unless it is delivered again.
    pub is_lost: bool,
    /// Why other regions could not be told: a dead region is told later and fails nothing here.
    pub untold: Vec<PortError>,
    /// What failed beside the steps: ledger, schedule, notice.
    pub troubles: Vec<PortError>,
}

/// How it ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Steps were taken, or the release moved on without one.
    Advanced,
    /// A step would have been taken; the mode is `observe`.
    WouldHaveActed,
    /// Nothing was to be done.
    Held,
    /// A step was not taken; it is tried again.
    Unfinished,
}

impl Ending {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Advanced => "advanced",
            Self::WouldHaveActed => "would_have_acted",
            Self::Held => "held",
            Self::Unfinished => "unfinished",
        }
    }
}

impl ReleaseOutcome {
    /// How it ended.
    pub fn ending(&self) -> Ending {
        match self.steps.last().map(|step| &step.result) {
            Some(StepResult::Failed(_) | StepResult::NotTried { .. }) => Ending::Unfinished,
            Some(StepResult::WouldHaveDone) => Ending::WouldHaveActed,
            Some(StepResult::Done(_)) => Ending::Advanced,
            None if self.has_moved() => Ending::Advanced,
            None => Ending::Held,
        }
    }

    /// The last step's code, `advance` where a release moved on without one, else `hold`.
    pub fn decision(&self) -> &'static str {
        match self.steps.last() {
            Some(outcome) => outcome.step.code(),
            None if self.has_moved() => "advance",
            None => "hold",
        }
    }

    /// The stable code of the reason: what failed, what is waited for, else what came about.
    pub fn reason_code(&self) -> &str {
        match self.steps.last().map(|step| &step.result) {
            Some(StepResult::Failed(_)) => "failed",
            Some(StepResult::NotTried { .. }) => "not_tried",
            Some(StepResult::WouldHaveDone) => "observing",
            Some(StepResult::Done(_)) | None => {
                let of_notes = self.notes.last().map(|note| note.kind.as_str());
                self.holds.first().map(Hold::code).or(of_notes).unwrap_or("continued")
            }
        }
    }

    /// What was done and why nothing more is, in one sentence.
    pub fn sentence(&self) -> String {
        let steps = self.steps.iter().map(StepOutcome::sentence);
        let notes = self.notes.iter().map(|note| note.headline.clone());
        let is_said = |release: &Release| {
            let code = Progress::of(release).code();
            self.notes.iter().any(|note| note.release == release.id && note.kind == code)
        };
        let ended = self.ended().into_iter().filter(|release| !is_said(release));
        let ended = ended.map(|release| format!("{} {}", release.name(), Progress::of(release).phrase(release)));
        let holds = self.holds.iter().filter(|hold| !matches!(hold, Hold::Quiet)).map(ToString::to_string);
        let said = steps.chain(notes).chain(ended).chain(holds).collect::<Vec<_>>();
        if said.is_empty() { "nothing is to be done".to_owned() } else { said.join("; ") }
    }

    /// What people are told where AWS refused for good what an event needs, and no release tells of it: nothing of the event is in
    /// a book, or nobody looks at it again. A look of our own comes again and again, and would tell it each time.
    pub fn refusal(&self, cause: &str) -> Option<Note> {
        let is_a_look = matches!(self.wake, Wake::Look { .. } | Wake::Sweep);
        let is_left = self.wants_look_at.is_some() && self.look_again_at.is_none();
        let (kind, how) = match self.is_lost {
            true => ("not_taken_in", "could not be taken in"),
            false => ("held_up", "is taken in, and goes no further"),
        };
        (!is_a_look && (self.is_lost || is_left) && self.notes.is_empty()).then(|| Note {
            release: ReleaseId::new(self.at, &self.plan_id),
            kind: kind.to_owned(),
            severity: Severity::Critical,
            headline: format!("{} {how}", self.wake.in_words()),
            text: format!("{cause}. Grant what is missing or correct the fleet file; the event then lies in the failure queue."),
        })
    }

    /// Every error in it: of steps, then of what is around them.
    pub fn errors(&self) -> impl Iterator<Item = &PortError> {
        let of_steps = self.steps.iter().filter_map(|step| match &step.result {
            StepResult::Failed(error) => Some(error),
            _ => None,
        });
        of_steps.chain(&self.troubles).chain(&self.untold)
    }

    /// The release that this is about: the one in hand, else one that ended just now.
    pub fn release(&self) -> Option<&Release> {
        self.after.active.as_ref().or_else(|| self.ended().into_iter().next())
    }

    /// Releases that ended in this invocation.
    pub fn ended(&self) -> Vec<&Release> {
        let is_known = |release: &&Release| self.before.ended.iter().any(|known| known.id == release.id && known.end == release.end);
        self.after.ended.iter().filter(|release| !is_known(release)).collect()
    }

    /// How many releases ended so in this invocation.
    pub fn count_ended(&self, kind: EndKind) -> usize {
        self.ended().into_iter().filter(|release| release.end.as_ref().is_some_and(|end| end.kind == kind)).count()
    }

    /// Whether anything of the releases changed, other than who holds the lease, what people were told, and the next look.
    pub fn has_moved(&self) -> bool {
        let bare = |book: &Book| Book { version: 0, lease: None, told: None, recheck_at: None, ..book.clone() };
        bare(&self.before) != bare(&self.after)
    }

    /// Whether it is worth a line in the log: something was done, changed, told, or went wrong, or somebody asked.
    pub fn is_worth_a_line(&self) -> bool {
        let is_asked = matches!(self.wake, Wake::Pushed { .. } | Wake::Deploy { .. } | Wake::Stop { .. });
        let is_unreadable = self.holds.iter().any(|hold| matches!(hold, Hold::Unreadable { .. }));
        is_asked || is_unreadable || self.is_history() || self.errors().next().is_some()
    }

    /// Whether it is worth a line of the history.
    pub fn is_history(&self) -> bool {
        let is_tried = |step: &StepOutcome| matches!(step.result, StepResult::Done(_) | StepResult::Failed(_));
        self.has_moved() || !self.notes.is_empty() || self.steps.iter().any(is_tried)
    }

    /// The function's answer for this service: `decision`, `reason`, `steps`, `plan_id` and what explains them.
    pub fn to_answer(&self) -> Value {
        let release = self.release();
        json!({
            "system": self.key.system,
            "service": self.key.service,
            "region": self.region,
            "decision": self.decision(),
            "ending": self.ending().as_str(),
            "reason": self.reason_code(),
            "text": self.sentence(),
            "release": release.map(|release| release.id.as_str()),
            "state": release.map(|release| Progress::of(release).code()),
            "steps": self.steps.iter().map(StepOutcome::to_answer).collect::<Vec<_>>(),
            "holds": self.holds,
            "plan_id": self.plan_id,
            "mode": self.mode,
            "look_again_at": self.look_again_at,
            "errors": self.errors().collect::<Vec<_>>(),
        })
    }

    /// The line of the history.
    pub fn to_history(&self) -> HistoryEntry {
        let mut outcome = self.to_answer();
        if let Some(fields) = outcome.as_object_mut() {
            fields.insert("wake".into(), shown_wake(&self.wake));
            fields.insert("notes".into(), json!(self.notes));
        }
        HistoryEntry {
            at: self.at,
            plan_id: self.plan_id.clone(),
            decision: self.decision().to_owned(),
            reason: self.reason_code().to_owned(),
            text: self.sentence(),
            mode: self.mode.as_str().to_owned(),
            outcome,
        }
    }
}

/// A report is a whole release: its id says which.
fn shown_wake(wake: &Wake) -> Value {
    match wake {
        Wake::Reported { report } => json!({ "wake": "reported", "region": report.region, "release": report.release.id }),
        other => json!(other),
    }
}

impl StepOutcome {
    /// The step and what became of it, in a few words.
    pub fn sentence(&self) -> String {
        let words = self.step.in_words();
        match &self.result {
            StepResult::Done(StepDone::Made { revision }) => format!("{words}: {}", revision_name(revision)),
            StepResult::Done(StepDone::Begun { handle: Some(handle) }) => format!("{words} ({handle})"),
            StepResult::Done(StepDone::NotPossible) => format!("{words}: AWS cannot, so another way is taken"),
            StepResult::Done(_) => words,
            StepResult::WouldHaveDone => format!("would have: {words}"),
            StepResult::Failed(error) => format!("NOT DONE: {words}: {error}"),
            StepResult::NotTried { why } => format!("not done: {words}: {why}"),
        }
    }

    fn to_answer(&self) -> Value {
        let (result, detail) = match &self.result {
            StepResult::Done(done) => ("done", json!(done)),
            StepResult::WouldHaveDone => ("would_have_done", Value::Null),
            StepResult::Failed(error) => ("failed", json!(error)),
            StepResult::NotTried { why } => ("not_tried", json!(why)),
        };
        json!({ "step": self.step.code(), "text": self.sentence(), "result": result, "detail": detail })
    }
}

impl Step {
    /// The step in a few words, without what it carries.
    pub fn in_words(&self) -> String {
        match self {
            Self::MakeRevision { target, from, .. } => format!("make a new revision for {target} from {}", revision_name(from)),
            Self::RollOut { target, seen, to, .. } if seen == to => format!("start {target} anew on {}", revision_name(to)),
            Self::RollOut { target, seen, to, .. } => format!("roll {target} out: {} -> {}", revision_name(seen), revision_name(to)),
            Self::TakeBack { target, to, .. } => format!("have AWS take {target} back to {}", revision_name(to)),
            Self::Ask { stage, rule, .. } => {
                let people = rule.by.iter().map(|approver| approver.name.to_string()).collect::<Vec<_>>().join(", ");
                format!("ask {people} about {stage}")
            }
            Self::Tell { regions, .. } => format!("tell {}", regions.join(", ")),
        }
    }

    /// What it does, for headlines.
    fn verb(&self) -> &'static str {
        match self {
            Self::MakeRevision { .. } => "make a new revision",
            Self::RollOut { seen, to, .. } if seen == to => "start it anew",
            Self::RollOut { .. } => "roll it out",
            Self::TakeBack { .. } => "take it back",
            Self::Ask { .. } => "ask people",
            Self::Tell { .. } => "tell other regions",
        }
    }

    /// The release that it belongs to; `book` is the one that it was decided on.
    fn release<'a>(&'a self, book: &'a Book) -> Option<&'a ReleaseId> {
        match self {
            Self::MakeRevision { release, .. } | Self::Ask { release, .. } => Some(release),
            Self::Tell { report, .. } => Some(&report.release.id),
            Self::RollOut { .. } | Self::TakeBack { .. } => book.active.as_ref().map(|release| &release.id),
        }
    }

    /// A step that could not be taken: the book that remembers it, and what people are told of it, once. What time may mend
    /// is told when it has failed twice.
    pub fn after_failure(&self, book: &Book, error: &PortError) -> (Book, Option<Note>) {
        let token = format!("failed:{}:{}:{}", self.code(), error.operation, error.kind);
        let once = format!("once:{token}");
        let told = book.told.as_deref();
        if told == Some(&token) {
            return (book.clone(), None);
        }
        if error.kind.may_pass() && told != Some(&once) {
            return (Book { told: Some(once), ..book.clone() }, None);
        }
        let (severity, remedy) = match error.kind.may_pass() {
            true => (Severity::Warning, "nothing, unless this goes on"),
            false => (Severity::Critical, "grant what is missing, or correct what the fleet file names"),
        };
        let text = format!(
            "Nightshift wanted to {}, and could not: {error}.\nWhat to do: {remedy}; it is tried again by itself.",
            self.in_words()
        );
        let headline = format!("FAILED to {}", self.verb());
        (Book { told: Some(token), ..book.clone() }, self.note(book, "step_failed", severity, headline, text))
    }

    /// A step that is not taken while observing: the book that remembers it, and what people are told of it, once.
    pub fn after_observing(&self, book: &Book) -> (Book, Option<Note>) {
        let Some(release) = self.release(book) else { return (book.clone(), None) };
        let token = format!("would_have:{}:{release}", self.code());
        if book.told.as_ref() == Some(&token) {
            return (book.clone(), None);
        }
        let headline = format!("would {} (observing)", self.verb());
        let text = format!("Nightshift observes; acting, it would now {}.", self.in_words());
        let note = self.note(book, "would_have_acted", Severity::Info, headline, text);
        (Book { told: Some(token), ..book.clone() }, note)
    }

    fn note(&self, book: &Book, kind: &str, severity: Severity, headline: String, text: String) -> Option<Note> {
        let release = self.release(book)?.clone();
        let name = book.release(&release).map(|release| format!("{}: ", release.name())).unwrap_or_default();
        Some(Note { release, kind: kind.to_owned(), severity, headline: format!("{name}{headline}"), text })
    }
}
