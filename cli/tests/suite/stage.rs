//! Everything around a command: what is typed, what the environment says, what comes out.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::future::Future;
use std::io::Cursor;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use nightshift_cli::{Exit, World};
use nightshift_core::fleet::{Fleets, ServiceName, SystemName};
use nightshift_core::ledger::ServiceKey;

/// The time at which every command is given: a Friday evening, 19:00 in Berlin.
pub const NOW: &str = "2026-11-20T18:00:00Z";

/// What is new on every stage.
pub const NEW_ID: &str = "5d8c3f4e-0000-4000-8000-00000000beef";

/// A stage for one command after the other.
pub struct Stage {
    environment: BTreeMap<String, String>,
    typed: String,
    is_terminal: bool,
    minutes_at_the_prompt: i64,
    zone: &'static str,
    unseen: Option<String>,
}

/// What came out.
pub struct Played {
    pub exit: Exit,
    pub out: String,
    pub err: String,
}

impl Stage {
    pub fn new() -> Self {
        Self { environment: BTreeMap::new(), typed: String::new(), is_terminal: false, minutes_at_the_prompt: 0, zone: "UTC", unseen: None }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// A person sits there and types this.
    pub fn typing(mut self, text: &str) -> Self {
        (self.typed, self.is_terminal) = (text.to_owned(), true);
        self
    }

    /// Somebody else has written this to standard input.
    pub fn piping(mut self, text: &str) -> Self {
        (self.typed, self.is_terminal) = (text.to_owned(), false);
        self
    }

    /// A person types this where nothing is shown.
    pub fn typing_unseen(mut self, text: &str) -> Self {
        self.unseen = Some(text.to_owned());
        self
    }

    /// Whoever types lets so much time pass.
    pub fn after(mut self, minutes: i64) -> Self {
        self.minutes_at_the_prompt = minutes;
        self
    }

    pub fn in_zone(mut self, zone: &'static str) -> Self {
        self.zone = zone;
        self
    }

    /// Runs a whole command line, written with spaces between the words.
    pub fn run(&self, line: &str) -> Played {
        let args = std::iter::once("nightshift").chain(line.split_whitespace()).map(OsString::from).collect::<Vec<_>>();
        self.play(|world| nightshift_cli::run(args, world))
    }

    /// Gives the world to something that answers with an exit code.
    pub fn play(&self, act: impl FnOnce(&mut World<'_>) -> Exit) -> Played {
        let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), Cursor::new(self.typed.clone()));
        let lookup = |name: &str| self.environment.get(name).cloned();
        let exit = act(&mut World {
            out: &mut out,
            err: &mut err,
            input: &mut input,
            is_terminal: self.is_terminal,
            now: now(),
            clock: &|| now().checked_add(SignedDuration::from_mins(self.minutes_at_the_prompt)).unwrap(),
            zone: TimeZone::get(self.zone).unwrap(),
            lookup: &lookup,
            ask_unseen: &|_| self.unseen.clone().map(Ok),
            new_id: &|| NEW_ID.to_owned(),
        });
        Played { exit, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
    }
}

impl Played {
    /// Everything that came out, for snapshots.
    pub fn whole(&self) -> String {
        let part = |name: &str, text: &str| if text.is_empty() { String::new() } else { format!("--- {name}\n{}\n", text.trim_end()) };
        format!("exit {}\n{}{}", self.exit.code(), part("out", &self.out), part("err", &self.err))
    }
}

pub fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub fn wait<T>(calls: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(calls)
}

pub fn key(text: &str) -> ServiceKey {
    let (system, service) = text.split_once('/').unwrap();
    ServiceKey { system: SystemName::try_from(system.to_owned()).unwrap(), service: ServiceName::try_from(service.to_owned()).unwrap() }
}

pub fn good_fleets() -> Fleets {
    nightshift_cli::read_fleets(&["tests/fleets/good".into()]).unwrap().fleets
}
