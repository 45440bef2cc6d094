//! Secrets Manager's own cron expressions: six fields in UTC, with rules of their own ("Rotation schedules" in the Secrets
//! Manager user guide, its table of fields and wildcards).
//!
//! Owns what may be written in each field. What RotateSecret would refuse at the next `nightshift secrets sync` is told here.

use serde::{Deserialize, Serialize};

use super::schedule::LEAST_HOURS;

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// Sunday is 1.
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const LENGTHS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const HOURS_A_DAY: u32 = 24;

/// Hours at which a rotation may begin: six fields (minute, hour, day of month, month, day of week, year), in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("pattern" = r"^ *0( +[0-9A-Za-z#?*,/-]+){4} +\* *$")))]
pub struct RotationCron {
    text: String,
    /// The hours of a day, ascending; never empty.
    hours: Vec<u32>,
}

impl RotationCron {
    /// The six fields, with one space between them.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The longest window that runs neither into the next day (UTC) nor into the next hour that is named.
    pub fn longest_window(&self) -> u32 {
        let next = self.hours.iter().skip(1).copied().chain([HOURS_A_DAY]);
        self.hours.iter().zip(next).map(|(hour, next)| next - hour).min().unwrap_or(HOURS_A_DAY)
    }
}

impl From<RotationCron> for String {
    fn from(cron: RotationCron) -> Self {
        cron.text
    }
}

impl TryFrom<String> for RotationCron {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if let Some(inner) = text.trim().strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')')) {
            return Err(format!("cron( ) is put around it by Nightshift; write the six fields alone: {inner}"));
        }
        if text.trim_start().starts_with("rate(") {
            return Err("a rate is no cron expression; write every: 30d in place of cron".into());
        }
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday, year] = fields.as_slice() else {
            return Err(format!(
                "\"{text}\" has {} fields and Secrets Manager's cron has 6; write minute, hour, day of month, month, day of week and \
                 year, such as 0 4 ? * SUN#1 *",
                fields.len()
            ));
        };
        if *minute != "0" {
            return Err(format!("Secrets Manager begins on the hour, and the minute is {minute}; write 0"));
        }
        let hours = hours_of(hour)?;
        let days = days_of(day)?;
        let months = values(month, &Field { what: "month", least: 1, most: 12, names: MONTHS })?;
        check_weekday(weekday)?;
        if (*day == "?") == (*weekday == "?") {
            return Err("a day of the month and a day of the week cannot both be named, nor both left open; write ? for the other one: \
                        0 4 1 * ? * or 0 4 ? * SUN *"
                .into());
        }
        let comes = |month: &u32| LENGTHS.get(*month as usize - 1).is_some_and(|length| days.iter().any(|day| day <= length));
        if !months.iter().any(comes) {
            return Err(format!("no month of \"{month}\" has such a day; write a day that comes"));
        }
        if *year != "*" {
            return Err(format!("Secrets Manager takes every year, and the year is {year}; write *"));
        }
        Ok(Self { text: fields.join(" "), hours })
    }
}

/// One hour, or `2/10`: every ten hours of a day from 2 on. Lists and ranges are not among the documented forms.
fn hours_of(text: &str) -> Result<Vec<u32>, String> {
    let hour = |text: &str| text.parse::<u32>().ok().filter(|hour| *hour < HOURS_A_DAY && is_digits(text));
    let (first, step) = match text.split_once('/') {
        None => (hour(text), HOURS_A_DAY),
        Some(("*", step)) => return Err(format!("Secrets Manager's steps have a beginning; write 0/{step} for the hour")),
        Some((first, step)) => (if first.is_empty() { Some(0) } else { hour(first) }, hour(step).unwrap_or_default()),
    };
    let wrong = || format!("\"{text}\" is no hour of Secrets Manager's; write 0 to 23, or a step such as 2/10");
    let first = first.ok_or_else(wrong)?;
    if !(LEAST_HOURS..=HOURS_A_DAY).contains(&step) {
        return Err(format!(
            "\"{text}\" is too often: Secrets Manager rotates every {LEAST_HOURS} hours at most; write a step of {LEAST_HOURS} to 23"
        ));
    }
    let hours: Vec<u32> = (first..HOURS_A_DAY).step_by(step as usize).collect();
    // Steps begin anew each day.
    let overnight = first + HOURS_A_DAY - hours.last().copied().unwrap_or(first);
    if overnight < LEAST_HOURS {
        let last = hours.last().copied().unwrap_or(first);
        return Err(format!(
            "between {last}:00 and {first}:00 of the next day are {overnight} hours, and Secrets Manager needs {LEAST_HOURS}; write a later \
             beginning or another step"
        ));
    }
    Ok(hours)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit())
}

/// Days of the month, as they may come: L is the last one, and SUNL its last Sunday, which every month has.
fn days_of(text: &str) -> Result<Vec<u32>, String> {
    let is_last = text.strip_suffix('L').is_some_and(|weekday| weekday.is_empty() || WEEKDAYS.contains(&weekday));
    match is_last || text == "?" {
        true => Ok(vec![1]),
        false => values(text, &Field { what: "day of the month", least: 1, most: 31, names: &[] }),
    }
}

fn check_weekday(text: &str) -> Result<(), String> {
    let field = Field { what: "day of the week", least: 1, most: 7, names: WEEKDAYS };
    if matches!(text, "?" | "L") {
        return Ok(());
    }
    match text.split_once('#') {
        None => values(text, &field).map(|_| ()),
        Some((day, count)) => match field.value(day).is_some() && matches!(count, "1" | "2" | "3" | "4" | "5") {
            true => Ok(()),
            false => Err(format!("\"{text}\" is no day of the week; write such as SUN#1 for the first Sunday of a month")),
        },
    }
}

/// One field of numbers and names.
struct Field {
    what: &'static str,
    least: u32,
    most: u32,
    /// The names of the numbers from `least` on.
    names: &'static [&'static str],
}

impl Field {
    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| *name == text).and_then(|index| u32::try_from(index).ok());
        let value = named.map(|index| index + self.least).or_else(|| text.parse().ok().filter(|_| is_digits(text)));
        value.filter(|value| (self.least..=self.most).contains(value))
    }

    fn wrong(&self, text: &str) -> String {
        let Self { what, least, most, names } = self;
        let names = match (names.first(), names.last()) {
            (Some(first), Some(last)) => format!(" or {first} to {last}"),
            _ => String::new(),
        };
        format!(
            "\"{text}\" is no {what}; write *, or {least} to {most}{names}: one, a list 1,3, an ascending range 1-3 or a step {least}/3"
        )
    }
}

/// The values that a field names: `*`, or a list of values, ranges and steps.
fn values(text: &str, field: &Field) -> Result<Vec<u32>, String> {
    if text == "*" {
        return Ok((field.least..=field.most).collect());
    }
    let wrong = || field.wrong(text);
    let mut named = Vec::new();
    for part in text.split(',') {
        if let Some((first, step)) = part.split_once('/') {
            let first = field.value(first).ok_or_else(wrong)?;
            let step = step
                .parse::<usize>()
                .ok()
                .filter(|number| is_digits(step) && (1..=field.most as usize).contains(number))
                .ok_or_else(wrong)?;
            named.extend((first..=field.most).step_by(step));
        } else if let Some((first, last)) = part.split_once('-') {
            let (first, last) = field.value(first).zip(field.value(last)).filter(|(first, last)| first <= last).ok_or_else(wrong)?;
            named.extend(first..=last);
        } else {
            named.push(field.value(part).ok_or_else(wrong)?);
        }
    }
    Ok(named)
}
