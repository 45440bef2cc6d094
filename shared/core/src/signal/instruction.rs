//! Our own inputs: what schedules, the command line, other regions and other functions send, as `to_input` writes it.
//!
//! Owns the words behind `nightshift` and what each needs. Never fills in a name or a choice that was left out: the
//! sender gets told what is missing.

use serde::Deserialize;
use serde_json::Value;

use super::ignored::{Ignored, shown, shown_at_length};
use super::lenient::{embedded, field, is_region_code, number, text, text_field};
use super::told::region_in_arn;
use super::{FrontEndSignal, RecheckSignal, ReleaseCommand, ReleaseVerb, SecretSignal, Signal, secret, time};
use crate::release::Report;

/// Looks are counted on from the number that was sent, so it must leave room; no episode comes near it.
const MOST_LOOKS: u32 = 1_000_000;

/// Reads an input by its word.
pub(super) fn read(word: &Value, input: &Value) -> Result<Signal, Ignored> {
    match word.as_str() {
        Some("calendar") => Ok(Signal::CalendarTick),
        Some("recheck") => recheck(input).map(Signal::Recheck),
        Some("release") => release(input).map(Signal::Release),
        Some("front_end") => front_end(input).map(Signal::FrontEnd),
        Some("rotated") => rotated(input).map(Signal::Secret),
        Some("report") => report(input).map(Signal::Report),
        _ => {
            let word = text(word).unwrap_or_else(|| word.to_string());
            Err(Ignored::UnknownInstruction { word: shown(&word) })
        }
    }
}

fn recheck(input: &Value) -> Result<RecheckSignal, Ignored> {
    let needed = |name: &str| text_field(input, name).ok_or(Ignored::IncompleteRecheck { missing: name.to_owned() });
    // `as` saturates: a count that is negative or beyond u32 stays a count.
    let attempt = field(input, "attempt").and_then(number).map_or(1, |count| (count as u32).clamp(1, MOST_LOOKS));
    Ok(RecheckSignal {
        system: needed("system")?,
        service: needed("service")?,
        attempt,
        due: field(input, "due").and_then(time::timestamp),
        because: text_field(input, "because"),
    })
}

fn release(input: &Value) -> Result<ReleaseCommand, Ignored> {
    let fields = Fields { word: "release", input };
    Ok(ReleaseCommand {
        system: fields.needed("system")?,
        service: fields.needed("service")?,
        by: fields.needed("by")?,
        at: field(input, "at").and_then(time::timestamp),
        verb: verb(&fields)?,
    })
}

fn verb(fields: &Fields<'_>) -> Result<ReleaseVerb, Ignored> {
    let release = text_field(fields.input, "release");
    match fields.needed("verb")?.as_str() {
        "deploy" => Ok(ReleaseVerb::Deploy {
            image: fields.needed("image")?,
            accepts_drift: fields.is_set("accepts_drift")?,
            only_here: fields.is_set("only_here")?,
        }),
        "abort" => Ok(ReleaseVerb::Abort { release, why: fields.needed("why")? }),
        "rollback" => Ok(ReleaseVerb::Rollback { release, why: fields.needed("why")? }),
        "answered" => Ok(ReleaseVerb::Answered),
        other => Err(fields.cannot_be_read("verb", other)),
    }
}

fn front_end(input: &Value) -> Result<FrontEndSignal, Ignored> {
    let fields = Fields { word: "front_end", input };
    Ok(FrontEndSignal {
        system: fields.needed("system")?,
        front_end: fields.needed("front_end")?,
        due: field(input, "due").and_then(time::timestamp),
    })
}

fn rotated(input: &Value) -> Result<SecretSignal, Ignored> {
    let secret = Fields { word: "rotated", input }.needed("secret")?;
    let told = text_field(input, "region").filter(|region| is_region_code(region));
    let (version, at) = (secret::version(input, "version"), field(input, "at").and_then(time::timestamp));
    Ok(SecretSignal { region: told.or_else(|| region_in_arn(&secret)), secret, version, at })
}

fn report(input: &Value) -> Result<Box<Report>, Ignored> {
    let missing = || Ignored::IncompleteInstruction { word: "report".to_owned(), missing: "report".to_owned() };
    let told = field(input, "report").ok_or_else(missing)?;
    let report = embedded(told).ok_or_else(|| Ignored::UnreadableReport { why: "it is not a JSON object".to_owned() })?;
    let unreadable = |error: serde_json::Error| Ignored::UnreadableReport { why: shown_at_length(&error.to_string()) };
    Report::deserialize(report.as_ref()).map(Box::new).map_err(unreadable)
}

/// The fields of one input.
struct Fields<'a> {
    word: &'static str,
    input: &'a Value,
}

impl Fields<'_> {
    fn needed(&self, name: &str) -> Result<String, Ignored> {
        let missing = || Ignored::IncompleteInstruction { word: self.word.to_owned(), missing: name.to_owned() };
        text_field(self.input, name).ok_or_else(missing)
    }

    /// Left out is no; anything that is neither yes nor no is not guessed at.
    fn is_set(&self, name: &str) -> Result<bool, Ignored> {
        match field(self.input, name) {
            None => Ok(false),
            Some(Value::Bool(is_set)) => Ok(*is_set),
            Some(other) => Err(self.cannot_be_read(name, &other.to_string())),
        }
    }

    fn cannot_be_read(&self, name: &str, found: &str) -> Ignored {
        Ignored::UnreadableInstruction { word: self.word.to_owned(), field: name.to_owned(), found: shown(found) }
    }
}
