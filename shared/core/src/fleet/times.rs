//! The instants that a cron expression means in its time zone, daylight saving time followed.
//!
//! A local time that a change of clocks skips comes at the first instant after the gap; one that happens twice comes once,
//! the first time. Must never walk minute by minute: everything here is a bounded search on the calendar.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::cron::{Cron, Zone};

/// The latest instant at or before `now` that the expression names.
pub(super) fn latest(cron: &Cron, zone: &Zone, now: Timestamp) -> Option<Timestamp> {
    latest_until(cron, zone, reached(zone, now))
}

/// The latest instant that the expression names, by a local minute that was reached.
pub(super) fn latest_until(cron: &Cron, zone: &Zone, reached: DateTime) -> Option<Timestamp> {
    instant_of(zone.rules(), cron.latest_until(reached)?)
}

/// The first instant after `after` that the expression names.
pub(super) fn next(cron: &Cron, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
    let local = cron.first_after(reached(zone, after))?;
    instant_of(zone.rules(), local)
}

/// When a local time comes. Later local times never come earlier, which is what lets the search be on local times alone.
fn instant_of(rules: &TimeZone, local: DateTime) -> Option<Timestamp> {
    match rules.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
        // With the offset that holds after the gap, a skipped local time is an instant before the change.
        AmbiguousOffset::Gap { after, .. } => {
            let before_change = after.to_timestamp(local).ok()?;
            rules.following(before_change).next().map(|change| change.timestamp())
        }
    }
}

/// The latest local minute that has come by `now`. When the clock was set back that is more than the clock shows: all that
/// it showed before the change has come already.
pub(super) fn reached(zone: &Zone, now: Timestamp) -> DateTime {
    let rules = zone.rules();
    let shown = rules.to_datetime(now);
    let AmbiguousOffset::Fold { before, after } = rules.to_ambiguous_timestamp(shown).offset() else {
        return shown;
    };
    if rules.to_offset(now) != after {
        return shown;
    }
    let instant = SignedDuration::from_nanos(1);
    let change = now.checked_add(instant).ok().and_then(|just_after| rules.preceding(just_after).next());
    let last_before = change.and_then(|change| change.timestamp().checked_sub(instant).ok()).map(|last| before.to_datetime(last));
    last_before.unwrap_or(shown)
}
