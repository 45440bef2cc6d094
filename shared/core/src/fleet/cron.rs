//! A five-field cron expression and an IANA time zone, parsed once when the file is read.
//!
//! Owns which local minutes an expression names and finding the nearest one; `times` turns them into instants. The fields
//! are bit sets, so that a decision costs no parsing and no allocation. Must never read a system's own time zone files.

use std::fmt;

use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

/// Five fields (minute, hour, day of month, month, day of week) that name local times.
///
/// When day of month and day of week are both restricted, either may match, as in Vixie cron; otherwise both must.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String"))]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    is_last_day_named: bool,
    months: u64,
    /// Sunday is 0.
    weekdays: u64,
    is_either_day_enough: bool,
}

/// The Gregorian calendar repeats after 400 years: what does not come within them never comes.
const CYCLE_YEARS: i16 = 400;

impl Cron {
    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The latest named minute that is not after `local`.
    pub(super) fn latest_until(&self, local: DateTime) -> Option<DateTime> {
        let mut date = local.date();
        if self.names_day(date)
            && let Some(time) = self.latest_minute(u32::from(local.hour().unsigned_abs()), u32::from(local.minute().unsigned_abs()))
        {
            return at(date, time);
        }
        let first_year = date.year().checked_sub(CYCLE_YEARS)?;
        loop {
            date = match self.names_month(date) {
                true => date.yesterday().ok()?,
                false => date.first_of_month().yesterday().ok()?,
            };
            if date.year() < first_year {
                return None;
            }
            if self.names_day(date) {
                return at(date, self.latest_minute(23, 59)?);
            }
        }
    }

    /// The first named minute that is after the minute of `local`.
    pub(super) fn first_after(&self, local: DateTime) -> Option<DateTime> {
        let mut date = local.date();
        if self.names_day(date)
            && let Some(time) = self.first_minute_after(u32::from(local.hour().unsigned_abs()), u32::from(local.minute().unsigned_abs()))
        {
            return at(date, time);
        }
        let last_year = date.year().checked_add(CYCLE_YEARS)?;
        loop {
            date = match self.names_month(date) {
                true => date.tomorrow().ok()?,
                false => date.last_of_month().tomorrow().ok()?,
            };
            if date.year() > last_year {
                return None;
            }
            if self.names_day(date) {
                return at(date, (self.hours.trailing_zeros(), self.minutes.trailing_zeros()));
            }
        }
    }

    fn names_month(&self, date: Date) -> bool {
        has(self.months, u32::from(date.month().unsigned_abs()))
    }

    fn names_day(&self, date: Date) -> bool {
        if !self.names_month(date) {
            return false;
        }
        let is_last = self.is_last_day_named && date.day() == date.days_in_month();
        let by_month = is_last || has(self.days, u32::from(date.day().unsigned_abs()));
        let by_week = has(self.weekdays, u32::from(date.weekday().to_sunday_zero_offset().unsigned_abs()));
        match self.is_either_day_enough {
            true => by_month || by_week,
            false => by_month && by_week,
        }
    }

    fn latest_minute(&self, hour: u32, minute: u32) -> Option<(u32, u32)> {
        if has(self.hours, hour)
            && let Some(found) = highest(self.minutes & through(minute))
        {
            return Some((hour, found));
        }
        let earlier_hours = self.hours & through(hour) & !(1 << hour);
        Some((highest(earlier_hours)?, highest(self.minutes)?))
    }

    fn first_minute_after(&self, hour: u32, minute: u32) -> Option<(u32, u32)> {
        if has(self.hours, hour)
            && let Some(found) = lowest(self.minutes & !through(minute))
        {
            return Some((hour, found));
        }
        Some((lowest(self.hours & !through(hour))?, lowest(self.minutes)?))
    }
}

fn at(date: Date, (hour, minute): (u32, u32)) -> Option<DateTime> {
    let (hour, minute) = (i8::try_from(hour).ok()?, i8::try_from(minute).ok()?);
    DateTime::new(date.year(), date.month(), date.day(), hour, minute, 0, 0).ok()
}

const fn has(set: u64, value: u32) -> bool {
    set & (1 << value) != 0
}

/// All bits up to and with `value`; values stay below 60.
const fn through(value: u32) -> u64 {
    (1 << (value + 1)) - 1
}

fn highest(set: u64) -> Option<u32> {
    (set != 0).then(|| 63 - set.leading_zeros())
}

fn lowest(set: u64) -> Option<u32> {
    (set != 0).then(|| set.trailing_zeros())
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl TryFrom<String> for Cron {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(not_five_fields(&text, fields.len()));
        };
        let (day, is_last_day_named) = without_last_day(day);
        let cron = Self {
            minutes: MINUTE.parse(minute)?,
            hours: HOUR.parse(hour)?,
            days: if day.is_empty() { 0 } else { DAY.parse(&day)? },
            is_last_day_named,
            months: MONTH.parse(month)?,
            // 7 is Sunday too.
            weekdays: WEEKDAY.parse(weekday).map(|set| (set | (set >> 7)) & through(6))?,
            is_either_day_enough: !day.starts_with('*') && !weekday.starts_with('*'),
            text,
        };
        match cron.first_after(DateTime::constant(2000, 1, 1, 0, 0, 0, 0)) {
            Some(_) => Ok(cron),
            None => Err(format!("\"{}\" never comes; name a day that its months have", cron.text)),
        }
    }
}

fn not_five_fields(text: &str, count: usize) -> String {
    let aws = if text.starts_with("cron(") || text.starts_with("rate(") || text.contains('?') { ", not in EventBridge's form" } else { "" };
    format!(
        "\"{text}\" has {count} fields, cron has five; write minute, hour, day of month, month and day of week{aws}, such as \"0 20 * * MON-FRI\""
    )
}

/// `L`, the last day of the month, stands beside the numbers: 31 means only months that have one.
fn without_last_day(field: &str) -> (String, bool) {
    let others: Vec<&str> = field.split(',').filter(|item| *item != "L").collect();
    (others.join(","), field.split(',').any(|item| item == "L"))
}

/// What one of the five fields may hold.
struct Field {
    what: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const MINUTE: Field = Field { what: "minute", least: 0, most: 59, names: &[] };
const HOUR: Field = Field { what: "hour", least: 0, most: 23, names: &[] };
const DAY: Field = Field { what: "day of month", least: 1, most: 31, names: &[] };
const MONTH: Field = Field {
    what: "month",
    least: 1,
    most: 12,
    names: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
const WEEKDAY: Field = Field { what: "day of week", least: 0, most: 7, names: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] };

impl Field {
    fn parse(&self, text: &str) -> Result<u64, String> {
        text.split(',').try_fold(0, |set, item| Ok(set | self.parse_item(item)?))
    }

    /// `*`, `5`, `1-5`, `*/15`, `10-40/5`, `10/5` (from 10 to the end).
    fn parse_item(&self, item: &str) -> Result<u64, String> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, self.parse_step(item, step)?),
            None => (item, 1),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.least, if self.what == WEEKDAY.what { 6 } else { self.most }),
            Some((first, last)) => (self.parse_value(first)?, self.parse_last(first, last)?),
            None if item.contains('/') => (self.parse_value(range)?, self.most),
            None => (self.parse_value(range)?, self.parse_value(range)?),
        };
        if first > last {
            return Err(format!("{} {range} runs backwards; write two ranges with a comma between them", self.what));
        }
        Ok((first..=last).step_by(step).fold(0, |set, value| set | (1 << value)))
    }

    fn parse_step(&self, item: &str, step: &str) -> Result<usize, String> {
        match step.parse::<usize>() {
            Ok(step) if (1..=60).contains(&step) => Ok(step),
            _ => Err(format!("\"{item}\" is no {} with a step; write a number from 1 to {} after the /", self.what, self.most)),
        }
    }

    /// The end of a range; Sunday ends a week as 7, so that FRI-SUN means what it says.
    fn parse_last(&self, first: &str, last: &str) -> Result<u32, String> {
        let value = self.parse_value(last)?;
        Ok(if self.what == WEEKDAY.what && value == 0 && self.parse_value(first)? > 0 { 7 } else { value })
    }

    fn parse_value(&self, text: &str) -> Result<u32, String> {
        let by_name = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)).and_then(|at| u32::try_from(at).ok());
        if let Some(index) = by_name {
            return Ok(index + self.least);
        }
        match text.parse::<u32>() {
            Ok(value) if (self.least..=self.most).contains(&value) && !text.starts_with('+') => Ok(value),
            _ => Err(self.wrong(text)),
        }
    }

    fn wrong(&self, text: &str) -> String {
        let names = match self.names {
            [first, .., last] => format!(" or a name ({first} to {last})"),
            _ => String::new(),
        };
        let hint = if text == "?" { "; write * where EventBridge has ?" } else { "" };
        format!("{} \"{text}\" is not possible; write a number from {} to {}{names}{hint}", self.what, self.least, self.most)
    }
}

/// An IANA time zone by name, such as Europe/Berlin or UTC; its rules are bundled with Nightshift.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "String"))]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    pub(super) fn rules(&self) -> &TimeZone {
        &self.rules
    }
}

impl TryFrom<String> for Zone {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        match TimeZoneDatabase::bundled().get(&name) {
            Ok(rules) if !rules.is_unknown() => Ok(Self { name, rules }),
            _ => {
                let names: Vec<String> = TimeZoneDatabase::bundled().available().map(|known| known.to_string()).collect();
                let remedy = match super::read::nearest(&name, names.iter().map(String::as_str)) {
                    Some(known) => format!("did you mean {known}?"),
                    None => "write an IANA name such as Europe/Berlin, or UTC".to_owned(),
                };
                Err(format!("there is no time zone \"{name}\"; {remedy}"))
            }
        }
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}
