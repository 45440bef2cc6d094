//! Keys and items of the ledger's table, and back to domain values.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `service#<system>/<service>` | `record` | the service's record: JSON, with version and lease beside it for people |
//! | `pause` | `all`, `system#<system>`, `service#<system>/<service>` | a pause |
//! | `override` | `service#<system>/<service>` | bounds for a while |
//! | `history#<system>/<service>` | `<time>#<plan id>` | one line of the history |
//! | `release#<system>/<service>` | `book` | the releases' book: JSON, with what people look for beside it |
//! | `answer#<system>/<service>` | `<release>#<stage>#<approver>` | an approver's answer, and how many wrong codes were typed |
//! | `rotation#<system>` | the secret's name | what is remembered of its rotation: JSON |
//! | `frontend#<system>/<front end>` | `state` | what arrived, and the invalidation in hand |

use std::collections::HashMap;
use std::fmt::Display;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use nightshift_core::fleet::{Bounds, TaskCount};
use nightshift_core::ledger::{BoundsOverride, HistoryEntry, Pause, ServiceKey, ServiceRecord};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use serde_json::json;

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) const PAUSES: &str = "pause";
pub(super) const OVERRIDES: &str = "override";
pub(super) const VERSION: &str = "version";
pub(super) const RECORD: &str = "record";

/// DynamoDB takes items of 400 KB (Service quotas); this leaves room for the other attributes.
pub(super) const ENTRY_BYTES: usize = 350_000;

pub(super) fn record_key(key: &ServiceKey) -> Item {
    item_key(&format!("service#{key}"), RECORD)
}

pub(super) fn override_key(key: &ServiceKey) -> Item {
    item_key(OVERRIDES, &format!("service#{key}"))
}

/// Of everything, of the system, of the service.
pub(super) fn pause_keys(key: &ServiceKey) -> [Item; 3] {
    [pause_key("all"), pause_key(key.system.as_str()), pause_key(&key.to_string())]
}

/// By its scope as people write it: `all`, a system, or `system/service`.
pub(super) fn pause_key(scope: &str) -> Item {
    match scope {
        "all" => item_key(PAUSES, scope),
        service if service.contains('/') => item_key(PAUSES, &format!("service#{service}")),
        system => item_key(PAUSES, &format!("system#{system}")),
    }
}

pub(super) fn history_partition(key: &impl Display) -> String {
    format!("history#{key}")
}

/// Milliseconds, always written, so that text order is time order.
pub(super) fn history_time(at: Timestamp) -> String {
    format!("{at:.3}")
}

pub(super) fn expiry(from: Timestamp, keep: Duration) -> i64 {
    from.as_second().saturating_add(i64::try_from(keep.as_secs()).unwrap_or(i64::MAX))
}

pub(super) fn partition(item: &Item) -> &str {
    item.get("pk").and_then(|pk| pk.as_s().ok()).map_or("", String::as_str)
}

pub(super) fn record_item(key: &ServiceKey, record: &ServiceRecord, expires_at: i64) -> PortResult<Item> {
    let mut item = record_key(key);
    put_number(&mut item, VERSION, record.version);
    put_text(&mut item, RECORD, to_json(record)?);
    if let Some(lease) = &record.lease {
        put_text(&mut item, "lease_owner", lease.owner.clone());
        put_text(&mut item, "lease_until", lease.until.to_string());
    }
    put_number(&mut item, "expires_at", expires_at);
    Ok(item)
}

/// The attribute `version` is the one that conditions look at, so it wins over the one in the JSON.
pub(super) fn record(item: &Item) -> PortResult<ServiceRecord> {
    let version = number(item, VERSION)?;
    let record: ServiceRecord = serde_json::from_str(text(item, RECORD)?).map_err(|error| unreadable(item, RECORD, &error.to_string()))?;
    Ok(ServiceRecord { version, ..record })
}

pub(super) fn pause_item(pause: &Pause) -> Item {
    let mut item = pause_key(&pause.scope);
    put_text(&mut item, "scope", pause.scope.clone());
    put_text(&mut item, "by", pause.by.clone());
    put_text(&mut item, "why", pause.why.clone());
    put_text(&mut item, "until", pause.until.to_string());
    put_number(&mut item, "expires_at", pause.until.as_second());
    item
}

pub(super) fn pause(item: &Item) -> PortResult<Pause> {
    Ok(Pause {
        scope: text(item, "scope")?.to_owned(),
        by: text(item, "by")?.to_owned(),
        why: text(item, "why")?.to_owned(),
        until: time(item, "until")?,
    })
}

pub(super) fn override_item(key: &ServiceKey, bounds_override: &BoundsOverride) -> Item {
    let mut item = override_key(key);
    put_text(&mut item, "service", key.to_string());
    put_number(&mut item, "min", bounds_override.bounds.min());
    put_number(&mut item, "max", bounds_override.bounds.max());
    put_text(&mut item, "by", bounds_override.by.clone());
    put_text(&mut item, "why", bounds_override.why.clone());
    put_text(&mut item, "until", bounds_override.until.to_string());
    put_number(&mut item, "expires_at", bounds_override.until.as_second());
    item
}

pub(super) fn bounds_override(item: &Item) -> PortResult<(ServiceKey, BoundsOverride)> {
    let count = |name: &str| {
        let number = u32::try_from(number(item, name)?).map_err(|error| unreadable(item, name, &error.to_string()))?;
        TaskCount::new(number).map_err(|problem| unreadable(item, name, &problem))
    };
    let bounds = Bounds::new(count("min")?, count("max")?).map_err(|problem| unreadable(item, "max", &problem))?;
    let (by, why) = (text(item, "by")?.to_owned(), text(item, "why")?.to_owned());
    Ok((service_key(item)?, BoundsOverride { bounds, by, why, until: time(item, "until")? }))
}

fn service_key(item: &Item) -> PortResult<ServiceKey> {
    let named = text(item, "service")?;
    let key = named.split_once('/').map(|(system, service)| (system.to_owned().try_into(), service.to_owned().try_into()));
    match key {
        Some((Ok(system), Ok(service))) => Ok(ServiceKey { system, service }),
        _ => Err(unreadable(item, "service", "not <system>/<service>")),
    }
}

pub(super) fn history_item(key: &impl Display, entry: &HistoryEntry, expires_at: i64) -> PortResult<Item> {
    let mut whole = to_json(entry)?;
    if whole.len() > ENTRY_BYTES {
        let outcome = json!({ "left_out": format!("{} bytes, more than an item of the ledger takes", whole.len()) });
        whole = to_json(&HistoryEntry { outcome, ..entry.clone() })?;
    }
    let mut item = item_key(&history_partition(key), &format!("{}#{}", history_time(entry.at), entry.plan_id));
    put_text(&mut item, "decision", entry.decision.clone());
    put_text(&mut item, "reason", entry.reason.clone());
    put_text(&mut item, "text", entry.text.clone());
    put_text(&mut item, "mode", entry.mode.clone());
    put_text(&mut item, "entry", whole);
    put_number(&mut item, "expires_at", expires_at);
    Ok(item)
}

pub(super) fn history_entry(item: &Item) -> PortResult<HistoryEntry> {
    serde_json::from_str(text(item, "entry")?).map_err(|error| unreadable(item, "entry", &error.to_string()))
}

pub(super) fn item_key(pk: &str, sk: &str) -> Item {
    let mut item = Item::new();
    put_text(&mut item, "pk", pk.to_owned());
    put_text(&mut item, "sk", sk.to_owned());
    item
}

pub(super) fn put_text(item: &mut Item, name: &str, value: String) {
    item.insert(name.to_owned(), AttributeValue::S(value));
}

pub(super) fn put_number(item: &mut Item, name: &str, value: impl ToString) {
    item.insert(name.to_owned(), AttributeValue::N(value.to_string()));
}

pub(super) fn to_json(value: &impl serde::Serialize) -> PortResult<String> {
    let written = serde_json::to_string(value);
    written.map_err(|error| PortError::new(PortErrorKind::Denied, "dynamodb:PutItem", format!("not to be written as JSON: {error}")))
}

pub(super) fn text<'i>(item: &'i Item, name: &str) -> PortResult<&'i str> {
    let value = item.get(name).and_then(|value| value.as_s().ok());
    value.map(String::as_str).ok_or_else(|| unreadable(item, name, "missing or no text"))
}

pub(super) fn number(item: &Item, name: &str) -> PortResult<u64> {
    let value = item.get(name).and_then(|value| value.as_n().ok()).and_then(|digits| digits.parse().ok());
    value.ok_or_else(|| unreadable(item, name, "missing or no whole number"))
}

pub(super) fn time(item: &Item, name: &str) -> PortResult<Timestamp> {
    text(item, name)?.parse().map_err(|error: jiff::Error| unreadable(item, name, &error.to_string()))
}

/// Nothing is guessed from a damaged item: a lost cooldown or pause would let too much happen. A person has to look.
pub(super) fn unreadable(item: &Item, attribute: &str, problem: &str) -> PortError {
    let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
    let what = format!("pk=\"{}\" sk=\"{}\"", part("pk"), part("sk"));
    let message = format!("the ledger's item {what} is damaged: {attribute}: {problem}; correct it or delete the item");
    PortError::new(PortErrorKind::Denied, "dynamodb:GetItem", message)
}
