//! The capabilities that effects need, as traits in our own words; adapters live in `nightshift-aws`, fakes in tests.
//!
//! Domain types in and out; readers apart from writers. Every SDK error is one of five kinds before it gets here.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::alarms::MetricQuery;
use crate::fleet::{EcsService, TaskCount};
use crate::ledger::{HistoryEntry, LedgerView, ServiceKey, ServiceRecord};
use crate::notice::Message;
use crate::scale::{AlarmNow, GroupNow, InstanceRoom, MetricValue, OtherScaler, TaskNeed, TasksNow};

/// The five ways in which a call to AWS fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortErrorKind {
    /// What was named is not there.
    NotFound,
    /// Somebody else was first, or the thing is in a state that refuses.
    Conflict,
    /// Asked too often; asking later helps.
    Throttled,
    /// No permission, or a request that AWS refuses for good; a person is needed.
    Denied,
    /// No answer, a server's error, no time left; asking later helps.
    Unavailable,
}

impl PortErrorKind {
    /// Whether the same call may succeed later without anybody's help.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Conflict | Self::Throttled | Self::Unavailable)
    }
}

impl fmt::Display for PortErrorKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NotFound => "not found",
            Self::Conflict => "conflict",
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
        })
    }
}

/// A call to AWS that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{operation}: {kind} ({message})")]
pub struct PortError {
    /// Which of the five kinds.
    pub kind: PortErrorKind,
    /// The AWS operation, such as ecs:DescribeServices.
    pub operation: String,
    /// What AWS said, shortened; never a secret.
    pub message: String,
}

impl PortError {
    /// An error of this kind.
    pub fn new(kind: PortErrorKind, operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, operation: operation.into(), message: message.into() }
    }
}

/// What a port answers.
pub type PortResult<T> = Result<T, PortError>;

/// Reads alarms and metrics.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait AlarmReader {
    /// The present state of each named alarm; a name that has no alarm is absent from the answer.
    async fn alarms_now(&self, names: &[String]) -> PortResult<Vec<AlarmNow>>;

    /// The newest whole period of each query, in order; `None` where there is no datapoint in the last quarter of an hour.
    async fn newest_values(&self, queries: &[MetricQuery], now: Timestamp) -> PortResult<Vec<Option<MetricValue>>>;
}

/// Reads ECS services.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait TaskReader {
    /// The service as it is now.
    async fn tasks_now(&self, service: &EcsService) -> PortResult<TasksNow>;

    /// What one task of this definition needs.
    async fn task_need(&self, task_definition: &str) -> PortResult<TaskNeed>;

    /// The cluster's active instances, by ARN.
    async fn instances(&self, cluster: &str) -> PortResult<Vec<String>>;

    /// The room that is left on each of these instances; those that can take no task are left out.
    async fn instance_rooms(&self, cluster: &str, instances: &[String]) -> PortResult<Vec<InstanceRoom>>;

    /// Who else scales this service, if anybody does.
    async fn other_scaler(&self, service: &EcsService) -> PortResult<Option<OtherScaler>>;
}

/// Sets the desired count of ECS services.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait TaskScaler {
    /// Makes `to` the desired count.
    async fn set_desired_tasks(&self, service: &EcsService, to: TaskCount) -> PortResult<()>;
}

/// Reads Auto Scaling groups.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait GroupReader {
    /// The group as it is now, with what scales it besides us.
    async fn group_now(&self, group: &str) -> PortResult<GroupNow>;
}

/// Sets the desired capacity of Auto Scaling groups.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait GroupScaler {
    /// Makes `to` the desired capacity.
    async fn set_group_capacity(&self, group: &str, to: TaskCount) -> PortResult<()>;
}

/// What was done before: one record per service, pauses, overrides, history.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait Ledger {
    /// Everything that a decision on this service needs, read consistently in one call.
    async fn read(&self, key: &ServiceKey) -> PortResult<LedgerView>;

    /// Writes the record if its stored version is still `seen_version` (0: there is none yet); `Conflict` if it is not.
    /// The stored version becomes `record.version`.
    async fn store(&self, key: &ServiceKey, seen_version: u64, record: &ServiceRecord) -> PortResult<()>;

    /// Adds to the history; the same entry twice is one entry.
    async fn append(&self, key: &ServiceKey, entry: &HistoryEntry) -> PortResult<()>;
}

/// A later call of the same function for one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecheckRequest {
    /// Which service.
    pub key: ServiceKey,
    /// When.
    pub at: Timestamp,
    /// How many times in a row this episode was looked at.
    pub attempt: u32,
    /// Why, as a stable code.
    pub because: String,
    /// What makes two arrangements the same one: the schedule's name is derived from this and the key alone.
    pub token: String,
}

/// Arranges later calls.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait RecheckScheduler {
    /// Arranges the call; `Conflict` if the very same one is arranged already.
    async fn schedule(&self, request: &RecheckRequest, function_arn: &str) -> PortResult<()>;
}

/// Tells people and machines.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait Messenger {
    /// Publishes one message to one topic.
    async fn publish(&self, topic_arn: &str, message: &Message) -> PortResult<()>;
}
