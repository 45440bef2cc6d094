//! How points in time are shown: in UTC, which logs and colleagues elsewhere have, and on the reader's own clock.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::Seconds;

/// `2026-11-20 22:00 UTC`, with the reader's own clock behind it where that shows something else.
pub(crate) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let utc = at.strftime("%Y-%m-%d %H:%M UTC");
    let (universal, local) = (at.to_zoned(TimeZone::UTC), at.to_zoned(zone.clone()));
    match (universal.datetime() == local.datetime(), universal.date() == local.date()) {
        (true, _) => utc.to_string(),
        (false, true) => format!("{utc} ({} here)", local.strftime("%H:%M %Z")),
        (false, false) => format!("{utc} ({} here)", local.strftime("%Y-%m-%d %H:%M %Z")),
    }
}

/// To the minute, for tables.
pub(crate) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// To the second, as the history shows it.
pub(crate) fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// So much later; the end of time if there is no such time.
pub(crate) fn after(now: Timestamp, length: Seconds) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(length.get().into())).unwrap_or(Timestamp::MAX)
}

/// So much earlier; the beginning of time if there is no such time.
pub(crate) fn before(now: Timestamp, length: Seconds) -> Timestamp {
    now.saturating_sub(SignedDuration::from_secs(length.get().into())).unwrap_or(Timestamp::MIN)
}
