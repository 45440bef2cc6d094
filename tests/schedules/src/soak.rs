//! Many invocations in one process of its own, as warm as Lambda's, whose memory and descriptors are measured.
//!
//! The test starts itself once more: what the handler prints then goes nowhere, instead of into the memory of the test.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::proof;
use crate::runs::number;

/// How many invocations, instead of CI's few.
const INVOCATIONS: &str = "NIGHTSHIFT_SOAK";
/// Where the process that does the work writes its figures.
const RESULT: &str = "NIGHTSHIFT_SOAK_RESULT";
/// The most that may be resident more at the end than at a tenth of the way.
const MOST_GROWTH_KB: i64 = 1_024;

/// A soak of one function.
#[derive(Clone, Copy, Debug)]
pub struct Soak {
    /// The function's name.
    pub function: &'static str,
    /// The path of the test in its binary.
    pub test: &'static str,
    /// How many invocations CI runs.
    pub invocations: u64,
}

impl Soak {
    /// `invoke` is called with the number of each invocation; what it leaves in memory counts.
    pub fn run(self, mut invoke: impl FnMut(u64)) {
        let invocations = number(INVOCATIONS).unwrap_or(self.invocations).max(10);
        match std::env::var_os(RESULT) {
            Some(path) => work(invocations, &mut invoke, Path::new(&path)),
            None => self.start(invocations),
        }
    }

    fn start(self, invocations: u64) {
        let path = std::env::temp_dir().join(format!("nightshift-soak-{}-{}.json", self.function, std::process::id()));
        let mut worker = Command::new(std::env::current_exe().expect("the test knows itself"));
        worker.args([self.test, "--exact", "--nocapture", "--test-threads", "1"]).env(RESULT, &path).stdout(Stdio::null());
        let status = worker.status().expect("the test starts itself");
        assert!(status.success(), "{}: {status}", self.test);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{} wrote no result, is that its path? {error}", self.test));
        fs::remove_file(&path).expect("the result is removed");
        let figures: Value = serde_json::from_str(&text).expect("the result is JSON");
        if proof::is_wanted() {
            self.write(invocations, &figures);
        }
        let growth = figures["rss_growth_kb"].as_i64().expect("a figure");
        assert!(growth < MOST_GROWTH_KB, "{}: {figures}", self.function);
        assert_eq!(figures["fd_growth"], 0, "{}: {figures}", self.function);
    }

    fn write(self, invocations: u64, figures: &Value) {
        let mut row = json!({ "function": self.function, "invocations": invocations });
        if let (Some(row), Some(figures)) = (row.as_object_mut(), figures.as_object()) {
            row.extend(figures.clone());
        }
        let command =
            format!("NIGHTSHIFT_PROOF=1 {INVOCATIONS}=<invocations> cargo test -p nightshift-<function> --test suite {}", self.test);
        proof::change("soak-fakes", &command, |rows| {
            rows.retain(|row| row["function"] != self.function);
            rows.push(row);
        });
    }
}

/// The first tenth warms up: what is allocated once is not growth.
fn work(invocations: u64, invoke: &mut impl FnMut(u64), result: &Path) {
    let began = Instant::now();
    let mut warm = None;
    for number in 0..invocations {
        if number == invocations / 10 {
            warm = Some((resident_kb(), descriptors()));
        }
        invoke(number);
    }
    let seconds = began.elapsed().as_secs_f64();
    let (kb, open) = warm.expect("a tenth was run");
    let figures = json!({
        "seconds": (seconds * 10.0).round() / 10.0,
        "rss_kb": resident_kb(),
        "rss_growth_kb": resident_kb() - kb,
        "fd_growth": descriptors() - open,
    });
    fs::write(result, figures.to_string()).expect("the result is written");
}

/// VmRSS of this process.
fn resident_kb() -> i64 {
    let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process is resident");
    line.trim().trim_end_matches(" kB").parse().expect("a number of kB")
}

fn descriptors() -> i64 {
    i64::try_from(fs::read_dir("/proc/self/fd").expect("this is Linux").count()).expect("not so many")
}
