//! Secrets go through every path, with every log at its loudest, and nothing of them may be seen: not on success, not on any
//! failure, not on a panic.
//!
//! The paths run in a process of their own, whose whole output is read: what a Lambda function prints is its log.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use nightshift_core::ports::PortErrorKind;
use nightshift_core::rotation::StepName;
use nightshift_core::rotation::ports::{PostgresqlServer, RedisServer};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::gate::Way;
use crate::real::Machines;
use crate::town::*;

/// Where the other process writes the values that must not be seen.
const VALUES: &str = "NIGHTSHIFT_TEST_CANARY_VALUES";
/// The least number of characters that give a secret away.
const TELLING: usize = 8;

/// Prints whatever is logged or traced.
struct Loud;

impl log::Log for Loud {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        eprintln!("LOG {} {}", record.target(), record.args());
    }
    fn flush(&self) {}
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Loud {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(String::new());
        span.record(&mut fields);
        eprintln!("SPAN{}", fields.0);
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        eprintln!("RECORD{}", fields.0);
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        eprintln!("EVENT {}{}", event.metadata().target(), fields.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The texts in a secret that are secret: passwords, keys.
fn secrets_of(value: &str) -> Vec<String> {
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(value) else { return Vec::new() };
    let is_secret = |name: &str| ["password", "key", "next_key", "previous_key", "KEY"].contains(&name);
    fields.iter().filter(|(name, _)| is_secret(name)).filter_map(|(_, value)| value.as_str().map(str::to_owned)).collect()
}

/// Every secret value that a town has ever had, and what people, the ledger and the answers got to see.
fn keep<P: PostgresqlServer, R: RedisServer>(town: &Town<P, R>, values: &mut BTreeSet<String>) {
    let memory = town.memory();
    let versions = memory.secrets.values().flat_map(|secret| secret.versions.values());
    values.extend(versions.filter_map(|version| version.value.as_deref()).flat_map(secrets_of));
    println!("TOLD {:?}", memory.told);
    println!("LEDGER {:?} {:?}", memory.records, memory.looks);
    println!("WOKEN {:?}", memory.woken);
}

/// One rotation that is struck at one call, with everything that it answers printed.
fn one<P: PostgresqlServer, R: RedisServer>(
    runtime: &tokio::runtime::Runtime,
    town: &mut Town<P, R>,
    name: &str,
    strike: Option<(usize, Way)>,
) {
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let token = town.begin(name).unwrap();
            if let Some((call, way)) = strike {
                town.gate().fail(call, way);
            }
            for step in StepName::ALL {
                let came = town.step(name, &token, step).await;
                println!("CAME {came:?}");
                if let Came::Failed(error) = came {
                    println!("ERROR {error} {error:?}");
                }
            }
        });
    }));
    println!("RAN {:?}", ran.is_ok());
    town.gate().heal();
    runtime.block_on(async {
        town.pass_minutes(61);
        println!("SWEPT {:?}", town.sweep().await);
        town.readers_become(name, true);
        town.pass_minutes(61);
        println!("LOOKED {:?}", town.look(name).await);
    });
}

#[test]
#[ignore = "another test starts it and reads what it prints"]
fn speaks() {
    let Ok(file) = std::env::var(VALUES) else { panic!("{VALUES} says where the values go") };
    log::set_boxed_logger(Box::new(Loud)).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    tracing::subscriber::set_global_default(Loud).unwrap();
    tracing::info!("the loudest there is");
    log::trace!("the loudest there is");
    let mut values = BTreeSet::new();
    let paused = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let ways = [
        Way::AnswerLost,
        Way::DeathAfter,
        Way::Panic,
        Way::Refused(PortErrorKind::Denied),
        Way::Refused(PortErrorKind::NotFound),
        Way::Refused(PortErrorKind::Unavailable),
    ];
    for name in [SINGLE, TURNS, REDIS, TOKEN, USER, KEYS, ISSUED] {
        for way in ways {
            for call in 0..24 {
                let mut town = FakeTown::new();
                one(&paused, &mut town, name, Some((call, way)));
                keep(&town, &mut values);
            }
        }
    }
    // Real servers say what they have to say, and their clients log it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (mut machines, names) in [(Machines::with_postgres(), vec![SINGLE, TURNS]), (Machines::with_redis(), vec![REDIS])] {
        for name in names {
            for bad in [false, true] {
                let mut town = machines.town();
                if bad && let Some(server) = machines.postgres.as_mut() {
                    server.run_sql("ALTER ROLE single PASSWORD 'by hand'; ALTER ROLE admin NOLOGIN");
                }
                one(&runtime, &mut town, name, None);
                keep(&town, &mut values);
                if let Some(server) = machines.postgres.as_mut() {
                    server.run_sql("ALTER ROLE admin LOGIN");
                }
            }
        }
        if let Some(server) = &machines.postgres {
            println!("STATEMENTS {}", statements(&server.log()));
        }
        if let Some(server) = &machines.redis {
            println!("REDIS {} {}", server.log(), server.command(&["SLOWLOG", "GET", "1000"]));
        }
    }
    std::fs::write(file, serde_json::to_string(&values).unwrap()).unwrap();
}

/// The server's log of statements, without the lines with which the test itself made users.
fn statements(log: &str) -> String {
    log.lines().filter(|line| !["-first'", "'by hand'", "admin-pass"].iter().any(|own| line.contains(own))).collect::<Vec<_>>().join("\n")
}

/// Everything by which a secret could be seen.
fn shapes(secret: &str) -> Vec<String> {
    let escaped: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::to_string(secret).unwrap();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let bytes = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    let mut shapes = vec![escaped, json.trim_matches('"').to_owned(), hex.to_uppercase(), hex, bytes];
    // Base64 looks different by what stands before it; the ends depend on what stands around.
    for before in ["", "x", "xx"] {
        for engine in [STANDARD.encode(format!("{before}{secret}")), URL_SAFE_NO_PAD.encode(format!("{before}{secret}"))] {
            let length = engine.len();
            shapes.extend(engine.get(4..length.saturating_sub(4)).filter(|middle| middle.len() >= TELLING).map(str::to_owned));
        }
    }
    let letters: Vec<char> = secret.chars().collect();
    shapes.extend(letters.windows(TELLING).map(|window| window.iter().collect::<String>()));
    shapes
}

#[test]
fn nothing_of_a_secret_is_ever_shown() {
    let folder = std::env::temp_dir().join(format!("nightshift-canary-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("values.json");
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["canary::speaks", "--exact", "--ignored", "--nocapture"]).env(VALUES, &file).env("RUST_BACKTRACE", "full");
    let output = child.output().unwrap();
    let shown = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let told = shown.lines().rev().take(20).collect::<Vec<_>>().join("\n");
    assert!(output.status.success(), "{told}");
    let values: BTreeSet<String> = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(values.len() > 20, "only {} values", values.len());
    for sign in ["EVENT canary", "LOG canary", "RAN false", "RAN true", "LOG tokio_postgres", "STATEMENTS ", "statement: ALTER ROLE"] {
        let sign = sign.replace(" canary", " suite::canary");
        assert!(shown.contains(&sign), "the other process did not do all: no \"{sign}\"");
    }
    let shapes: BTreeSet<String> = values.iter().filter(|value| is_telling(value)).flat_map(|value| shapes(value)).collect();
    let all_at_once = aho_corasick::AhoCorasick::new(&shapes).unwrap();
    let hits: Vec<&str> = all_at_once.find_iter(&shown).take(5).map(|hit| &shown[hit.range()]).collect();
    assert!(hits.is_empty(), "secrets are shown: {hits:?}");
    println!("{} values, {} shapes, {} bytes of output, 0 hits", values.len(), shapes.len(), shown.len());
}

/// The first values are plain words, parts of which are names of users and tests.
fn is_telling(value: &str) -> bool {
    value.len() >= 32
}
