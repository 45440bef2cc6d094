//! What the commands need of AWS beside the functions' own ports, so that tests can stand in for it.

use jiff::Timestamp;
use nightshift_aws::FunctionAnswer;
use nightshift_core::alarms::AlarmDefinition;
use nightshift_core::ledger::{BoundsOverride, HistoryEntry, Pause, ServiceKey};
use nightshift_core::ports::PortResult;
use serde_json::Value;

/// The alarms of one account and region.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait AlarmBook {
    /// Every alarm whose name begins as ours do.
    async fn find(&self) -> PortResult<Vec<AlarmDefinition>>;

    /// Creates the alarm or makes the existing one the same.
    async fn put(&self, alarm: &AlarmDefinition) -> PortResult<()>;

    /// Deletes alarms by name; those that are gone already do not matter.
    async fn delete(&self, names: &[String]) -> PortResult<()>;
}

/// The pauses in the ledger.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait PauseBook {
    /// Sets a pause, in place of one with the same scope.
    async fn put_pause(&self, pause: &Pause) -> PortResult<()>;

    /// Ends a pause and gives it back; none if there was none.
    async fn remove_pause(&self, scope: &str) -> PortResult<Option<Pause>>;

    /// Every pause that is kept, also those that are over.
    async fn pauses(&self) -> PortResult<Vec<Pause>>;
}

/// The bounds that people set by hand.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait OverrideBook {
    /// Sets bounds, in place of those set before.
    async fn put_override(&self, key: &ServiceKey, bounds: &BoundsOverride) -> PortResult<()>;

    /// Takes them away and gives them back; none if there were none.
    async fn remove_override(&self, key: &ServiceKey) -> PortResult<Option<BoundsOverride>>;

    /// All that are kept, also those that are over.
    async fn overrides(&self) -> PortResult<Vec<(ServiceKey, BoundsOverride)>>;
}

/// What was done before.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait HistoryBook {
    /// The entries since then, newest first, at most so many.
    async fn entries(&self, key: &ServiceKey, since: Timestamp, most: usize) -> PortResult<Vec<HistoryEntry>>;
}

/// Takes people's commands, and says what it made of them.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait CommandTaker {
    /// Hands a command to a function (its name or ARN) and waits for its answer.
    async fn command(&self, function: &str, input: &Value) -> PortResult<FunctionAnswer>;
}
