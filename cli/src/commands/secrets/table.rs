//! `nightshift secrets`: a line for each secret, and a sentence for each that is not fine.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{ServiceName, SystemName};
use nightshift_core::ledger::Pause;
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::ports::TargetReader;
use nightshift_core::rotation::ports::RotationLedger;
use serde_json::{Value, json};

use super::facts::{Entry, Facts, observe};
use super::readers::Definitions;
use super::standing::{Standing, State, standing};
use crate::books::SecretBook;
use crate::exit::Exit;
use crate::times::{minute, moment};
use crate::trouble::sentence;
use crate::world::World;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct SecretsWish<'a> {
    /// Which secrets.
    pub entries: &'a [Entry<'a>],
    /// Whether JSON is wanted.
    pub as_json: bool,
    /// The region that is looked at.
    pub region: &'a str,
}

/// Shows secrets. One that cannot be read is told and hides no other; an error is a ledger that is not there.
pub async fn list_secrets(
    secrets: &impl SecretBook,
    ledger: &impl RotationLedger,
    targets: &impl TargetReader,
    wish: &SecretsWish<'_>,
    world: &mut World<'_>,
) -> PortResult<Exit> {
    let systems: BTreeMap<&SystemName, _> = wish.entries.iter().map(|entry| (&entry.key.system, entry.fleet)).collect();
    let reads = (observe(secrets, ledger, wish.entries, wish.region), Definitions::read(targets, systems.into_values()));
    let (all, definitions) = futures_util::future::join(reads.0, reads.1).await;
    let gone = all.iter().find_map(|facts| facts.view.as_ref().err().filter(|error| error.kind == PortErrorKind::NotFound));
    if let Some(error) = gone {
        return Err(error.clone());
    }
    let rows: Vec<Row<'_>> = all.iter().map(|facts| Row::of(facts, &definitions, world.now)).collect();
    match wish.as_json {
        true => world.say(Value::Array(rows.iter().map(Row::to_json).collect()).to_string()),
        false => say_rows(&rows, world),
    }
    let is_told = tell_what_is_unread(&rows, &definitions, world);
    tell_pauses(&rows, world);
    let needs_somebody = rows.iter().any(|row| row.standing.state.needs_somebody());
    Ok(if is_told || needs_somebody { Exit::Problems } else { Exit::Fine })
}

struct Row<'a> {
    facts: &'a Facts<'a>,
    standing: Standing,
    age: Option<SignedDuration>,
    readers: Vec<ServiceName>,
    knows_readers: bool,
}

impl<'a> Row<'a> {
    fn of(facts: &'a Facts<'a>, definitions: &Definitions, now: Timestamp) -> Self {
        Self {
            facts,
            standing: standing(facts, now),
            age: facts.current_made_at().map(|made_at| now.duration_since(made_at)),
            readers: definitions.readers(facts),
            knows_readers: definitions.is_whole(facts.fleet),
        }
    }

    fn next(&self) -> String {
        let next = self.facts.now().and_then(|secret| secret.next_rotation_at);
        let is_rotated = self.facts.secret_file.rotate.is_some() || self.facts.setup().is_some();
        match (self.facts.due_at(), next) {
            (Some(due), _) => format!("by {}", minute(due)),
            (None, Some(next)) => minute(next),
            (None, None) if is_rotated || self.facts.now().is_none() => "-".to_owned(),
            (None, None) => "when asked for".to_owned(),
        }
    }

    fn last(&self) -> String {
        let last = self.facts.record().and_then(|record| record.last.as_ref());
        last.map_or_else(|| "-".to_owned(), |last| format!("{}, {}", last.code, minute(last.at)))
    }

    fn cells(&self) -> [String; 7] {
        let mut readers: Vec<&str> = self.readers.iter().map(ServiceName::as_str).collect();
        readers.extend((!self.knows_readers).then_some("?"));
        [
            self.facts.key.to_string(),
            self.facts.secret_file.kind.word().to_owned(),
            self.age.map_or_else(|| "-".to_owned(), in_days),
            self.next(),
            self.standing.state.word().to_owned(),
            self.last(),
            if readers.is_empty() { "-".to_owned() } else { readers.join(", ") },
        ]
    }

    fn to_json(&self) -> Value {
        let (secret, record) = (self.facts.now(), self.facts.record());
        let version = secret.and_then(|secret| secret.unfinished());
        let unfinished = version.map(|version| json!({ "version": version, "since": self.facts.pending_since(version) }));
        let state = self.standing.state.word().replace(' ', "_");
        json!({
            "system": self.facts.key.system,
            "secret": self.facts.key.secret,
            "kind": self.facts.secret_file.kind.word(),
            "state": state,
            "why": self.standing.why,
            "arn": secret.map(|secret| &secret.arn),
            "version": secret.and_then(|secret| secret.current()),
            "made_at": self.facts.current_made_at(),
            "age_seconds": self.age.map(|age| age.as_secs()),
            "next_rotation_at": secret.and_then(|secret| secret.next_rotation_at),
            "replace_by": self.facts.due_at(),
            "schedule": self.facts.setup().map(|setup| json!({ "expression": setup.schedule, "window": setup.window, "function": setup.function })),
            "unfinished": unfinished,
            "hand_over": record.and_then(|record| record.hand_over.as_ref()),
            "last": record.and_then(|record| record.last.as_ref()),
            "readers": self.readers,
            "all_readers_known": self.knows_readers,
        })
    }
}

fn say_rows(rows: &[Row<'_>], world: &mut World<'_>) {
    let titles = ["SECRET", "KIND", "AGE", "NEXT ROTATION", "STATE", "LAST OUTCOME", "READERS"].map(str::to_owned);
    let lines: Vec<[String; 7]> = std::iter::once(titles).chain(rows.iter().map(Row::cells)).collect();
    let mut widths = [0_usize; 7];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        world.say(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    let mut told = rows.iter().filter(|row| !row.standing.why.is_empty() && row.standing.state != State::Unknown).peekable();
    if told.peek().is_some() {
        world.say("");
    }
    for row in told {
        world.say(format!("{} is {}: {}", row.facts.key, row.standing.state.word(), row.standing.why));
    }
}

/// Whether something could not be read that the table rests on.
fn tell_what_is_unread(rows: &[Row<'_>], definitions: &Definitions, world: &mut World<'_>) -> bool {
    let mut is_told = false;
    for Row { facts, standing, .. } in rows {
        if standing.state == State::Unknown {
            world.complain(format!("{} could not be read: {}", facts.key, standing.why));
        }
        if let Err(error) = &facts.view {
            world.complain(format!("what the ledger remembers of {} could not be read: {}", facts.key, sentence(error)));
            is_told = true;
        }
        // Of a secret that is not there, neither are the versions.
        if let (Ok(_), Err(error)) = (&facts.secret, &facts.made_at) {
            world.complain(format!("when the versions of {} were made could not be read: {}", facts.key, sentence(error)));
            is_told = true;
        }
    }
    for (service, error) in definitions.unread() {
        world.complain(format!("whether {service} reads a secret without the fleet file naming it could not be read: {}", sentence(error)));
        is_told = true;
    }
    is_told
}

fn tell_pauses(rows: &[Row<'_>], world: &mut World<'_>) {
    let pause = |row: &Row<'_>| row.facts.view.as_ref().ok().and_then(|view| view.pause.clone()).filter(|pause| pause.until > world.now);
    let pauses: BTreeMap<String, Pause> = rows.iter().filter_map(|row| Some((row.facts.key.system.to_string(), pause(row)?))).collect();
    for (system, Pause { by, until, why, .. }) in pauses {
        world.complain(format!("{system} is paused by {by} until {}, and no rotation is begun: {why}", moment(until, &world.zone)));
    }
}

/// `41d`, `7h`, `12m`.
pub(super) fn in_days(length: SignedDuration) -> String {
    match (length.as_hours() / 24, length.as_hours(), length.as_mins()) {
        (days @ 2.., _, _) => format!("{days}d"),
        (_, hours @ 2.., _) => format!("{hours}h"),
        (_, _, minutes) => format!("{}m", minutes.max(0)),
    }
}
