//! The capabilities that approvals need besides those of [`crate::release::ports`].

use serde_json::Value;

use super::{ApprovalKey, PipelineAnswer, PipelineQuestion};
use crate::ports::PortResult;

/// Has the key that signs links.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait KeyReader {
    /// The key; `Denied` if what is stored is too weak to be one.
    async fn approval_key(&self) -> PortResult<ApprovalKey>;
}

/// Has another function look at something.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait FunctionCaller {
    /// Hands an event to a function (its name or ARN) and does not wait for what becomes of it.
    async fn call_later(&self, function: &str, event: &Value) -> PortResult<()>;
}

/// The ledger of pipelines' questions.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait PipelineDesk {
    /// A question; none if it is not there (any more).
    async fn question(&self, pipeline: &str, id: &str) -> PortResult<Option<PipelineQuestion>>;

    /// Writes the question if its stored version is still `seen_version` (0: there is none yet); `Conflict` if it is not.
    /// The stored version becomes `question.version`.
    async fn store_question(&self, seen_version: u64, question: &PipelineQuestion) -> PortResult<()>;
}

/// Answers CodePipeline.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait PipelineAnswerer {
    /// Hands the answer over; `Conflict` or `NotFound` if the question is over there.
    async fn answer_pipeline(&self, question: &PipelineQuestion, answer: &PipelineAnswer) -> PortResult<()>;
}

/// Knows where the page is.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait PageAddress {
    /// The address of a function's URL.
    async fn page_url(&self, function: &str) -> PortResult<String>;
}
