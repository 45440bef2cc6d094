//! What the commands need of AWS beside the functions' own ports, so that tests can stand in for it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use nightshift_aws::{FunctionAnswer, RotationSetup};
use nightshift_core::alarms::AlarmDefinition;
use nightshift_core::ledger::{BoundsOverride, HistoryEntry, Pause, ServiceKey};
use nightshift_core::ports::PortResult;
use nightshift_core::rotation::SecretNow;
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

/// The secrets of one account and region, without their values.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait SecretBook {
    /// A secret by its name, and how Secrets Manager rotates it; `NotFound` if there is no such secret.
    async fn secret_and_setup(&self, secret: &str) -> PortResult<(SecretNow, Option<RotationSetup>)>;

    /// When each of its versions was made.
    async fn versions_made_at(&self, secret: &str) -> PortResult<BTreeMap<String, Timestamp>>;
}

/// Says when secrets are rotated, and by whom.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait RotationDesk {
    /// Has a secret rotated so from now on; `token` is a new id for each call.
    async fn set_rotation(&self, secret: &str, setup: &RotationSetup, token: &str) -> PortResult<()>;

    /// Has it no longer rotated.
    async fn stop_rotation(&self, secret: &str) -> PortResult<()>;
}
