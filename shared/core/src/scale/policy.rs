//! What people wrote down about a service, resolved for one moment: the bounds and the freeze that hold then.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fleet::{Bounds, BoundsNow, Frozen, Service};
use crate::ledger::{BoundsOverride, ServiceKey};
use crate::scale::TargetNow;

/// A service's policy at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct ServicePolicy<'a> {
    /// Which service.
    pub key: ServiceKey,
    /// What the fleet file says of it.
    pub service: &'a Service,
    /// The bounds of fleet file and calendar at that moment.
    pub bounds: BoundsNow,
    /// The freeze window that holds at that moment.
    pub frozen: Option<Frozen>,
}

impl<'a> ServicePolicy<'a> {
    /// The policy at `now`.
    pub fn at(key: ServiceKey, service: &'a Service, now: Timestamp) -> Self {
        Self { key, service, bounds: service.bounds_at(now), frozen: service.frozen_at(now) }
    }
}

/// The bounds that a decision keeps to, and where they come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectiveBounds {
    /// The bounds.
    pub bounds: Bounds,
    /// Who says so: the fleet file, a calendar entry, an override, the group itself.
    pub source: String,
}

impl EffectiveBounds {
    /// An override counts before the calendar, the calendar before the fleet file; a group that is the service never leaves
    /// its own MinSize and MaxSize, since SetDesiredCapacity would refuse.
    pub(super) fn resolve(policy: &ServicePolicy<'_>, set_by_hand: Option<&BoundsOverride>, target: &TargetNow, now: Timestamp) -> Self {
        let wished = match set_by_hand.filter(|set| set.until > now) {
            Some(set) => Self { bounds: set.bounds, source: format!("set by {} until {}", set.by, super::reason::clock(set.until)) },
            None => Self { bounds: policy.bounds.bounds, source: policy.bounds.because.to_string() },
        };
        match target {
            TargetNow::Group(group) => wished.within(group.min, group.max),
            TargetNow::Tasks(_) | TargetNow::TasksOnGroup(..) => wished,
        }
    }

    fn within(self, min: crate::fleet::TaskCount, max: crate::fleet::TaskCount) -> Self {
        let clamp = |count: crate::fleet::TaskCount| count.max(min).min(max);
        match Bounds::new(clamp(self.bounds.min()), clamp(self.bounds.max())) {
            Ok(bounds) if bounds != self.bounds => Self { bounds, source: format!("the group's own {min}-{max}") },
            _ => self,
        }
    }
}

/// A datapoint older than this is too old to take capacity away on.
pub const SHRINK_DATA_AGE: SignedDuration = SignedDuration::from_mins(2);
/// Without a datapoint for this long, an alarm is no proof of load.
pub const GROW_DATA_AGE: SignedDuration = SignedDuration::from_mins(10);
/// An event this fresh stands in for the alarm's state when the alarm cannot be read.
pub const EVENT_FRESH: SignedDuration = SignedDuration::from_mins(2);
/// When to look again after something that passes by itself; EventBridge Scheduler keeps time to the minute.
pub const SOON: SignedDuration = SignedDuration::from_mins(1);
/// The least time to the next look, whatever the cooldown: a schedule in the past would be refused.
pub const LEAST_WAIT: SignedDuration = SignedDuration::from_secs(5);
/// When to look again while a rollout goes on.
pub const ROLLOUT_PATIENCE: SignedDuration = SignedDuration::from_mins(2);
/// For how long capacity that was asked for may take to arrive before it is counted as not coming.
pub const FLIGHT_PATIENCE: SignedDuration = SignedDuration::from_mins(5);
