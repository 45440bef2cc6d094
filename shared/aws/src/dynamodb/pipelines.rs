//! Questions of CodePipeline in the ledger: one item each, forgotten some time after they have ended.
//!
//! The item holds CodePipeline's token, which its answer needs: nobody who may not approve should read the table. Must never
//! write a question without the version that was read.

use nightshift_core::ports::PortResult;
use nightshift_core::release::approve::PipelineQuestion;
use nightshift_core::release::approve::ports::PipelineDesk;

use super::DynamoLedger;
use super::items::{self, Item};

const QUESTION: &str = "question";

impl PipelineDesk for DynamoLedger {
    async fn question(&self, pipeline: &str, id: &str) -> PortResult<Option<PipelineQuestion>> {
        let found = self.get_items(vec![question_key(pipeline, id)]).await?;
        found.first().map(question).transpose()
    }

    async fn store_question(&self, seen_version: u64, question: &PipelineQuestion) -> PortResult<()> {
        let mut item = question_key(&question.pipeline, &question.id());
        items::put_number(&mut item, items::VERSION, question.version);
        items::put_text(&mut item, QUESTION, items::to_json(question)?);
        items::put_number(&mut item, "expires_at", items::expiry(question.expires_at, self.keep.history));
        self.put_versioned(item, seen_version, QUESTION).await
    }
}

fn question_key(pipeline: &str, id: &str) -> Item {
    items::item_key(&format!("pipeline#{pipeline}"), id)
}

/// The attribute `version` is the one that conditions look at, so it wins over the one in the JSON.
fn question(item: &Item) -> PortResult<PipelineQuestion> {
    let version = items::number(item, items::VERSION)?;
    let question: PipelineQuestion =
        // The reader's own words could repeat what is stored, and with it the token.
        serde_json::from_str(items::text(item, QUESTION)?).map_err(|_| items::unreadable(item, QUESTION, "no question of a pipeline"))?;
    Ok(PipelineQuestion { version, ..question })
}
