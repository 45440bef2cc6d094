//! Signals: every sample in events/ here; every envelope around one event, the alarms' and the services' own shapes, our
//! own inputs, what is ignored and shapes that nobody sends on purpose in the modules below.

// Clippy's "allow in tests" does not reach helper functions of integration tests.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod alarms;
mod envelopes;
mod images;
mod instructions;
mod objects;
mod pipelines;
mod properties;
mod reports;
mod rollouts;
mod secrets;
mod unread;

use std::fs;
use std::path::PathBuf;

use nightshift_core::signal::{AlarmSignal, Ignored, ReleaseCommand, ReleaseVerb, Signal, parse};
use serde_json::Value;

const ARN: &str = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:nightshift-stateless-web-cpu-high";
const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:nightshift-alarms";

fn events_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

/// Name and content of every sample, by name.
fn samples() -> Vec<(String, Value)> {
    let mut found: Vec<(String, Value)> = fs::read_dir(events_folder())
        .expect("events/ is there")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a readable file");
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, value)
        })
        .collect();
    found.sort_by(|left, right| left.0.cmp(&right.0));
    found
}

fn sample(name: &str) -> Value {
    samples().into_iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("no sample {name}")).1
}

fn only(event: &Value) -> Result<Signal, Ignored> {
    let mut records = parse(event).records;
    assert_eq!(records.len(), 1, "{event}");
    records.remove(0).result
}

fn alarm(event: &Value) -> AlarmSignal {
    match only(event) {
        Ok(Signal::Alarm(alarm)) => alarm,
        other => panic!("expected an alarm, found {other:?} in {event}"),
    }
}

fn reason_to_ignore(event: &Value) -> Ignored {
    only(event).expect_err("expected a reason to ignore it")
}

/// The words of serde's rendering of a unit variant.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn in_short(result: &Result<Signal, Ignored>) -> String {
    match result {
        Ok(signal) => signal_in_short(signal),
        Err(ignored) => format!("ignored {}", ignored.code()),
    }
}

fn signal_in_short(signal: &Signal) -> String {
    match signal {
        Signal::Alarm(it) => format!("alarm {} {} {}", it.alarm_name, it.state, word(&it.kind)),
        Signal::Recheck(it) => format!("recheck {}/{} attempt {}", it.system, it.service, it.attempt),
        Signal::CalendarTick => "calendar".to_owned(),
        Signal::Image(it) => format!("image {} {} {}", word(&it.what), it.repository, it.tag.as_deref().unwrap_or("without tag")),
        Signal::Service(it) => format!("service {}/{} {}", it.cluster.as_deref().unwrap_or("?"), it.service, it.event_name),
        Signal::Refresh(it) => format!("refresh {} {}", it.group, it.event_name),
        Signal::Secret(it) => format!("secret {}", it.secret),
        Signal::Object(it) => format!("object {} in {}", it.key, it.bucket),
        Signal::Report(it) => format!("report {} on {}/{}", it.region, it.system, it.service),
        Signal::Release(it) => format!("release {} {}/{}", verb_word(it), it.system, it.service),
        Signal::FrontEnd(it) => format!("front_end {}/{}", it.system, it.front_end),
        Signal::Pipeline(it) => format!("pipeline {} {} {}", it.pipeline, it.stage, it.action),
    }
}

fn verb_word(command: &ReleaseCommand) -> &'static str {
    match command.verb {
        ReleaseVerb::Deploy { .. } => "deploy",
        ReleaseVerb::Abort { .. } => "abort",
        ReleaseVerb::Rollback { .. } => "rollback",
        ReleaseVerb::Answered => "answered",
    }
}

fn at_length(result: &Result<Signal, Ignored>) -> String {
    let unknown = || "-".to_owned();
    let told = |text: &Option<String>| text.clone().unwrap_or_else(unknown);
    match result {
        Ok(Signal::Alarm(alarm)) => [
            format!("{alarm}"),
            format!("  key        {}", alarm.key()),
            format!("  from       {}", alarm.previous_state.map_or_else(unknown, |state| state.to_string())),
            format!("  kind       {}, via {}", word(&alarm.kind), word(&alarm.via)),
            format!("  where      {} {}", told(&alarm.account), told(&alarm.region)),
            format!("  arn        {}", told(&alarm.alarm_arn)),
            format!("  event id   {}", told(&alarm.event_id)),
            format!("  datapoints {:?}, threshold {:?}", alarm.recent_datapoints, alarm.threshold),
            format!("  suppressed {:?}", alarm.actions_suppressed_by),
            format!("  contributor {:?}", alarm.contributor.as_ref().map(|it| (&it.id, &it.attributes))),
            format!("  reason     {}", told(&alarm.reason)),
        ]
        .join("\n"),
        Ok(Signal::Recheck(it)) => {
            format!(
                "re-check {} of {}/{}\n  key        {}\n  because    {}",
                it.attempt,
                it.system,
                it.service,
                it.key(),
                told(&it.because)
            )
        }
        Ok(Signal::CalendarTick) => "calendar tick".to_owned(),
        Ok(Signal::Report(it)) => {
            let legs: Vec<_> = it.release.legs.iter().map(|leg| format!("{} {}", leg.region, leg.state.word())).collect();
            format!("{}\n  release    {}\n  legs       {}", Signal::Report(it.clone()), it.release.id, legs.join(", "))
        }
        Ok(signal) => field_by_field(signal),
        Err(ignored) => format!("ignored {}\n  why        {ignored}\n  remedy     {}", ignored.code(), ignored.remedy()),
    }
}

/// A signal as it is stored, a field a line; what nobody is to see is only said to be there.
fn field_by_field(signal: &Signal) -> String {
    let stored = serde_json::to_value(signal).unwrap();
    let (_, fields) = stored.as_object().unwrap().iter().next().unwrap();
    let shown = |name: &str, value: &Value| if name == "token" { "(there)".to_owned() } else { value.to_string() };
    let lines = fields.as_object().unwrap().iter().map(|(name, value)| format!("\n  {name:<13} {}", shown(name, value)));
    format!("{signal}{}", lines.collect::<String>())
}

/// Rows of an event and what it becomes, for a snapshot.
fn table(rows: &[(&str, Value)]) -> String {
    let rendered = rows.iter().map(|(label, event)| match only(event) {
        Ok(signal) => format!("{label}\n  {}\n", field_by_field(&signal).replace('\n', "\n  ")),
        Err(ignored) => format!("{label}\n  {}: {ignored}\n  {}\n", ignored.code(), ignored.remedy()),
    });
    rendered.collect()
}

#[test]
fn every_sample_gives_the_signal_that_it_stands_for() {
    let mut rendered = String::new();
    for (name, event) in samples() {
        rendered.push_str(&format!("== {name}\n"));
        for record in parse(&event).records {
            let message_id = record.message_id.map_or_else(String::new, |id| format!(" (message {id})"));
            rendered.push_str(&format!("[{}]{message_id} {}\n", record.position, at_length(&record.result)));
        }
    }
    insta::assert_snapshot!(rendered);
}

#[test]
fn the_table_of_samples_says_what_they_parse_to() {
    let readme = fs::read_to_string(events_folder().join("README.md")).expect("events/README.md");
    let promised: Vec<&str> = readme.lines().filter(|line| line.starts_with("| `")).collect();
    let found: Vec<String> = samples()
        .iter()
        .map(|(name, event)| {
            let outcomes: Vec<String> = parse(event).records.iter().map(|record| format!("`{}`", in_short(&record.result))).collect();
            format!("| `{name}` | … | {} |", outcomes.join("; "))
        })
        .collect();
    let promised: Vec<String> = promised
        .iter()
        .map(|row| {
            let cells: Vec<&str> = row.split(" | ").collect();
            format!("{} | … | {}", cells[0], cells[2])
        })
        .collect();
    assert_eq!(promised, found, "events/README.md and events/*.json disagree");
}
