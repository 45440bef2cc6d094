//! The capabilities that front ends need besides [`crate::ports`].

use jiff::Timestamp;

use super::decide::Takes;
use super::{FrontEndKey, FrontEndView, InvalidationNow, Made, Stale, Uploads, Work};
use crate::ledger::HistoryEntry;
use crate::ports::PortResult;

/// The ledger of front ends.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait FrontEndLedger {
    /// Adds stale paths to those that wait, beside any number of others that do the same; what waits then. With very many
    /// waiting, the coarse paths are added in their place, and in the end everything is stale.
    async fn note_arrival(&self, key: &FrontEndKey, stale: &Stale, now: Timestamp) -> PortResult<Uploads>;

    /// Notes when the next look is arranged.
    async fn note_look(&self, key: &FrontEndKey, at: Timestamp) -> PortResult<()>;

    /// What is remembered, read consistently in one call.
    async fn read_front_end(&self, key: &FrontEndKey) -> PortResult<FrontEndView>;

    /// Writes the work if its stored version is still `seen_version` (0: none yet), and in the same step takes what the new
    /// batch has out of what waits; `Conflict` if the version is another, or `takes` is refused.
    async fn store_work(&self, key: &FrontEndKey, seen_version: u64, work: &Work, takes: Option<&Takes>) -> PortResult<()>;

    /// Adds to the history; the same entry twice is one entry.
    async fn append_front_end(&self, key: &FrontEndKey, entry: &HistoryEntry) -> PortResult<()>;
}

/// Calls the function again for one front end.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait FrontEndTimer {
    /// Arranges a look at this whole second; `Conflict` if that very look is arranged already.
    async fn look_later(&self, key: &FrontEndKey, at: Timestamp, function_arn: &str) -> PortResult<()>;
}

/// Has a content delivery network forget files.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait Invalidator {
    /// Makes an invalidation; with a reference and paths that it was made for already, it is that one.
    async fn invalidate(&self, distribution: &str, reference: &str, paths: &[String]) -> PortResult<InvalidationNow>;

    /// An invalidation as it is now.
    async fn invalidation(&self, made: &Made) -> PortResult<InvalidationNow>;
}
