//! What the clock changes: the bounds that a calendar sets and the times in which nothing is done.
//!
//! The entry whose time came last decides, for ever back; on the same instant the later one in the file. Takes `now` as an
//! argument; must never read a clock.

use std::fmt;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::cron::{Cron, Zone};
use super::file::Service;
use super::limits::{FreezeTime, FreezeWindow};
use super::names::RuleName;
use super::path::Path;
use super::times;
use super::units::Bounds;

/// From each time that `cron` names, these bounds hold until another entry's time comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CalendarEntry {
    /// What this time is called in notices, such as night.
    pub name: RuleName,
    /// Five fields: minute, hour, day of month, month, day of week, such as "0 20 * * MON-FRI".
    pub cron: Cron,
    /// The IANA time zone in which the clock is read, such as Europe/Berlin; daylight saving time is followed.
    pub timezone: Zone,
    /// The bounds from then on.
    pub bounds: Bounds,
}

/// The bounds that hold at a moment, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundsNow {
    /// The bounds.
    pub bounds: Bounds,
    /// Where they come from.
    pub because: BoundsSource,
}

/// Where bounds come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoundsSource {
    /// The service's own.
    Service,
    /// A calendar entry's.
    Calendar {
        /// The entry's name.
        entry: RuleName,
        /// When its time came.
        since: Timestamp,
    },
}

impl fmt::Display for BoundsSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service => out.write_str("the fleet file"),
            Self::Calendar { entry, since } => write!(out, "calendar entry {entry} since {}", since.strftime("%Y-%m-%d %H:%M UTC")),
        }
    }
}

/// A freeze that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// Why, in the words of the file.
    pub why: String,
    /// The first instant after it.
    pub until: Timestamp,
}

/// After so many firings that change nothing, any firing counts as the next change: one look too many does no harm.
const MOST_IDLE_FIRINGS: usize = 64;
/// So many firings in a row may lengthen a freeze before it counts as one without an end.
const MOST_CHAINED_FREEZES: usize = 1_000;

impl CalendarEntry {
    /// When this entry's time last came, at or before `now`.
    pub fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        times::latest(&self.cron, &self.timezone, now)
    }

    /// When this entry's time comes next, after `after`.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        times::next(&self.cron, &self.timezone, after)
    }
}

impl Service {
    /// The bounds that hold at `now`: those of the calendar entry whose time came last, else the service's own.
    pub fn bounds_at(&self, now: Timestamp) -> BoundsNow {
        // Entries mostly share a zone; what its clock shows is worked out once.
        let mut clock: Option<(&Zone, DateTime)> = None;
        let latest = self.calendar.iter().filter_map(|entry| {
            let zone = &entry.timezone;
            let reached = match clock {
                Some((known, reached)) if known == zone => reached,
                _ => clock.insert((zone, times::reached(zone, now))).1,
            };
            Some((times::latest_until(&entry.cron, zone, reached)?, entry))
        });
        match latest.max_by_key(|(since, _)| *since) {
            None => BoundsNow { bounds: self.bounds, because: BoundsSource::Service },
            Some((since, entry)) => {
                BoundsNow { bounds: entry.bounds, because: BoundsSource::Calendar { entry: entry.name.clone(), since } }
            }
        }
    }

    /// Whether the calendar makes other bounds hold at `to` than at `from`.
    pub fn calendar_changed_between(&self, from: Timestamp, to: Timestamp) -> bool {
        !self.calendar.is_empty() && self.bounds_at(from).bounds != self.bounds_at(to).bounds
    }

    /// The next instant after `after` at which the calendar makes other bounds hold.
    pub fn next_calendar_change(&self, after: Timestamp) -> Option<Timestamp> {
        let held = self.bounds_at(after).bounds;
        let next_firing = |after: Timestamp| self.calendar.iter().filter_map(|entry| entry.next(after)).min();
        let mut firing = next_firing(after)?;
        for _ in 0..MOST_IDLE_FIRINGS {
            if self.bounds_at(firing).bounds != held {
                return Some(firing);
            }
            firing = next_firing(firing)?;
        }
        self.calendar.iter().any(|entry| entry.bounds != held).then_some(firing)
    }

    /// The freeze that holds at `now`; of several the one that ends last.
    pub fn frozen_at(&self, now: Timestamp) -> Option<Frozen> {
        frozen_by(&self.limits.freeze, now)
    }
}

impl Path {
    /// The freeze that holds at `now`; of several the one that ends last.
    pub fn frozen_at(&self, now: Timestamp) -> Option<Frozen> {
        frozen_by(&self.freeze, now)
    }
}

fn frozen_by(windows: &[FreezeWindow], now: Timestamp) -> Option<Frozen> {
    let holding = windows.iter().filter_map(|window| Some((window.holds_at(now)?, window)));
    holding.max_by_key(|(until, _)| *until).map(|(until, window)| Frozen { why: window.why.clone(), until })
}

impl FreezeWindow {
    /// Until when the freeze holds, if it holds at `now`.
    pub fn holds_at(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.when {
            FreezeTime::Once { from, to } => (*from <= now && now < *to).then_some(*to),
            FreezeTime::Again { cron, timezone, lasts } => {
                let length = SignedDuration::from_secs(i64::from(lasts.get()));
                let until = times::latest(cron, timezone, now)?.checked_add(length).ok()?;
                (now < until).then(|| chained(cron, timezone, length, until).unwrap_or(Timestamp::MAX))
            }
        }
    }

    /// Whether the freeze, once begun, is begun again and again before it ends.
    pub(super) fn is_endless(&self) -> bool {
        let FreezeTime::Again { cron, timezone, lasts } = &self.when else { return false };
        let length = SignedDuration::from_secs(i64::from(lasts.get()));
        let until = times::next(cron, timezone, Timestamp::UNIX_EPOCH).and_then(|first| first.checked_add(length).ok());
        until.is_some_and(|until| chained(cron, timezone, length, until).is_none())
    }
}

/// The end of a freeze that begins again before it has ended; None when that goes on and on.
fn chained(cron: &Cron, zone: &Zone, length: SignedDuration, mut until: Timestamp) -> Option<Timestamp> {
    for _ in 0..MOST_CHAINED_FREEZES {
        // The latest firing by then began in time; nothing is skipped between.
        let end = times::latest(cron, zone, until)?.checked_add(length).ok()?;
        if end <= until {
            return Some(until);
        }
        until = end;
    }
    None
}
