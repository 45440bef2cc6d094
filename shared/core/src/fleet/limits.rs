//! How much may happen, how long to wait in between, and when nothing may happen at all.
//!
//! Field documentation here becomes the JSON schema's, so it speaks to the person who writes the file.

use jiff::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::amount::{Amount, Seconds};
use super::cron::{Cron, Zone};

/// How long to wait after an action before the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Cooldown {
    /// After growing, before growing again.
    pub grow: Seconds,
    /// After any action, before shrinking.
    pub shrink: Seconds,
}

impl Default for Cooldown {
    /// Step scaling's usual pair: a minute or two to see a new task work, five minutes of quiet before one is taken away.
    fn default() -> Self {
        Self { grow: Seconds::new(120), shrink: Seconds::new(300) }
    }
}

/// How much may happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The most actions on this service in any hour; 1 to 60.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 60)))]
    pub actions_per_hour: u32,
    /// The most tasks or instances in one action; a number or a percentage.
    pub largest_step: Amount,
    /// Times in which nothing is done.
    pub freeze: Vec<FreezeWindow>,
}

impl Default for Limits {
    /// Twelve actions an hour is one every five minutes; no step more than doubles a service.
    fn default() -> Self {
        Self { actions_per_hour: 12, largest_step: Amount::Percent(100), freeze: Vec::new() }
    }
}

/// A time in which nothing is done: once (`from`, `to`), or again and again (`cron`, `timezone`, `for`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "FreezeFile"))]
#[serde(try_from = "FreezeFile", into = "FreezeFile")]
pub struct FreezeWindow {
    /// Why, for the people who read that nothing was done.
    pub why: String,
    /// When.
    pub when: FreezeTime,
}

/// When a freeze holds.
#[derive(Clone, Debug, PartialEq)]
pub enum FreezeTime {
    /// From one instant (inclusive) to another (exclusive).
    Once {
        /// The first instant of it.
        from: Timestamp,
        /// The first instant after it.
        to: Timestamp,
    },
    /// From each time that the cron expression names, for so long.
    Again {
        /// Five fields, as in the calendar.
        cron: Cron,
        /// IANA time zone.
        timezone: Zone,
        /// How long each time.
        lasts: Seconds,
    },
}

/// A freeze window as it is written.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FreezeFile {
    /// Why; it is shown when something was not done.
    why: String,
    /// Once: from this instant, such as 2026-12-24T12:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "instant")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    from: Option<Timestamp>,
    /// Once: to this instant, not included.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "instant")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    to: Option<Timestamp>,
    /// Again and again: from each of these times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cron: Option<Cron>,
    /// The IANA time zone of `cron`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timezone: Option<Zone>,
    /// How long each time lasts, such as 48h.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    lasts: Option<Seconds>,
}

/// An instant with its offset from UTC; a local time alone would leave open which instant is meant.
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    let wrong = || D::Error::custom(format!("\"{text}\" is no instant; write it like 2026-12-24T12:00:00Z or 2026-12-24T13:00:00+01:00"));
    text.parse().map(Some).map_err(|_| wrong())
}

/// An instant where one must be written.
pub(super) fn needed_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    instant(deserializer)?.ok_or_else(|| D::Error::custom("there is no instant; write it like 2026-12-24T12:00:00Z"))
}

impl TryFrom<FreezeFile> for FreezeWindow {
    type Error = String;
    fn try_from(file: FreezeFile) -> Result<Self, String> {
        let when = match (file.from, file.to, file.cron, file.timezone, file.lasts) {
            (Some(from), Some(to), None, None, None) if from < to => FreezeTime::Once { from, to },
            (Some(from), Some(to), None, None, None) => {
                return Err(format!("from {from} is not before to {to}; swap them"));
            }
            (None, None, Some(cron), Some(timezone), Some(lasts)) => FreezeTime::Again { cron, timezone, lasts },
            _ => return Err("this does not say when; write from and to (once), or cron, timezone and for (again and again)".into()),
        };
        Ok(Self { why: file.why, when })
    }
}

impl From<FreezeWindow> for FreezeFile {
    fn from(window: FreezeWindow) -> Self {
        let nothing = Self { why: window.why, from: None, to: None, cron: None, timezone: None, lasts: None };
        match window.when {
            FreezeTime::Once { from, to } => Self { from: Some(from), to: Some(to), ..nothing },
            FreezeTime::Again { cron, timezone, lasts } => {
                Self { cron: Some(cron), timezone: Some(timezone), lasts: Some(lasts), ..nothing }
            }
        }
    }
}
