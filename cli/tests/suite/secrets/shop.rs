//! The secrets of the system shop, and ways in which they stand.

use jiff::Timestamp;
use nightshift_cli::{Entry, SecretKey};
use nightshift_core::fleet::Fleets;
use nightshift_core::rotation::{HandOver, LastOutcome, PendingSeen, RotationRecord};

use crate::fakes::KeptSecret;

pub const FUNCTION: &str = "arn:aws:lambda:us-east-1:111122223333:function:nightshift-rotate";

pub fn fleets() -> Fleets {
    nightshift_cli::read_fleets(&["tests/fleets/secrets".into()]).unwrap().fleets
}

pub fn entries(fleets: &Fleets) -> Vec<Entry<'_>> {
    let of = |fleet| {
        let fleet: &nightshift_core::fleet::Fleet = fleet;
        let key = |name: &nightshift_core::fleet::SecretName| SecretKey { system: fleet.system.clone(), secret: name.clone() };
        fleet.secrets.iter().map(move |(name, secret)| Entry { key: key(name), fleet, secret }).collect::<Vec<_>>()
    };
    fleets.iter().flat_map(of).collect()
}

pub fn entry<'f>(fleets: &'f Fleets, name: &str) -> Entry<'f> {
    entries(fleets).into_iter().find(|entry| entry.key.secret.as_str() == name).unwrap()
}

pub fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// Rotated ten days ago, as its fleet file wants it.
pub fn database() -> KeptSecret {
    KeptSecret::new("shop/db", "2026-11-10T00:20:00Z").scheduled(FUNCTION, "rate(30 days)", None, "2026-12-10T23:59:59Z")
}

pub fn cache() -> KeptSecret {
    KeptSecret::new("shop/cache", "2026-11-20T17:00:00Z").scheduled(FUNCTION, "rate(30 days)", Some("3h"), "2026-12-20T23:59:59Z")
}

pub fn jwt() -> KeptSecret {
    KeptSecret::new("shop/jwt", "2026-11-01T04:10:00Z").scheduled(FUNCTION, "cron(0 4 1 * ? *)", None, "2026-12-01T23:59:59Z")
}

pub fn mail_key() -> KeptSecret {
    KeptSecret::new("shop/mail-key", "2026-10-01T12:00:00Z").valued("v1", r#"{"key":"the-old-key-of-october","host":"mail"}"#)
}

pub fn old() -> KeptSecret {
    KeptSecret::new("shop/old", "2025-01-01T00:00:00Z")
}

pub fn last(at_time: &str, code: &str, text: &str) -> Option<LastOutcome> {
    Some(LastOutcome { at: at(at_time), code: code.into(), text: text.into() })
}

/// The version is current and its readers are proven on it.
pub fn handed_over(version: &str, since: &str) -> RotationRecord {
    let since = at(since);
    let over = HandOver {
        version: version.into(),
        since,
        set_at: None,
        told_readers_at: Some(since),
        proven_at: Some(since),
        retired_at: Some(since),
    };
    let last = last(&since.to_string(), "handed_over", "every reader is healthy on the current version");
    RotationRecord { version: 3, hand_over: Some(over), last, ..RotationRecord::default() }
}

/// Its rotation is under way since then.
pub fn pending(token: &str, since: &str, set_at: Option<&str>) -> RotationRecord {
    let pending = PendingSeen { token: token.into(), since: at(since), set_at: set_at.map(at) };
    RotationRecord { version: 4, pending: Some(pending), ..RotationRecord::default() }
}

/// The version's readers were told and are not proven yet.
pub fn handing_over(version: &str, since: &str) -> RotationRecord {
    let over = HandOver { version: version.into(), since: at(since), told_readers_at: Some(at(since)), ..HandOver::default() };
    let last =
        last("2026-11-20T17:40:00Z", "readers_not_ready", "readers are not yet healthy on the current version: api being started anew");
    RotationRecord { version: 4, hand_over: Some(over), last, ..RotationRecord::default() }
}
