//! Times as AWS and people write them, to the millisecond.
//!
//! Owns what counts as a readable time. Never returns "now" or a guess: an old event would look fresh.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::Value;

/// 2009-01-01T00:00:00Z, in milliseconds: CloudWatch did not exist. A zero or a language's "no time" lies before it.
const EARLIEST_MILLISECOND: i64 = 1_230_768_000_000;
/// 2100-01-01T00:00:00Z, in milliseconds: a placeholder such as year 9999 lies after it.
const LATEST_MILLISECOND: i64 = 4_102_444_800_000;
/// Numbers below this are seconds, the others milliseconds (as seconds it would be the year 5138).
const SMALLEST_EPOCH_IN_MILLISECONDS: f64 = 100_000_000_000.0;

/// Reads `2025-03-04T05:06:07.089+0000` (alarms), RFC 3339, a time without offset (AWS means UTC), and epoch
/// seconds or milliseconds; None for anything else.
pub(super) fn timestamp(value: &Value) -> Option<Timestamp> {
    let millisecond = match value {
        Value::String(text) => from_text(text.trim())?,
        Value::Number(number) => from_epoch(number.as_f64()?)?,
        _ => return None,
    };
    if !(EARLIEST_MILLISECOND..LATEST_MILLISECOND).contains(&millisecond) {
        return None;
    }
    Timestamp::from_millisecond(millisecond).ok()
}

fn from_text(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    if let Ok(number) = text.parse::<f64>() {
        return from_epoch(number);
    }
    // jiff's civil parser reads over a zone's name, which would then pass for UTC: only bare times go on.
    let (_, clock) = text.split_once(['T', 't', ' '])?;
    if !clock.chars().all(|letter| letter.is_ascii_digit() || matches!(letter, ':' | '.' | ',')) {
        return None;
    }
    let civil = text.parse::<DateTime>().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

fn from_epoch(number: f64) -> Option<i64> {
    let milliseconds = if number.abs() < SMALLEST_EPOCH_IN_MILLISECONDS { number * 1000.0 } else { number };
    // `as` saturates and turns NaN into 0; both lie outside the accepted range.
    Some(milliseconds as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        timestamp(&Value::from(text)).map(|at| format!("{at:.3}"))
    }

    #[test]
    fn every_spelling_of_one_instant_reads_the_same() {
        for spelling in [
            "2025-11-04T03:12:09.089+0000",
            "2025-11-04T03:12:09.089+00:00",
            "2025-11-04T03:12:09.089Z",
            "2025-11-04T03:12:09.089999Z",
            "2025-11-04t03:12:09.089z",
            "2025-11-04 03:12:09.089Z",
            "2025-11-04T03:12:09.089",
            "2025-11-04 03:12:09.089",
            " 2025-11-04T05:12:09.089+0200 ",
            "2025-11-03T22:12:09.089-05:00",
            "1762225929089",
            "1762225929.089",
        ] {
            assert_eq!(read(spelling).as_deref(), Some("2025-11-04T03:12:09.089Z"), "{spelling}");
        }
        assert_eq!(read("2025-11-04T03:12:09Z").as_deref(), Some("2025-11-04T03:12:09.000Z"));
        assert_eq!(read("2025-11-04T03:12Z").as_deref(), Some("2025-11-04T03:12:00.000Z"));
    }

    #[test]
    fn a_placeholder_or_an_impossible_time_is_unknown() {
        for spelling in [
            "",
            "now",
            "yyyy-mm-ddThh:mm:ssZ",
            "2025-13-40T99:00:00Z",
            "2025-11-04",
            "03:12:09",
            "2025-11-04T03:12:09+99:99",
            "2025-11-04T03:12:09[America/New_York]",
            "2025-11-04T03:12:09.089 somewhere",
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "0",
            "NaN",
            "inf",
            "-1e308",
        ] {
            assert_eq!(read(spelling), None, "{spelling}");
        }
        for value in [Value::Null, Value::from(0), Value::from(true), Value::from(vec![1_762_225_929])] {
            assert_eq!(timestamp(&value), None, "{value}");
        }
    }

    #[test]
    fn epoch_numbers_read_as_seconds_or_milliseconds() {
        let expected = timestamp(&Value::from("2025-11-04T03:12:09Z"));
        assert!(expected.is_some());
        assert_eq!(timestamp(&Value::from(1_762_225_929)), expected);
        assert_eq!(timestamp(&Value::from(1_762_225_929_000_i64)), expected);
    }
}
