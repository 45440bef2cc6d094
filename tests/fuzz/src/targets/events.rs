//! Events of every source, in every envelope, and the steps of rotations.

use nightshift_core::rotation::{Instruction, StepEvent, StepProblem};
use nightshift_core::signal::{Signal, parse};
use serde_json::Value;

use super::{is_tellable, json};
use crate::samples;

/// Parses an event, and reads it as `rotate` does.
pub(super) fn event(bytes: &[u8]) {
    let Some(event) = json(bytes) else { return };
    check(&event);
}

/// What holds of every event.
pub(super) fn check(event: &Value) {
    let parsed = parse(event);
    assert!(!parsed.records.is_empty(), "no record at all");
    assert_eq!(parsed.signals().count() + parsed.ignored().count(), parsed.records.len());
    assert!(parsed.records.is_sorted_by_key(|record| record.position), "the batch's order is lost");
    assert_eq!(parse(event), parsed, "the same event twice");
    for signal in parsed.signals() {
        of_signal(signal);
    }
    for ignored in parsed.ignored() {
        is_tellable(&ignored.to_string());
        assert!(!ignored.code().is_empty() && !ignored.remedy().is_empty());
    }
    match StepEvent::read(event) {
        Ok(step) => assert!(!step.secret.is_empty() && !step.token.is_empty(), "a step of nothing"),
        Err(StepProblem::UnknownStep { name }) => assert!(name.chars().count() <= 40),
        Err(_) => {}
    }
    if let Some(instruction) = Instruction::read(event) {
        assert_eq!(Instruction::read(&instruction.to_input()), Some(instruction), "an instruction that cannot be sent on");
    }
}

fn of_signal(signal: &Signal) {
    assert!(!signal.to_string().is_empty());
    match signal {
        Signal::Alarm(alarm) => {
            assert!(alarm.key().starts_with("alarm/"));
            assert!(alarm.recent_datapoints.iter().all(|point| point.is_finite()), "a datapoint that is no number");
        }
        Signal::Recheck(recheck) => {
            let again = parse(&recheck.to_input());
            assert_eq!(again.signals().next().map(ToString::to_string), Some(signal.to_string()), "a look that cannot be arranged");
        }
        Signal::Release(command) => assert!(parse(&command.to_input()).signals().next().is_some(), "a command that cannot be sent on"),
        _ => {}
    }
    // The ledger keeps signals as text.
    let stored = serde_json::to_string(signal).expect("a signal is written");
    serde_json::from_str::<Signal>(&stored).unwrap_or_else(|error| panic!("what was written cannot be read: {error}: {stored}"));
}

/// Every sample.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    samples::events().iter().map(|(_, event)| event.to_string().into_bytes()).collect()
}
