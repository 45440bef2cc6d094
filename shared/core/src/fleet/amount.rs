//! How much a rule adds or removes and how long something lasts: written `2`, `"30%"`, `90s`, `2m`.
//!
//! Owns the two notations and what is said when they are not met; must never guess a unit that was not written.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};

use super::units::TaskCount;

/// How much to add, remove, or move at most: a number of tasks, or a percentage of the present number (rounded up, at least 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "AmountFile")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "AmountFile"))]
pub enum Amount {
    /// So many tasks or instances; at least 1.
    Units(u32),
    /// So many per cent of the present number; 1 to 1,000.
    Percent(u32),
}

/// An amount as it is written: `2` or `"30%"`.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum AmountFile {
    /// A number of tasks or instances.
    Units(#[cfg_attr(feature = "schema", schemars(range(min = 1, max = 5000)))] u32),
    /// A percentage of the present number, such as "30%".
    Percent(#[cfg_attr(feature = "schema", schemars(extend("pattern" = r"^[0-9]{1,4} ?%$")))] String),
}

/// Not serde's untagged: "data did not match any variant" helps nobody.
struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a number such as 2, or a percentage such as \"30%\"")
    }

    fn visit_u64<E: de::Error>(self, units: u64) -> Result<Amount, E> {
        Amount::try_from(AmountFile::Units(u32::try_from(units).unwrap_or(u32::MAX))).map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
        Amount::try_from(AmountFile::Percent(text.to_owned())).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

impl Amount {
    /// The amount in tasks, seen from `current`: percentages are rounded up so that a rule never means "nothing".
    pub fn of(self, current: TaskCount) -> u32 {
        match self {
            Self::Units(units) => units,
            Self::Percent(percent) => (u64::from(current.get()) * u64::from(percent)).div_ceil(100).max(1) as u32,
        }
    }
}

impl TryFrom<AmountFile> for Amount {
    type Error = String;
    fn try_from(file: AmountFile) -> Result<Self, String> {
        match file {
            AmountFile::Units(0) => Err("0 does nothing; write at least 1, or a percentage such as \"30%\"".into()),
            AmountFile::Units(units) if units > TaskCount::MAX => {
                Err(format!("{units} is more than {}; write a smaller number", TaskCount::MAX))
            }
            AmountFile::Units(units) => Ok(Self::Units(units)),
            AmountFile::Percent(text) => match text.strip_suffix('%').map(str::trim).map(str::parse::<u32>) {
                Some(Ok(percent @ 1..=1000)) => Ok(Self::Percent(percent)),
                _ => Err(format!("\"{text}\" is no amount; write a number such as 2, or a percentage from \"1%\" to \"1000%\"")),
            },
        }
    }
}

impl From<Amount> for AmountFile {
    fn from(amount: Amount) -> Self {
        match amount {
            Amount::Units(units) => Self::Units(units),
            Amount::Percent(percent) => Self::Percent(format!("{percent}%")),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Units(units) => units.fmt(out),
            Self::Percent(percent) => write!(out, "{percent} %"),
        }
    }
}

/// A length of time in whole seconds, written `90s`, `2m`, `1h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(into = "String")]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("pattern" = r"^[0-9]+ ?[smhd]$")))]
pub struct Seconds(u32);

impl Seconds {
    /// The longest that may be written: a leap year.
    pub const MAX: u32 = 366 * 86_400;

    /// So many seconds.
    pub const fn new(seconds: u32) -> Self {
        Self(seconds)
    }

    /// The bare number of seconds.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The seconds of a length of time as it is written; none if they are more than can be counted.
pub(super) fn parse_length(text: &str) -> Result<Option<u32>, String> {
    let wrong = || format!("\"{text}\" is no length of time; write a number and a unit, such as 90s, 2m, 1h or 7d");
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match text.get(digits.len()..).unwrap_or_default() {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let digits = digits.trim_end();
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_ascii_digit()) {
        return Err(wrong());
    }
    Ok(digits.parse::<u32>().ok().and_then(|number| number.checked_mul(factor)))
}

impl TryFrom<String> for Seconds {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let seconds = parse_length(&text)?.filter(|seconds| *seconds <= Self::MAX);
        seconds.map(Self).ok_or_else(|| format!("\"{text}\" is longer than a year; write at most 366d"))
    }
}

/// Reads any length of time; a number without its unit gets an answer of its own.
pub(super) struct LengthVisitor<T> {
    expecting: &'static str,
    /// Two units that were perhaps meant, and their names.
    units: [(&'static str, &'static str); 2],
    of: PhantomData<T>,
}

impl<T> LengthVisitor<T> {
    pub(super) fn new(expecting: &'static str, units: [(&'static str, &'static str); 2]) -> Self {
        Self { expecting, units, of: PhantomData }
    }
}

impl<T: TryFrom<String, Error = String>> Visitor<'_> for LengthVisitor<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.expecting)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::try_from(text.to_owned()).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        let [(one, ones), (other, others)] = self.units;
        Err(E::custom(format!("{number} has no unit; write {number}{one} for {ones} or {number}{other} for {others}")))
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let units = [("s", "seconds"), ("m", "minutes")];
        deserializer.deserialize_any(LengthVisitor::new("a length of time such as 90s, 2m, 1h or 7d", units))
    }
}

impl From<Seconds> for String {
    fn from(seconds: Seconds) -> Self {
        seconds.to_string()
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => write!(out, "0s"),
            seconds if seconds % 86_400 == 0 => write!(out, "{}d", seconds / 86_400),
            seconds if seconds % 3_600 == 0 => write!(out, "{}h", seconds / 3_600),
            seconds if seconds % 60 == 0 => write!(out, "{}m", seconds / 60),
            seconds => write!(out, "{seconds}s"),
        }
    }
}
