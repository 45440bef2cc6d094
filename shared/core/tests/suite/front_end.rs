//! Front ends: which paths an upload makes stale, and when what is done about them.

mod decisions;
mod paths;
mod properties;

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{FrontEnd, Seconds};
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::release::front_end::*;

fn front_end(prefix: &str, hashed: &[&str]) -> FrontEnd {
    FrontEnd {
        bucket: "pizza-site".into(),
        prefix: prefix.into(),
        distribution: "E2QWRUHAPOMQZL".into(),
        settle: Seconds::new(30),
        hashed: hashed.iter().map(|pattern| (*pattern).to_owned()).collect(),
    }
}

fn key() -> FrontEndKey {
    FrontEndKey { system: "pizza".to_owned().try_into().unwrap(), name: "site".to_owned().try_into().unwrap() }
}

/// So many seconds after the beginning of the story.
fn at(seconds: i64) -> Timestamp {
    "2026-11-20T20:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
}

fn failed(kind: PortErrorKind) -> PortError {
    PortError::new(kind, "cloudfront:CreateInvalidation", "as the test wants it")
}
