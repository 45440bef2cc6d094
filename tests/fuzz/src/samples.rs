//! The material that is damaged: the sample events of `events/`, requests of the approval page, fleet files.
//!
//! Reads the checkout; damages nothing itself.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use nightshift_core::fleet::{ApproverName, Fleets, ServiceName, SystemName};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::release::ReleaseId;
use nightshift_core::release::approve::{About, ApprovalKey, Claims};
use serde_json::{Value, json};

/// A system whose names no sample has.
pub const STRANGERS: &str = include_str!("../strangers.yaml");
/// What links are signed with here.
pub const KEY: &[u8] = b"only for tests, only for tests, only for tests";
/// The time in which everything here happens: 2025-11-20 10:00 UTC.
pub const NOW_SECONDS: i64 = 1_763_632_800;

/// The checkout's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// [`NOW_SECONDS`] as a time.
pub fn now() -> Timestamp {
    Timestamp::from_second(NOW_SECONDS).expect("a time of this century")
}

/// The files of a folder with this ending and what is in them, by name.
pub fn files(folder: &Path, ending: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.is_file() && path.to_string_lossy().ends_with(ending)).collect();
    paths.sort();
    let named = |path: PathBuf| {
        let bytes = std::fs::read(&path).expect("a readable file");
        (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes)
    };
    paths.into_iter().map(named).collect()
}

/// Every sample event, by file name.
pub fn events() -> Vec<(String, Value)> {
    let folders = [root().join("events"), root().join("events/rotate")];
    let read = |(name, bytes): (String, Vec<u8>)| {
        let event = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, event)
    };
    let events: Vec<_> = folders.iter().flat_map(|folder| files(folder, ".json")).map(read).collect();
    assert!(events.len() > 40, "the samples are not where they were: {} found", events.len());
    events
}

/// The fleet files of `systems/`, which the samples speak of.
pub fn own_fleets() -> Fleets {
    nightshift_lambda::load_fleets(&root().join("systems").to_string_lossy()).unwrap_or_else(|error| panic!("{error}"))
}

/// A fleet that knows no name of the samples.
pub fn strange_fleets() -> Fleets {
    Fleets::from_files(vec![("strangers.yaml".to_owned(), STRANGERS.to_owned())]).unwrap_or_else(|error| panic!("{error}"))
}

/// The texts of all fleet files of the checkout that are good, and of some that are not.
pub fn fleet_texts() -> Vec<String> {
    let mut texts = vec![STRANGERS.to_owned()];
    for system in std::fs::read_dir(root().join("systems")).expect("systems/").flatten() {
        texts.extend(std::fs::read_to_string(system.path().join("fleet.yaml")));
    }
    texts.sort();
    texts
}

/// The key that signs links here.
pub fn key() -> ApprovalKey {
    ApprovalKey::new(KEY).expect("long enough")
}

fn named<T: TryFrom<String, Error = String>>(text: &str) -> T {
    T::try_from(text.to_owned()).unwrap_or_else(|problem| panic!("{problem}"))
}

/// What two good links say: of a release, of a pipeline.
pub fn claims() -> [Claims; 2] {
    let key = ServiceKey { system: named::<SystemName>("multi-region"), service: named::<ServiceName>("web") };
    let release = ReleaseId::from_text("20251120t095000z-455aa647b26d");
    let digest = "sha256:455aa647b26d9310341733d58b9b7442e8dac759573892e5c97103e61d136e0a".to_owned();
    let expires_at = Timestamp::from_second(NOW_SECONDS + 3_600).expect("a time of this century");
    let about_release = About::Release { key, release, digest, stage: "production".to_owned() };
    let about_pipeline =
        About::Pipeline { system: named("multi-region"), pipeline: "multi-region".to_owned(), question: "0123456789abcdef".to_owned() };
    [about_release, about_pipeline].map(|about| Claims::new(about, named::<ApproverName>("ann"), expires_at))
}

/// Requests of the approval page as a function URL hands them over.
pub fn requests() -> Vec<Value> {
    let mut requests = vec![request("GET", "", ""), request("PUT", "t=1", ""), request("HEAD", "t=ns1.e30.AA", "")];
    for claims in claims() {
        let (token, code) = (key().token(&claims), key().code(&claims));
        requests.push(request("GET", &format!("t={token}"), ""));
        requests.push(request("POST", "", &format!("t={token}&code={code}&verdict=approve")));
        requests.push(request("POST", "", &format!("t={token}&code=AAAA-BBBB&verdict=reject")));
    }
    requests
}

fn request(method: &str, query: &str, body: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": query,
        "headers": { "content-type": "application/x-www-form-urlencoded", "user-agent": "a browser" },
        "requestContext": { "http": { "method": method, "path": "/", "sourceIp": "203.0.113.7" }, "requestId": "r" },
        "body": body, "isBase64Encoded": false,
    })
}
