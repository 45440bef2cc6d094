//! The estate of `approve`.

use nightshift_core::ports::PortResult;
use nightshift_core::release::approve::ports::{FunctionCaller, PageAddress, PipelineAnswerer, PipelineDesk};
use nightshift_core::release::approve::{PipelineAnswer, PipelineQuestion};
use serde_json::Value;

use super::Quiet;

impl PipelineDesk for Quiet {
    async fn question(&self, _: &str, _: &str) -> PortResult<Option<PipelineQuestion>> {
        self.read_ledger(None)
    }
    async fn store_question(&self, _: u64, _: &PipelineQuestion) -> PortResult<()> {
        self.note_in_ledger(())
    }
}

impl FunctionCaller for Quiet {
    async fn call_later(&self, _: &str, _: &Value) -> PortResult<()> {
        self.note()
    }
}

impl PageAddress for Quiet {
    async fn page_url(&self, _: &str) -> PortResult<String> {
        self.read_none("https://page.example/".to_owned())
    }
}

impl PipelineAnswerer for Quiet {
    async fn answer_pipeline(&self, _: &PipelineQuestion, _: &PipelineAnswer) -> PortResult<()> {
        self.change("answer_pipeline")
    }
}

impl nightshift_approve::Estate for Quiet {
    type Memory = Self;
    type Keys = Self;
    type Functions = Self;
    type Pipelines = Self;
    type People = Self;

    fn ledger(&self) -> &Self {
        self
    }
    fn keys(&self) -> &Self {
        self
    }
    fn functions(&self) -> &Self {
        self
    }
    fn pipelines(&self) -> &Self {
        self
    }
    fn people(&self) -> &Self {
        self
    }
}
