//! When Secrets Manager begins a rotation, in the form that its RotateSecret takes.
//!
//! Owns the limits of an interval and of a window, which are AWS's ("Rotation schedules" in the Secrets Manager user guide).
//! A value of these types is one that RotateSecret takes.

use std::fmt;

use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use super::schedule_cron::RotationCron;
use crate::fleet::amount::{LengthVisitor, Seconds, parse_length};

const HOUR: u32 = 3_600;
const DAY: u32 = 24 * HOUR;
/// "You can rotate a secret as often as every four hours."
pub(super) const LEAST_HOURS: u32 = 4;
/// "The maximum rotation period is 999 days."
const MOST_DAYS: u32 = 999;

/// When Secrets Manager begins a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "RotationScheduleFile"))]
#[serde(try_from = "RotationScheduleFile", into = "RotationScheduleFile")]
pub struct RotationSchedule {
    /// When the time in which it may begin opens.
    pub begins: RotationTime,
    /// How long it stays open; see [`RotationSchedule::duration`].
    pub window: Option<RotationWindow>,
}

/// When the time in which a rotation may begin opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RotationTime {
    /// So long after the last one; at midnight UTC.
    Every(RotationInterval),
    /// At these hours.
    Cron(RotationCron),
}

/// A schedule as it is written: `every` or `cron`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RotationScheduleFile {
    /// How long after one rotation the next begins; 4 hours to 999 days, in whole hours or days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<RotationInterval>,
    /// Secrets Manager's cron expression of six fields in UTC, without "cron()", such as `0 4 ? * SUN#1 *`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cron: Option<RotationCron>,
    /// How long the rotation may wait until it begins; 1 to 24 whole hours, not into the next day (UTC) or the next time.
    /// Without it, one hour where it is rotated by the hour, else until midnight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<RotationWindow>,
}

impl RotationSchedule {
    /// RotateSecret's ScheduleExpression: `rate(30 days)`, `rate(12 hours)` or `cron(0 4 ? * SUN#1 *)`.
    pub fn expression(&self) -> String {
        match &self.begins {
            RotationTime::Every(interval) => interval.expression(),
            RotationTime::Cron(cron) => format!("cron({})", cron.as_str()),
        }
    }

    /// RotateSecret's Duration: `3h`. Without one, the time closes an hour later where it is rotated by the hour, else at midnight.
    pub fn duration(&self) -> Option<String> {
        self.window.map(|window| format!("{}h", window.hours()))
    }

    /// The longest window that runs neither into the next day nor into the next time.
    pub fn longest_window(&self) -> u32 {
        match &self.begins {
            RotationTime::Every(interval) => interval.hours().min(DAY / HOUR),
            RotationTime::Cron(cron) => cron.longest_window(),
        }
    }
}

/// As a person says it: "every 30d", "at cron(0 4 ? * SUN#1 *) in UTC, within 3h".
impl fmt::Display for RotationSchedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.begins {
            RotationTime::Every(interval) => write!(out, "every {interval}")?,
            RotationTime::Cron(cron) => write!(out, "at cron({}) in UTC", cron.as_str())?,
        }
        self.window.map_or(Ok(()), |window| write!(out, ", within {}h", window.hours()))
    }
}

impl TryFrom<RotationScheduleFile> for RotationSchedule {
    type Error = String;
    fn try_from(file: RotationScheduleFile) -> Result<Self, String> {
        let begins = match (file.every, file.cron) {
            (Some(interval), None) => RotationTime::Every(interval),
            (None, Some(cron)) => RotationTime::Cron(cron),
            (Some(_), Some(_)) => return Err("every and cron are two answers to one question; keep one of them".into()),
            (None, None) => return Err("it is not said when; write every: 30d, or cron: \"0 4 ? * SUN#1 *\"".into()),
        };
        Ok(Self { begins, window: file.window })
    }
}

impl From<RotationSchedule> for RotationScheduleFile {
    fn from(schedule: RotationSchedule) -> Self {
        let (every, cron) = match schedule.begins {
            RotationTime::Every(interval) => (Some(interval), None),
            RotationTime::Cron(cron) => (None, Some(cron)),
        };
        Self { every, cron, window: schedule.window }
    }
}

/// How long after one rotation the next begins: whole hours, 4 hours to 999 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(into = "String")]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("pattern" = r"^[0-9]+ ?[hd]$")))]
pub struct RotationInterval {
    hours: u32,
}

impl RotationInterval {
    /// So many hours.
    pub fn hours(self) -> u32 {
        self.hours
    }

    fn expression(self) -> String {
        let (count, unit) = match self.hours % 24 {
            0 => (self.hours / 24, "day"),
            _ => (self.hours, "hour"),
        };
        format!("rate({count} {unit}{})", if count == 1 { "" } else { "s" })
    }
}

impl fmt::Display for RotationInterval {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        Seconds::new(self.hours * HOUR).fmt(out)
    }
}

impl TryFrom<String> for RotationInterval {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let limits = format!("write {LEAST_HOURS}h to {MOST_DAYS}d");
        let Ok(seconds) = parse_length(&text) else {
            return Err(format!("\"{text}\" is no interval; write a number and h or d, such as 12h or 30d"));
        };
        match seconds {
            Some(seconds) if seconds < LEAST_HOURS * HOUR => {
                Err(format!("\"{text}\" is too often: Secrets Manager rotates every {LEAST_HOURS} hours at most; {limits}"))
            }
            Some(seconds) if seconds <= MOST_DAYS * DAY && seconds % HOUR == 0 => Ok(Self { hours: seconds / HOUR }),
            Some(seconds) if seconds <= MOST_DAYS * DAY => {
                Err(format!("\"{text}\" is no whole number of hours; write whole hours or days, such as 12h or 30d"))
            }
            _ => Err(format!("\"{text}\" is longer than Secrets Manager waits; {limits}")),
        }
    }
}

impl From<RotationInterval> for String {
    fn from(interval: RotationInterval) -> Self {
        interval.to_string()
    }
}

impl<'de> Deserialize<'de> for RotationInterval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LengthVisitor::new("an interval such as 12h or 30d", [("h", "hours"), ("d", "days")]))
    }
}

/// How long a rotation may wait until it begins: 1 to 24 whole hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(into = "String")]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("pattern" = r"^[0-9]+ ?[hd]$")))]
pub struct RotationWindow {
    hours: u32,
}

impl RotationWindow {
    /// So many hours.
    pub fn hours(self) -> u32 {
        self.hours
    }
}

impl TryFrom<String> for RotationWindow {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match parse_length(&text).ok().flatten() {
            Some(seconds) if (HOUR..=DAY).contains(&seconds) && seconds % HOUR == 0 => Ok(Self { hours: seconds / HOUR }),
            _ => Err(format!("\"{text}\" is no window of Secrets Manager; write whole hours, 1h to 24h")),
        }
    }
}

impl From<RotationWindow> for String {
    fn from(window: RotationWindow) -> Self {
        format!("{}h", window.hours)
    }
}

impl<'de> Deserialize<'de> for RotationWindow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LengthVisitor::new("a number of hours such as 3h", [("h", "hours"), ("d", "days")]))
    }
}
