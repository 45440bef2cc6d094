//! Times: cron expressions in a zone, and when they come.

use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{CalendarEntry, RotationCron};
use serde_json::{Value, json};

use super::text;

/// An expression, a zone and seconds since 1970, one on each line.
pub(super) fn calendar(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let mut lines = text.lines();
    let (Some(cron), Some(zone)) = (lines.next(), lines.next()) else { return };
    let seconds = lines.next().and_then(|line| line.parse().ok()).unwrap_or(crate::samples::NOW_SECONDS);
    let Ok(now) = Timestamp::from_second(seconds) else { return };
    let file = json!({ "name": "any", "cron": cron, "timezone": zone, "bounds": { "min": 1, "max": 2 } });
    let Ok(entry) = serde_json::from_value::<CalendarEntry>(file) else { return };
    if let Some(next) = entry.next(now) {
        assert!(next > now, "{cron} in {zone}: next of {now} is {next}");
        assert_eq!(entry.latest(next), Some(next), "{cron} in {zone}: what comes at {next} is not its latest");
    }
    if let Some(latest) = entry.latest(now) {
        assert!(latest <= now, "{cron} in {zone}: latest of {now} is {latest}");
        if let Ok(before) = latest.checked_sub(SignedDuration::from_secs(1)) {
            assert_eq!(entry.next(before), Some(latest), "{cron} in {zone}: {latest} is not the next of a second before");
        }
    }
}

/// Expressions, zones (with gaps and overlaps), times about the changes of clocks and at the ends of time.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let crons = ["0 7 * * *", "*/15 0-6,22 1,15 JAN-MAR SUN", "30 2 29 2 *", "59 23 L * *", "0 0 13 * FRI", "0 0 30 2 *", "* * * * *"];
    let zones = ["UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"];
    let times = ["1763632800", "1762063200", "1774746000", "253402207200", "-377705023201", "-1"];
    let mut seeds = Vec::new();
    for cron in crons {
        for zone in zones {
            seeds.extend(times.iter().map(|time| format!("{cron}\n{zone}\n{time}").into_bytes()));
        }
    }
    seeds
}

/// A rotation's schedule in EventBridge's notation.
pub(super) fn rotation_cron(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let Ok(cron) = serde_json::from_value::<RotationCron>(Value::from(text)) else { return };
    assert!((1..=24).contains(&cron.longest_window()), "{text:?}: a window of {} hours", cron.longest_window());
    let written = serde_json::to_value(&cron).expect("written");
    assert!(serde_json::from_value::<RotationCron>(written.clone()).is_ok(), "{text:?} is written as {written}, which is refused");
}

/// Expressions as Secrets Manager takes them.
pub(super) fn rotation_seeds() -> Vec<Vec<u8>> {
    let texts =
        ["0 6 ? * SUN#1 *", "0 18 ? 1/3 WED#1 *", "0 8 1 * ? *", "0 /4 * * ? *", "0 10 ? * 6L *", "0 0 L * ? *", "cron(0 8 1 * ? *)"];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
