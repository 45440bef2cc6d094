//! What the calendar and the freeze windows make of a moment, above all on the days when clocks are changed.

use jiff::civil::DateTime;
use jiff::tz::TimeZoneDatabase;
use jiff::{SignedDuration, Timestamp};
use nightshift_core::fleet::{BoundsSource, CalendarEntry, Frozen, Service};
use proptest::prelude::*;
use serde_json::json;

fn entry(cron: &str, zone: &str) -> CalendarEntry {
    let entry = json!({ "name": "entry", "cron": cron, "timezone": zone, "bounds": { "min": 1, "max": 2 } });
    serde_json::from_value(entry).unwrap_or_else(|error| panic!("{cron} {zone}: {error}"))
}

/// A service with bounds 2-10 and calendar entries as (name, cron, zone, min, max).
fn service(calendar: &[(&str, &str, &str, u32, u32)], freeze: serde_json::Value) -> Service {
    let calendar: Vec<_> = calendar
        .iter()
        .map(|(name, cron, zone, min, max)| json!({ "name": name, "cron": cron, "timezone": zone, "bounds": { "min": min, "max": max } }))
        .collect();
    let service = json!({
        "runs_on": { "asg": { "group": "web" } }, "bounds": { "min": 2, "max": 10 }, "calendar": calendar, "limits": { "freeze": freeze }
    });
    serde_json::from_value(service).expect("a service")
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// (what, cron, zone, now, latest at or before now, next after now)
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const CASES: &[Case] = &[
    ("the very instant has come", "0 20 * * *", "UTC", "2026-03-01T20:00:00Z", "2026-03-01T20:00:00Z", "2026-03-02T20:00:00Z"),
    ("a second before it has not", "0 20 * * *", "UTC", "2026-03-01T19:59:59Z", "2026-02-28T20:00:00Z", "2026-03-01T20:00:00Z"),
    ("the zone counts in winter", "0 20 * * *", "Europe/Berlin", "2026-01-15T19:30:00Z", "2026-01-15T19:00:00Z", "2026-01-16T19:00:00Z"),
    ("and in summer", "0 20 * * *", "Europe/Berlin", "2026-07-15T18:30:00Z", "2026-07-15T18:00:00Z", "2026-07-16T18:00:00Z"),
    // Berlin 2026-03-29: 02:00 becomes 03:00 at 01:00Z. What is skipped comes at the first instant after the gap.
    ("Berlin, skipped: before the gap", "30 2 * * *", "Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"),
    ("Berlin, skipped: at the change", "30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"),
    ("Berlin, the first minute of the gap", "0 2 * * *", "Europe/Berlin", "2026-03-29T01:10:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"),
    ("Berlin, the minute after the gap", "0 3 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"),
    ("Berlin, the evening of that day", "0 20 * * *", "Europe/Berlin", "2026-03-29T18:00:00Z", "2026-03-29T18:00:00Z", "2026-03-30T18:00:00Z"),
    // Berlin 2026-10-25: 03:00 becomes 02:00 at 01:00Z. What happens twice comes once, the first time.
    ("Berlin, twice: before", "30 2 * * *", "Europe/Berlin", "2026-10-25T00:29:59Z", "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z"),
    ("Berlin, twice: the first time", "30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
    ("Berlin, twice: the clock shows 02:15 again", "30 2 * * *", "Europe/Berlin", "2026-10-25T01:15:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
    ("Berlin, twice: the second time is none", "30 2 * * *", "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
    ("Berlin, after it", "0 3 * * *", "Europe/Berlin", "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"),
    // New York 2026-03-08: 02:00 becomes 03:00 at 07:00Z; 2026-11-01: 02:00 becomes 01:00 at 06:00Z.
    ("New York, skipped", "15 2 * * *", "America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00Z", "2026-03-09T06:15:00Z"),
    ("New York, twice: the first time", "15 1 * * *", "America/New_York", "2026-11-01T05:20:00Z", "2026-11-01T05:15:00Z", "2026-11-02T06:15:00Z"),
    ("New York, twice: the second time is none", "15 1 * * *", "America/New_York", "2026-11-01T06:20:00Z", "2026-11-01T05:15:00Z", "2026-11-02T06:15:00Z"),
    // Lord Howe moves by half an hour: 2026-04-05 02:00 becomes 01:30 (15:00Z the day before).
    ("Lord Howe, half an hour twice", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T15:20:00Z", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"),
    // Samoa left out the whole of 2011-12-30.
    ("Samoa, a day that never was", "0 12 30 12 *", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2012-12-29T22:00:00Z"),
    ("a leap day, four years", "0 0 29 2 *", "UTC", "2027-01-01T00:00:00Z", "2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z"),
    ("a leap day around 2100, eight years", "0 0 29 2 *", "UTC", "2101-01-01T00:00:00Z", "2096-02-29T00:00:00Z", "2104-02-29T00:00:00Z"),
    ("the 31st skips short months", "0 6 31 * *", "UTC", "2026-07-15T00:00:00Z", "2026-05-31T06:00:00Z", "2026-07-31T06:00:00Z"),
    ("the last day of each month", "0 6 L * *", "UTC", "2026-03-01T00:00:00Z", "2026-02-28T06:00:00Z", "2026-03-31T06:00:00Z"),
    ("the last day of December too", "0 6 L * *", "UTC", "2026-12-31T06:00:00Z", "2026-12-31T06:00:00Z", "2027-01-31T06:00:00Z"),
    ("over the year's end", "30 23 31 12 *", "UTC", "2027-01-01T00:00:00Z", "2026-12-31T23:30:00Z", "2027-12-31T23:30:00Z"),
    ("weekdays by name, over a weekend", "0 7 * * MON-FRI", "UTC", "2026-03-01T12:00:00Z", "2026-02-27T07:00:00Z", "2026-03-02T07:00:00Z"),
    ("Sunday is 0", "0 7 * * 0", "UTC", "2026-03-04T00:00:00Z", "2026-03-01T07:00:00Z", "2026-03-08T07:00:00Z"),
    ("and 7", "0 7 * * 7", "UTC", "2026-03-04T00:00:00Z", "2026-03-01T07:00:00Z", "2026-03-08T07:00:00Z"),
    ("Friday to Sunday", "0 7 * * fri-sun", "UTC", "2026-03-02T00:00:00Z", "2026-03-01T07:00:00Z", "2026-03-06T07:00:00Z"),
    ("a day of the month or of the week", "0 7 15 * MON", "UTC", "2026-03-14T00:00:00Z", "2026-03-09T07:00:00Z", "2026-03-15T07:00:00Z"),
    ("steps and lists", "*/20 8-10,18 * * *", "UTC", "2026-03-14T10:59:00Z", "2026-03-14T10:40:00Z", "2026-03-14T18:00:00Z"),
    ("a month by name", "0 0 1 jan,JUL *", "UTC", "2026-03-14T00:00:00Z", "2026-01-01T00:00:00Z", "2026-07-01T00:00:00Z"),
];

#[test]
fn times_come_when_the_local_clock_says_so() {
    for (what, cron, zone, now, latest, next) in CASES {
        let entry = entry(cron, zone);
        assert_eq!(entry.latest(at(now)), Some(at(latest)), "{what}: the latest");
        assert_eq!(entry.next(at(now)), Some(at(next)), "{what}: the next");
    }
}

const WEEK: &[(&str, &str, &str, u32, u32)] =
    &[("day", "0 6 * * MON-FRI", "Europe/Berlin", 4, 20), ("night", "0 20 * * *", "Europe/Berlin", 1, 4)];

#[test]
fn the_entry_whose_time_came_last_sets_the_bounds() {
    let service = service(WEEK, json!([]));
    for (now, entry, since, bounds) in [
        ("2026-03-02T05:00:00Z", "day", "2026-03-02T05:00:00Z", "4-20"),
        ("2026-03-02T18:59:59Z", "day", "2026-03-02T05:00:00Z", "4-20"),
        ("2026-03-02T19:00:00Z", "night", "2026-03-02T19:00:00Z", "1-4"),
        ("2026-03-08T12:00:00Z", "night", "2026-03-07T19:00:00Z", "1-4"),
        // On the day after the clocks went forward, six o'clock is an hour earlier.
        ("2026-03-30T04:00:00Z", "day", "2026-03-30T04:00:00Z", "4-20"),
    ] {
        let found = service.bounds_at(at(now));
        assert_eq!(found.because, BoundsSource::Calendar { entry: name(entry), since: at(since) }, "{now}");
        assert_eq!(found.bounds.to_string(), bounds, "{now}");
    }
}

fn name(text: &str) -> nightshift_core::fleet::RuleName {
    text.to_owned().try_into().expect("a name")
}

#[test]
fn without_a_calendar_the_service_says_so() {
    let found = service(&[], json!([])).bounds_at(at("2026-03-02T05:00:00Z"));
    assert_eq!((found.because.clone(), found.bounds.to_string().as_str()), (BoundsSource::Service, "2-10"));
    assert_eq!(found.because.to_string(), "the fleet file");
}

#[test]
fn on_the_same_instant_the_later_entry_counts() {
    let same = [("one", "0 6 * * *", "UTC", 1, 2), ("two", "0 7 * * *", "Europe/Berlin", 3, 4)];
    let found = service(&same, json!([])).bounds_at(at("2026-01-02T12:00:00Z"));
    assert_eq!(found.because, BoundsSource::Calendar { entry: name("two"), since: at("2026-01-02T06:00:00Z") });
    assert_eq!(found.because.to_string(), "calendar entry two since 2026-01-02 06:00 UTC");
}

#[test]
fn changes_are_those_of_the_bounds_in_force() {
    let service = service(WEEK, json!([]));
    let monday = at("2026-03-02T05:00:00Z");
    assert_eq!(service.next_calendar_change(at("2026-03-02T04:59:59Z")), Some(monday));
    assert_eq!(service.next_calendar_change(monday), Some(at("2026-03-02T19:00:00Z")));
    // On Saturday and Sunday evening night comes again, which changes nothing.
    assert_eq!(service.next_calendar_change(at("2026-03-06T19:00:00Z")), Some(at("2026-03-09T05:00:00Z")));
    assert!(service.calendar_changed_between(at("2026-03-02T04:59:00Z"), monday));
    assert!(!service.calendar_changed_between(monday, at("2026-03-02T18:59:00Z")));
    assert!(!service.calendar_changed_between(at("2026-03-06T20:00:00Z"), at("2026-03-08T20:00:00Z")));
}

#[test]
fn what_never_changes_has_no_next_change() {
    assert_eq!(service(&[], json!([])).next_calendar_change(at("2026-03-02T05:00:00Z")), None);
    let same = [("one", "0 6 * * *", "UTC", 1, 2), ("two", "0 7 * * *", "UTC", 1, 2)];
    assert_eq!(service(&same, json!([])).next_calendar_change(at("2026-03-02T05:00:00Z")), None);
    // A busy entry and a rare one: the look ahead ends early rather than late.
    let rare = [("often", "* * * * *", "UTC", 1, 2), ("rare", "0 7 1 1 *", "UTC", 3, 4)];
    let next = service(&rare, json!([])).next_calendar_change(at("2026-03-02T05:00:00Z"));
    assert_eq!(next, Some(at("2026-03-02T06:05:00Z")));
}

#[test]
fn a_freeze_holds_from_its_first_instant_to_the_one_after_it() {
    let freeze = json!([
        { "why": "Christmas", "from": "2026-12-24T12:00:00Z", "to": "2026-12-27T06:00:00Z" },
        { "why": "backup", "cron": "30 2 * * *", "timezone": "Europe/Berlin", "for": "1h" },
    ]);
    let service = service(&[], freeze);
    let frozen = |now: &str| service.frozen_at(at(now));
    let because = |why: &str, until: &str| Some(Frozen { why: why.into(), until: at(until) });
    assert_eq!(frozen("2026-12-24T11:59:59Z"), None);
    assert_eq!(frozen("2026-12-24T12:00:00Z"), because("Christmas", "2026-12-27T06:00:00Z"));
    assert_eq!(frozen("2026-12-27T06:00:00Z"), None);
    assert_eq!(frozen("2026-06-01T00:30:00Z"), because("backup", "2026-06-01T01:30:00Z"));
    assert_eq!(frozen("2026-06-01T01:30:00Z"), None);
    // Both at once: the one that ends last is the answer to "until when".
    assert_eq!(frozen("2026-12-25T01:45:00Z"), because("Christmas", "2026-12-27T06:00:00Z"));
    // On the spring day it begins after the gap and lasts as long as ever; on the autumn day it comes once.
    assert_eq!(frozen("2026-03-29T01:00:00Z"), because("backup", "2026-03-29T02:00:00Z"));
    assert_eq!(frozen("2026-10-25T00:45:00Z"), because("backup", "2026-10-25T01:30:00Z"));
    assert_eq!(frozen("2026-10-25T01:45:00Z"), None);
}

#[test]
fn a_freeze_that_begins_again_before_it_ends_is_one() {
    let freeze = json!([{ "why": "feast", "cron": "0 0 24-26 12 *", "timezone": "UTC", "for": "36h" }]);
    let service = service(&[], freeze);
    let until = at("2026-12-27T12:00:00Z");
    assert_eq!(service.frozen_at(at("2026-12-24T00:00:00Z")).map(|frozen| frozen.until), Some(until));
    assert_eq!(service.frozen_at(at("2026-12-27T11:59:59Z")).map(|frozen| frozen.until), Some(until));
    assert_eq!(service.frozen_at(until), None);
}

/// One field of a cron expression: its text, and whether a value is in it, kept apart from the code under test.
#[derive(Clone, Debug)]
enum Field {
    All,
    Some(Vec<i8>),
    Every(i8),
}

impl Field {
    fn text(&self) -> String {
        match self {
            Self::All => "*".into(),
            Self::Some(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            Self::Every(step) => format!("*/{step}"),
        }
    }

    fn has(&self, value: i8, least: i8) -> bool {
        match self {
            Self::All => true,
            Self::Some(values) => values.contains(&value),
            Self::Every(step) => (value - least) % step == 0,
        }
    }
}

fn field(least: i8, most: i8) -> impl Strategy<Value = Field> {
    prop_oneof![Just(Field::All), prop::collection::vec(least..=most, 1..4).prop_map(Field::Some), (2..=7_i8).prop_map(Field::Every),]
}

/// A clock on a wall: it runs minute by minute, and a local minute has come when the clock has shown it or gone past it.
fn came(fields: &[Field; 5], zone: &str, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let rules = TimeZoneDatabase::bundled().get(zone).expect("a zone");
    let minute = SignedDuration::from_mins(1);
    let mut shown: DateTime = rules.to_datetime(from);
    let (mut now, mut found) = (from, Vec::new());
    while now < to {
        now += minute;
        let local = rules.to_datetime(now);
        while shown < local {
            shown += minute;
            let day_of_week = shown.weekday().to_sunday_zero_offset();
            let (by_month, by_week) = (fields[2].has(shown.day(), 1), fields[4].has(day_of_week, 0));
            let is_restricted = |field: &Field| matches!(field, Field::Some(_));
            let is_day = if is_restricted(&fields[2]) && is_restricted(&fields[4]) { by_month || by_week } else { by_month && by_week };
            let is_time = fields[0].has(shown.minute(), 0) && fields[1].has(shown.hour(), 0) && fields[3].has(shown.month(), 1);
            if is_day && is_time {
                found.push(now);
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Around the change of clocks in several zones, against the clock on the wall.
    #[test]
    fn latest_and_next_are_those_of_a_clock_on_the_wall(
        minute in field(0, 59), hour in field(0, 5), day in field(1, 31), month in field(1, 12), weekday in field(0, 6),
        (zone, change) in prop::sample::select(vec![
            ("Europe/Berlin", "2026-03-29T01:00:00Z"), ("Europe/Berlin", "2026-10-25T01:00:00Z"),
            ("America/New_York", "2026-03-08T07:00:00Z"), ("America/New_York", "2026-11-01T06:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"), ("Africa/Casablanca", "2026-03-22T02:00:00Z"),
            ("UTC", "2028-02-29T00:00:00Z"), ("Asia/Kolkata", "2026-12-31T18:30:00Z"),
        ]),
        seconds in -3 * 86_400..3 * 86_400_i64,
    ) {
        let fields = [minute, hour, day, month, weekday];
        let text = fields.iter().map(Field::text).collect::<Vec<_>>().join(" ");
        let entry = json!({ "name": "entry", "cron": text, "timezone": zone, "bounds": { "min": 1, "max": 2 } });
        // Such as the 31st of February alone.
        let Ok(entry) = serde_json::from_value::<CalendarEntry>(entry) else { return Ok(()) };
        let now = at(change) + SignedDuration::from_secs(seconds);
        let (from, to) = (at(change) - SignedDuration::from_hours(24 * 6), at(change) + SignedDuration::from_hours(24 * 6));
        let times = came(&fields, zone, from, to);
        let (latest, next) = (times.iter().rfind(|time| **time <= now), times.iter().find(|time| **time > now));
        match latest {
            Some(latest) => prop_assert_eq!(entry.latest(now), Some(*latest), "{} {}", text, zone),
            None => prop_assert!(entry.latest(now).is_none_or(|found| found <= from), "{} {}", text, zone),
        }
        match next {
            Some(next) => prop_assert_eq!(entry.next(now), Some(*next), "{} {}", text, zone),
            None => prop_assert!(entry.next(now).is_none_or(|found| found > to), "{} {}", text, zone),
        }
    }

    /// Between a change and the next one the bounds are the same all the time.
    #[test]
    fn bounds_hold_until_the_next_change(start in 1_700_000_000..1_900_000_000_i64, part in 0.0..1.0_f64) {
        let service = service(WEEK, json!([]));
        let now = Timestamp::from_second(start).expect("a time");
        let next = service.next_calendar_change(now).expect("a change");
        let between = now + SignedDuration::from_secs(((next.as_second() - start - 1) as f64 * part) as i64);
        prop_assert!(next > now);
        prop_assert_eq!(service.bounds_at(between).bounds, service.bounds_at(now).bounds);
        prop_assert_ne!(service.bounds_at(next).bounds, service.bounds_at(now).bounds);
    }
}
