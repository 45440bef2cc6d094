//! What was run, as JSON in the build folder: `proof/<name>.json`. Tests of several processes write into one file.

use std::fs::{self, File};
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Set to 1: what was run is written down.
const WANTED: &str = "NIGHTSHIFT_PROOF";

pub(crate) fn is_wanted() -> bool {
    std::env::var(WANTED).is_ok_and(|value| value == "1")
}

/// Changes the rows of a file, which nobody else reads or writes meanwhile.
pub(crate) fn change(name: &str, command: &str, with: impl FnOnce(&mut Vec<Value>)) {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/proof"));
    fs::create_dir_all(&folder).expect("the build folder can be written to");
    let lock = File::create(folder.join(format!("{name}.lock"))).expect("a lock can be made");
    lock.lock().expect("a lock can be had");
    let path = folder.join(format!("{name}.json"));
    let known = fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok());
    let mut rows = known.and_then(|file| file.get("rows")?.as_array().cloned()).unwrap_or_default();
    with(&mut rows);
    rows.sort_by_key(|row| format!("{} {}", row["function"], row["kind"]));
    let file = json!({ "date": Timestamp::now().strftime("%Y-%m-%d").to_string(), "command": command, "rows": rows });
    fs::write(&path, format!("{file:#}\n")).expect("the build folder can be written to");
}
