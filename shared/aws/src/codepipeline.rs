//! CodePipeline: answering the question of a manual approval action.
//!
//! The token goes into the request and nowhere else.

use nightshift_core::ports::{PortError, PortResult};
use nightshift_core::release::Verdict;
use nightshift_core::release::approve::ports::PipelineAnswerer;
use nightshift_core::release::approve::{PipelineAnswer, PipelineQuestion};
use serde_json::json;

use crate::call::AwsCaller;
use crate::call::services::CODEPIPELINE;

const PUT_APPROVAL_RESULT: &str = "codepipeline:PutApprovalResult";

/// CodePipeline, in the region of each question.
#[derive(Clone, Debug)]
pub struct Pipelines {
    caller: AwsCaller,
}

impl Pipelines {
    /// Called with `caller`.
    pub fn new(caller: AwsCaller) -> Self {
        Self { caller }
    }
}

impl PipelineAnswerer for Pipelines {
    async fn answer_pipeline(&self, question: &PipelineQuestion, answer: &PipelineAnswer) -> PortResult<()> {
        let status = match answer.verdict {
            Verdict::Approve => "Approved",
            Verdict::Reject => "Rejected",
        };
        let body = json!({
            "pipelineName": question.pipeline,
            "stageName": question.stage,
            "actionName": question.action,
            "token": question.token.expose(),
            "result": { "status": status, "summary": answer.summary },
        });
        let caller = match &question.region {
            Some(region) => self.caller.in_region(region),
            None => self.caller.clone(),
        };
        let answered = caller.json(&CODEPIPELINE, PUT_APPROVAL_RESULT, &body).await;
        answered.map(|_| ()).map_err(|error| without_token(error, question.token.expose()))
    }
}

/// A refused request may be told back with its values, the token among them, and perhaps cut off within it.
fn without_token(mut error: PortError, token: &str) -> PortError {
    let start = token.get(..8).and_then(|start| error.message.find(start));
    if let Some(start) = start {
        error.message.truncate(start);
        error.message.push_str("(token)");
    }
    error
}
