//! The capabilities that releases need besides those of [`crate::ports`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{Answer, Blueprint, Book, BookView, Check, Image, ImageRef, ReleaseId, Report, RolloutNow, ScanNow, TargetNow};
use crate::fleet::{ApproverName, DeployTarget, Replacement};
use crate::ledger::{HistoryEntry, ServiceKey};
use crate::ports::PortResult;

/// The ledger of releases: one book per service.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait ReleaseLedger {
    /// The book and what else holds for the service, read consistently in one call.
    async fn read_book(&self, key: &ServiceKey) -> PortResult<BookView>;

    /// Writes the book if its stored version is still `seen_version` (0: there is none yet); `Conflict` if it is not.
    /// The stored version becomes `book.version`.
    async fn store_book(&self, key: &ServiceKey, seen_version: u64, book: &Book) -> PortResult<()>;

    /// Adds to the history; the same entry twice is one entry.
    async fn append_release(&self, key: &ServiceKey, entry: &HistoryEntry) -> PortResult<()>;
}

/// Answers to questions: written by the page and the command line, each once; read by the release.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait AnswerDesk {
    /// The answers that there are.
    async fn answers(
        &self,
        key: &ServiceKey,
        release: &ReleaseId,
        stage: &str,
        approvers: &[ApproverName],
    ) -> PortResult<BTreeMap<ApproverName, Answer>>;

    /// Writes an answer; `Conflict` if this approver has answered already, or has typed too many wrong codes.
    async fn answer(&self, key: &ServiceKey, release: &ReleaseId, stage: &str, approver: &ApproverName, answer: &Answer) -> PortResult<()>;

    /// Counts a wrong code; how many there were, this one among them.
    async fn count_wrong_code(&self, key: &ServiceKey, release: &ReleaseId, stage: &str, approver: &ApproverName) -> PortResult<u32>;
}

/// Reads images of a registry.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait ImageReader {
    /// An image; none if it is not there.
    async fn image(&self, repository: &str, image: &ImageRef) -> PortResult<Option<Image>>;

    /// The tagged images that were pushed after `after`, the newest first, at most 100; all pages are read.
    async fn newer_images(&self, repository: &str, after: Option<Timestamp>) -> PortResult<Vec<Image>>;

    /// What scanning found.
    async fn scan(&self, repository: &str, digest: &str) -> PortResult<ScanNow>;
}

/// Reads what releases change: ECS services and Auto Scaling groups alike.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait TargetReader {
    /// The target as it is now; `NotFound` if it is not there.
    async fn target_now(&self, target: &DeployTarget) -> PortResult<TargetNow>;

    /// What it is made from; `running` is the revision that it has, where that is known already.
    async fn blueprint(&self, target: &DeployTarget, running: Option<&str>, proven: Option<&str>) -> PortResult<Blueprint>;

    /// A roll-out by its handle.
    async fn rollout(&self, target: &DeployTarget, handle: &str, to: &str, since: Timestamp) -> PortResult<RolloutNow>;

    /// Whether everything is there that `body` names besides its images: roles that may be assumed, secrets, log groups, target
    /// groups.
    async fn checks(&self, target: &DeployTarget, body: &Value) -> Vec<Check>;
}

/// Changes what runs.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait TargetDeployer {
    /// Makes a task definition revision or a launch template version with this content, as a copy of `from`; its name.
    async fn make_revision(&self, target: &DeployTarget, from: &str, body: &Value, release: &ReleaseId) -> PortResult<String>;

    /// Has the target move from the revision that was seen to another, or start everything anew where both are the same; `Conflict`
    /// if it is set to another by now. Never sends a desired count. The roll-out's handle.
    async fn roll_out(&self, target: &DeployTarget, seen: &str, to: &str, replacement: &Replacement) -> PortResult<Option<String>>;

    /// Has ECS or Auto Scaling take back a roll-out that is under way; `Conflict` or `Denied` where it cannot.
    async fn take_back(&self, target: &DeployTarget, handle: &str) -> PortResult<()>;
}

/// Tells other regions.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait Neighbours {
    /// Hands a report to one region's event bus.
    async fn tell(&self, region: &str, report: &Report) -> PortResult<()>;
}
