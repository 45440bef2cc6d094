//! Whole functions on an estate on which nothing may happen.

use nightshift_core::rotation::Instruction;
use nightshift_core::signal::{Signal, parse};
use serde_json::Value;

use super::json;
use crate::estate::Mood;
use crate::functions::{Functions, Handled};
use crate::samples;

/// The functions in each mood, once for the samples' own fleet files and once for those of a stranger.
struct Town {
    own: Vec<Functions>,
    strange: Vec<Functions>,
}

thread_local! {
    static TOWN: Town = Town {
        own: Mood::ALL.iter().map(|mood| Functions::new(&samples::own_fleets(), *mood)).collect(),
        strange: Mood::ALL.iter().map(|mood| Functions::new(&samples::strange_fleets(), *mood)).collect(),
    };
}

/// What an event led to, for whoever counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counted {
    /// Invocations.
    pub invocations: u64,
    /// Reads of the estate.
    pub reads: u64,
    /// Ledger entries, notices, schedules.
    pub notes: u64,
    /// Calls that change something: none, or the check panics.
    pub changes: u64,
    /// Errors that Lambda would get.
    pub errors: u64,
}

/// The first byte selects the estate's mood; the rest is the event.
pub(super) fn all(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let Some(event) = json(rest) else { return };
    check(&event, usize::from(*first));
}

/// An event through all four functions: nothing may be changed, and where no name is known, nothing be done at all.
pub fn check(event: &Value, mood: usize) -> Counted {
    let mut counted = Counted::default();
    TOWN.with(|town| {
        let mood = mood % Mood::ALL.len();
        for handled in town.own[mood].handle(event) {
            counted.add(&handled);
            answered(&handled, event);
        }
        let concerns_all = concerns_all(event);
        for handled in town.strange[mood].handle(event) {
            counted.add(&handled);
            answered(&handled, event);
            let notes = if concerns_all { 0 } else { handled.calls.notes };
            assert_eq!(notes, 0, "{} did something for a system that the event does not name: {event}", handled.function);
        }
    });
    counted
}

fn answered(handled: &Handled, event: &Value) {
    assert!(handled.calls.changes.is_empty(), "{} did {:?} for {event}", handled.function, handled.calls.changes);
    match &handled.answer {
        Ok(answer) => {
            let is_page = answer.get("statusCode").is_some();
            let is_outcome = answer.get("decision").is_some() || answer.get("batchItemFailures").is_some();
            assert!(is_page || is_outcome, "{} answers {answer} to {event}", handled.function);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Whether the event has every service looked at: a tick of the clock, a sweep, and a rotated secret, since a service's readers
/// are found in its task definition and not in the fleet file.
fn concerns_all(event: &Value) -> bool {
    parse(event).signals().any(|signal| matches!(signal, Signal::CalendarTick | Signal::Secret(_)))
        || Instruction::read(event) == Some(Instruction::Sweep)
}

impl Counted {
    fn add(&mut self, handled: &Handled) {
        self.invocations += 1;
        self.reads += handled.calls.reads;
        self.notes += handled.calls.notes;
        self.changes += handled.calls.changes.len() as u64;
        self.errors += u64::from(handled.answer.is_err());
    }

    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            invocations: self.invocations + other.invocations,
            reads: self.reads + other.reads,
            notes: self.notes + other.notes,
            changes: self.changes + other.changes,
            errors: self.errors + other.errors,
        }
    }
}

/// A request of the approval page: always a page, never an answer, since there is no release to answer for.
pub(super) fn page(bytes: &[u8]) {
    let Some(event) = json(bytes) else { return };
    TOWN.with(|town| {
        let handled = town.own[1].page(&event);
        answered(&handled, &event);
        let Ok(answer) = handled.answer else { return };
        let Some(status) = answer.get("statusCode") else { return };
        assert!(status.as_u64().is_some_and(|status| (200..=503).contains(&status)), "{status}");
        let body = answer.get("body").and_then(Value::as_str).expect("a body");
        assert!(!body.contains("<script"), "{event}");
    });
}

/// Every sample and every request, in each mood.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let texts: Vec<String> = samples::events().iter().map(|(_, event)| event.to_string()).collect();
    let mut seeds = super::behind(0..3, &texts);
    seeds.extend(super::behind(1..2, &samples::requests().iter().map(ToString::to_string).collect::<Vec<_>>()));
    seeds
}

/// Requests.
pub(super) fn page_seeds() -> Vec<Vec<u8>> {
    samples::requests().iter().map(|request| request.to_string().into_bytes()).collect()
}
