//! Goes through the seeds of a test, says which of them fail, and writes down how many were run.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use crate::proof;
use crate::schedule::Schedule;

/// So many times as many schedules as CI runs.
const TIMES: &str = "NIGHTSHIFT_SCHEDULES";
/// Only this seed.
const SEED: &str = "NIGHTSHIFT_SEED";
/// A test that fails so often is not run further.
const ENOUGH_FAILURES: u64 = 10;

/// What is proven by runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Related events in any order, late, more than once.
    Delivery,
    /// Many invocations at once.
    Concurrency,
    /// A process that dies anywhere, and the event again.
    Crash,
    /// Slow calls, and little time.
    Deadline,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Delivery => "delivery",
            Self::Concurrency => "concurrency",
            Self::Crash => "crash",
            Self::Deadline => "deadline",
        }
    }
}

/// The runs of one test.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// The function's name.
    pub function: &'static str,
    /// What they prove.
    pub kind: Kind,
    /// The test's name.
    pub test: &'static str,
    /// How many seeds CI runs.
    pub seeds: u64,
    /// How many of them must be orders that no other of them was.
    pub distinct: usize,
}

impl Runs {
    /// Runs the test with each seed; it fails by panicking. Each failure is told with its seed, which runs it again.
    pub fn each(self, test: impl Fn(&Schedule)) {
        let only = number(SEED);
        let seeds = only.map_or(0..self.seeds * times(), |seed| seed..seed + 1);
        let (mut runs, mut failures, mut traces) = (0, 0, HashSet::new());
        for seed in seeds {
            let schedule = Schedule::new(seed);
            runs += 1;
            if catch_unwind(AssertUnwindSafe(|| test(&schedule))).is_err() {
                failures += 1;
                eprintln!("{}: seed {seed} fails; again with {SEED}={seed}", self.test);
            }
            traces.insert(schedule.trace());
            if failures >= ENOUGH_FAILURES {
                break;
            }
        }
        if only.is_none() {
            self.write(runs, failures, traces.len());
        }
        assert_eq!(failures, 0, "{}: of {runs} schedules", self.test);
        assert!(only.is_some() || traces.len() >= self.distinct, "{}: only {} different schedules", self.test, traces.len());
    }

    fn write(self, runs: u64, failures: u64, distinct: usize) {
        if !proof::is_wanted() {
            return;
        }
        let packages = "-p nightshift-approve -p nightshift-deploy -p nightshift-rotate -p nightshift-scale";
        let command = format!("NIGHTSHIFT_PROOF=1 {TIMES}={} cargo test --test suite {packages} -- schedules:: crash::", times());
        let of_test = json!({ "runs": runs, "failures": failures, "distinct": distinct });
        proof::change("schedules", &command, |rows| {
            let is_it = |row: &Value| row["function"] == self.function && row["kind"] == self.kind.word();
            let known = rows.iter().position(is_it).map(|place| rows.remove(place));
            let mut tests = known.and_then(|row| row["tests"].as_object().cloned()).unwrap_or_default();
            tests.insert(self.test.to_owned(), of_test);
            let sum = |field: &str| tests.values().filter_map(|test| test[field].as_u64()).sum::<u64>();
            let (runs, failures) = (sum("runs"), sum("failures"));
            rows.push(json!({ "function": self.function, "kind": self.kind.word(), "runs": runs, "failures": failures, "tests": tests }));
        });
    }
}

/// Writes down runs of a test that goes through its cases by itself; each of them is another one.
pub fn count_runs(function: &'static str, kind: Kind, test: &'static str, runs: u64) {
    Runs { function, kind, test, seeds: runs, distinct: 0 }.write(runs, 0, usize::try_from(runs).unwrap_or(usize::MAX));
}

fn times() -> u64 {
    number(TIMES).unwrap_or(1)
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text}")))
}
