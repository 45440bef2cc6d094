//! Why something is done, and why it is not: enums with the figures in them, a stable code and words for people.
//!
//! The codes are entries of docs/operations.md; renaming one is a breaking change.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fleet::{Bounds, Direction, RuleName, TaskCount};
use crate::ports::PortErrorKind;

/// Why nothing, or not everything, is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "code")]
#[allow(missing_docs, reason = "the variant says what its fields are")]
pub enum HoldReason {
    /// This very signal was dealt with before.
    AlreadyHandled { at: Timestamp },
    /// The alarm that woke us is no longer in ALARM.
    AlarmCleared { alarm: String, since: Option<Timestamp> },
    /// The alarm has no data to judge by.
    AlarmHasNoData { alarm: String },
    /// The alarm stands, but its actions are suppressed.
    AlarmSuppressed { alarm: String, by: String },
    /// The rule's alarm does not exist.
    AlarmMissing { alarm: String },
    /// No rule of the service is in ALARM and the size is within bounds.
    Quiet,
    /// The metric has had no datapoint for too long.
    MetricMissing { rule: RuleName },
    /// The metric's newest datapoint is too old to take capacity away on it.
    MetricOld { rule: RuleName, period_end: Timestamp },
    /// The alarm still stands, but the metric is back on the good side of its threshold.
    MetricBack { rule: RuleName, value: f64, threshold: f64 },
    /// A person paused it.
    Paused { by: String, why: String, until: Timestamp },
    /// A freeze window holds.
    Frozen { why: String, until: Timestamp },
    /// Too soon after the last action.
    InCooldown { direction: Direction, until: Timestamp },
    /// The size is at a bound already.
    AtBound { direction: Direction, bound: TaskCount, source: String },
    /// The hour's actions are used up.
    BudgetSpent { limit: u32, until: Timestamp },
    /// A deployment or an instance refresh is in progress.
    RolloutInProgress { rollout: String },
    /// What was asked for before is not in service yet.
    CapacityInFlight { wished: TaskCount, in_service: TaskCount },
    /// Somebody else sets the same number.
    OwnedElsewhere { owner: String },
    /// The service, cluster or group does not exist.
    ServiceMissing,
    /// The ECS service is being deleted or is gone.
    ServiceInactive { status: String },
    /// Something that the decision needs could not be read.
    Unreadable { what: String, kind: PortErrorKind },
    /// The ledger cannot be reached; taking away waits, and growing went ahead once already.
    LedgerUnavailable { kind: PortErrorKind },
    /// Another invocation acts on the service now.
    Busy { until: Timestamp },
    /// A rule that grows is in ALARM too; growing wins.
    GrowingWins { rule: RuleName },
    /// Taking away waits until every alarm that would grow is known to be OK.
    GrowAlarmUnknown { rule: RuleName },
    /// The group shrinks after its tasks, never before.
    GroupFollowsTasks,
    /// The plan did not pass its own check; a defect to report.
    PlanRejected { violation: String },
}

impl HoldReason {
    /// The stable code, as in docs/operations.md.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlreadyHandled { .. } => "already_handled",
            Self::AlarmCleared { .. } => "alarm_cleared",
            Self::AlarmHasNoData { .. } => "alarm_has_no_data",
            Self::AlarmSuppressed { .. } => "alarm_suppressed",
            Self::AlarmMissing { .. } => "alarm_missing",
            Self::Quiet => "quiet",
            Self::MetricMissing { .. } => "metric_missing",
            Self::MetricOld { .. } => "metric_old",
            Self::MetricBack { .. } => "metric_back",
            Self::Paused { .. } => "paused",
            Self::Frozen { .. } => "frozen",
            Self::InCooldown { .. } => "in_cooldown",
            Self::AtBound { .. } => "at_bound",
            Self::BudgetSpent { .. } => "budget_spent",
            Self::RolloutInProgress { .. } => "rollout_in_progress",
            Self::CapacityInFlight { .. } => "capacity_in_flight",
            Self::OwnedElsewhere { .. } => "owned_elsewhere",
            Self::ServiceMissing => "service_missing",
            Self::ServiceInactive { .. } => "service_inactive",
            Self::Unreadable { .. } => "unreadable",
            Self::LedgerUnavailable { .. } => "ledger_unavailable",
            Self::Busy { .. } => "busy",
            Self::GrowingWins { .. } => "growing_wins",
            Self::GrowAlarmUnknown { .. } => "grow_alarm_unknown",
            Self::GroupFollowsTasks => "group_follows_tasks",
            Self::PlanRejected { .. } => "plan_rejected",
        }
    }

    /// Whether people are told, once, that nothing is done for this reason. What passes by itself is not worth a message.
    pub fn is_worth_telling(&self) -> bool {
        match self {
            Self::AtBound { direction, .. } => *direction == Direction::Grow,
            Self::BudgetSpent { .. }
            | Self::OwnedElsewhere { .. }
            | Self::ServiceMissing
            | Self::ServiceInactive { .. }
            | Self::AlarmMissing { .. }
            | Self::LedgerUnavailable { .. }
            | Self::Paused { .. }
            | Self::Frozen { .. }
            | Self::PlanRejected { .. } => true,
            Self::Unreadable { kind, .. } => !kind.may_pass(),
            _ => false,
        }
    }

    /// How much the reason says when several hold; the highest is the plan's.
    pub(super) fn weight(&self) -> u8 {
        match self {
            Self::Quiet => 0,
            Self::AlarmCleared { .. } => 1,
            Self::MetricBack { .. } | Self::GroupFollowsTasks => 2,
            Self::AlarmHasNoData { .. } | Self::AlarmSuppressed { .. } | Self::AlarmMissing { .. } => 3,
            Self::MetricMissing { .. } | Self::MetricOld { .. } | Self::GrowAlarmUnknown { .. } => 4,
            _ => 5,
        }
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyHandled { at } => write!(out, "this signal was dealt with at {}", moment(*at)),
            Self::AlarmCleared { alarm, since: Some(since) } => write!(out, "{alarm} cleared at {}", moment(*since)),
            Self::AlarmCleared { alarm, since: None } => write!(out, "{alarm} has cleared"),
            Self::AlarmHasNoData { alarm } => write!(out, "{alarm} has no data to judge by"),
            Self::AlarmSuppressed { alarm, by } => write!(out, "{alarm} stands, but its actions are suppressed ({by})"),
            Self::AlarmMissing { alarm } => write!(out, "{alarm} does not exist; run: nightshift alarms sync"),
            Self::Quiet => write!(out, "no rule is in alarm and the size is within its bounds"),
            Self::MetricMissing { rule } => write!(out, "the metric of {rule} has no recent datapoint"),
            Self::MetricOld { rule, period_end } => {
                write!(out, "the newest datapoint of {rule} is from {}, too old to take capacity away", moment(*period_end))
            }
            Self::MetricBack { rule, value, threshold } => {
                write!(out, "{rule} is at {} again (threshold {})", number(*value), number(*threshold))
            }
            Self::Paused { by, why, until } => write!(out, "paused by {by} until {} ({why})", moment(*until)),
            Self::Frozen { why, until } => write!(out, "frozen until {} ({why})", moment(*until)),
            Self::InCooldown { direction: Direction::Grow, until } => write!(out, "in cooldown, may grow again at {}", clock(*until)),
            Self::InCooldown { direction: Direction::Shrink, until } => write!(out, "in cooldown, may shrink at {}", clock(*until)),
            Self::AtBound { direction: Direction::Grow, bound, source } => write!(out, "at the most already: {bound} ({source})"),
            Self::AtBound { direction: Direction::Shrink, bound, source } => write!(out, "at the least already: {bound} ({source})"),
            Self::BudgetSpent { limit, until } => {
                write!(out, "{limit} actions in an hour is the limit; the next may be at {}", clock(*until))
            }
            Self::RolloutInProgress { rollout } => write!(out, "{rollout} is in progress"),
            Self::CapacityInFlight { wished, in_service } => write!(out, "{wished} were asked for, {in_service} are in service so far"),
            Self::OwnedElsewhere { owner } => write!(out, "{owner} scales this too; remove it, or the service from the fleet file"),
            Self::ServiceMissing => write!(out, "it does not exist in this account and region; correct runs_on in the fleet file"),
            Self::ServiceInactive { status } => write!(out, "the ECS service is {status}"),
            Self::Unreadable { what, kind } => write!(out, "{what} could not be read ({kind})"),
            Self::LedgerUnavailable { kind } => write!(out, "the ledger cannot be reached ({kind}), so this waits"),
            Self::Busy { until } => write!(out, "another invocation acts on it (until {} at most)", clock(*until)),
            Self::GrowingWins { rule } => write!(out, "{rule} asks to grow, and growing wins"),
            Self::GrowAlarmUnknown { rule } => write!(out, "whether {rule} asks to grow is not known, so taking away waits"),
            Self::GroupFollowsTasks => write!(out, "the instances are looked at after the tasks have gone"),
            Self::PlanRejected { violation } => write!(out, "the plan did not pass its check: {violation}"),
        }
    }
}

/// Why a step is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "code")]
#[allow(missing_docs, reason = "the variant says what its fields are")]
pub enum StepReason {
    /// A rule's alarm is in ALARM.
    Rule { rule: RuleName, sentence: String, value: Option<f64>, wish: TaskCount },
    /// Fewer than the least.
    BelowMinimum { bounds: Bounds, source: String },
    /// More than the most.
    AboveMaximum { bounds: Bounds, source: String },
    /// The instances have no room for the tasks.
    NoRoomForTasks { tasks: u32, room: u32 },
    /// The instances have room that the tasks do not need.
    RoomToSpare { instances_needed: u32 },
}

impl StepReason {
    /// The stable code, as in docs/operations.md.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rule { .. } => "rule",
            Self::BelowMinimum { .. } => "below_minimum",
            Self::AboveMaximum { .. } => "above_maximum",
            Self::NoRoomForTasks { .. } => "no_room_for_tasks",
            Self::RoomToSpare { .. } => "room_to_spare",
        }
    }
}

impl fmt::Display for StepReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule { sentence, value: Some(value), .. } => write!(out, "{sentence}, now {}", number(*value)),
            Self::Rule { sentence, value: None, .. } => out.write_str(sentence),
            Self::BelowMinimum { bounds, source } => write!(out, "fewer than the least of {bounds} ({source})"),
            Self::AboveMaximum { bounds, source } => write!(out, "more than the most of {bounds} ({source})"),
            Self::NoRoomForTasks { tasks, room } => write!(out, "the instances have room for {room} of {tasks} more"),
            Self::RoomToSpare { instances_needed } => write!(out, "{instances_needed} instances hold all tasks"),
        }
    }
}

/// A day and time in UTC, for what may be days away.
fn moment(at: Timestamp) -> String {
    at.strftime("%b %-d, %H:%M UTC").to_string()
}

/// A time of day in UTC, as notices show it; people read minutes, so seconds are left out.
pub(crate) fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M UTC").to_string()
}

/// A number with at most two decimals and no trailing zeros.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
