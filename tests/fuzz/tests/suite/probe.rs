//! The probe: what is done in a process of its own.

use std::process::{Command, Stdio};

use serde_json::Value;

/// What the probe tells; it must end well.
pub fn probe(arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_probe"));
    // The functions' log is long, and nobody reads it.
    let ended = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "probe {arguments:?} ended with {}: {told}", ended.status);
    serde_json::from_str(told.lines().last().unwrap_or_default()).unwrap_or_else(|error| panic!("{error}: {told}"))
}
