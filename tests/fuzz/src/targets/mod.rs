//! What is fuzzed: each target is a function of bytes that panics when a promise is broken.
//!
//! A parser's promises here: it answers whatever it is given, the same each time; what it accepts, it accepts again after
//! writing it; what it says about the rest is short and printable. Private parsers are reached through the nearest public entry.

mod answers;
mod calendars;
mod events;
mod fleets;
pub mod handlers;
mod ledger;
mod links;
mod secrets;
mod servers;
mod uploads;
mod words;

use serde_json::Value;

/// How inputs of a target are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// By the structure of the JSON that stands behind so many first bytes.
    Json(usize),
    /// As bytes.
    Bytes,
}

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name: in commands, in the folder of its corpus.
    pub name: &'static str,
    /// Panics when a promise is broken.
    pub run: fn(&[u8]),
    /// Real material to damage; never empty.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How it is damaged.
    pub damage: Damage,
    /// How many damaged inputs the short run takes: as many as a debug build does in three seconds or less.
    pub short: u64,
}

/// All targets. A new one is a line here.
pub const TARGETS: [Target; 17] = [
    Target { name: "event", run: events::event, seeds: events::seeds, damage: Damage::Json(0), short: 4_000 },
    Target { name: "handlers", run: handlers::all, seeds: handlers::seeds, damage: Damage::Json(1), short: 1_000 },
    Target { name: "page", run: handlers::page, seeds: handlers::page_seeds, damage: Damage::Json(0), short: 2_000 },
    Target { name: "fleet", run: fleets::fleet, seeds: fleets::seeds, damage: Damage::Bytes, short: 2_000 },
    Target { name: "words", run: words::words, seeds: words::seeds, damage: Damage::Bytes, short: 2_000 },
    Target { name: "calendar", run: calendars::calendar, seeds: calendars::seeds, damage: Damage::Bytes, short: 100 },
    Target { name: "rotation_cron", run: calendars::rotation_cron, seeds: calendars::rotation_seeds, damage: Damage::Bytes, short: 10_000 },
    Target { name: "tags", run: words::tags, seeds: words::tag_seeds, damage: Damage::Bytes, short: 10_000 },
    Target { name: "link", run: links::link, seeds: links::seeds, damage: Damage::Bytes, short: 5_000 },
    Target { name: "signed_link", run: links::signed, seeds: links::payload_seeds, damage: Damage::Json(0), short: 5_000 },
    Target { name: "secret", run: secrets::secret, seeds: secrets::seeds, damage: Damage::Bytes, short: 5_000 },
    Target { name: "ledger", run: ledger::ledger, seeds: ledger::seeds, damage: Damage::Json(1), short: 5_000 },
    Target { name: "blueprint", run: uploads::blueprint, seeds: uploads::blueprint_seeds, damage: Damage::Json(0), short: 2_000 },
    Target { name: "uploads", run: uploads::uploads, seeds: uploads::seeds, damage: Damage::Bytes, short: 3_000 },
    Target { name: "aws", run: answers::aws, seeds: answers::seeds, damage: Damage::Bytes, short: 500 },
    Target { name: "redis", run: servers::redis, seeds: servers::redis_seeds, damage: Damage::Bytes, short: 500 },
    Target { name: "postgresql", run: servers::postgresql, seeds: servers::postgresql_seeds, damage: Damage::Bytes, short: 500 },
];

/// The target of this name.
pub fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Text that people see in a log or a notice: whole, short, nothing that moves a cursor.
fn is_tellable(text: &str) {
    assert!(text.chars().count() < 1_500, "too long to be read: {} characters", text.chars().count());
    assert!(!text.contains(char::is_control), "holds control characters: {text:?}");
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn json(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}

/// Each text behind each of the first bytes that select something.
fn behind(selectors: std::ops::Range<u8>, texts: &[String]) -> Vec<Vec<u8>> {
    selectors.flat_map(|selector| texts.iter().map(move |text| [&[selector], text.as_bytes()].concat())).collect()
}
