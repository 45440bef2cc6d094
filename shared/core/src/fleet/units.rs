//! Numbers of tasks and instances whose values cannot be wrong: a count, and bounds that cannot be built upside down.
//!
//! Each reads itself from what a person writes and says what to write instead when it cannot ("what is wrong; what to write").

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of ECS tasks or of instances; 0 to 5,000 (the default ECS quota of tasks in a service).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "u32")]
pub struct TaskCount(#[cfg_attr(feature = "schema", schemars(range(max = 5000)))] u32);

impl TaskCount {
    /// The largest count that may be written.
    pub const MAX: u32 = 5_000;

    /// A count, or the reason why it is none.
    pub fn new(count: u32) -> Result<Self, String> {
        if count > Self::MAX {
            return Err(format!("{count} is more than {} tasks or instances; write a smaller number", Self::MAX));
        }
        Ok(Self(count))
    }

    /// A count read from AWS or computed: anything above the largest is the largest.
    pub fn saturating(count: u64) -> Self {
        Self(u32::try_from(count).unwrap_or(u32::MAX).min(Self::MAX))
    }

    /// The bare number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for TaskCount {
    type Error = String;
    fn try_from(count: u32) -> Result<Self, String> {
        Self::new(count)
    }
}

impl fmt::Display for TaskCount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The least and the most tasks or instances; never upside down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "BoundsFile"))]
#[serde(try_from = "BoundsFile", into = "BoundsFile")]
pub struct Bounds {
    min: TaskCount,
    max: TaskCount,
}

/// Bounds as they are written.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BoundsFile {
    /// Never fewer than this many.
    min: TaskCount,
    /// Never more than this many.
    max: TaskCount,
}

impl Bounds {
    /// Bounds, or the reason why they are upside down.
    pub fn new(min: TaskCount, max: TaskCount) -> Result<Self, String> {
        if min > max {
            return Err(format!("min {min} is above max {max}; swap them or widen the range"));
        }
        Ok(Self { min, max })
    }

    /// The least.
    pub const fn min(self) -> TaskCount {
        self.min
    }

    /// The most.
    pub const fn max(self) -> TaskCount {
        self.max
    }

    /// The nearest count inside the bounds.
    pub fn clamp(self, wish: TaskCount) -> TaskCount {
        wish.clamp(self.min, self.max)
    }
}

impl TryFrom<BoundsFile> for Bounds {
    type Error = String;
    fn try_from(file: BoundsFile) -> Result<Self, String> {
        Self::new(file.min, file.max)
    }
}

impl From<Bounds> for BoundsFile {
    fn from(bounds: Bounds) -> Self {
        Self { min: bounds.min, max: bounds.max }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.min, self.max)
    }
}
