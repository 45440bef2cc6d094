//! The ports that several functions have.

use std::collections::BTreeMap;

use jiff::Timestamp;
use nightshift_core::alarms::MetricQuery;
use nightshift_core::fleet::{ApproverName, DeployTarget};
use nightshift_core::ledger::{HistoryEntry, ServiceKey};
use nightshift_core::notice::Message;
use nightshift_core::ports::{AlarmReader, Messenger, PortResult, RecheckRequest, RecheckScheduler};
use nightshift_core::release::approve::ApprovalKey;
use nightshift_core::release::approve::ports::KeyReader;
use nightshift_core::release::ports::{AnswerDesk, ReleaseLedger, TargetReader};
use nightshift_core::release::{Answer, Blueprint, Book, BookView, Check, ReleaseId, RolloutNow, TargetNow};
use nightshift_core::scale::{AlarmNow, MetricValue};
use serde_json::Value;

use super::Quiet;
use crate::samples;

impl AlarmReader for Quiet {
    async fn alarms_now(&self, _: &[String]) -> PortResult<Vec<AlarmNow>> {
        self.read_none(Vec::new())
    }
    async fn newest_values(&self, queries: &[MetricQuery], _: Timestamp) -> PortResult<Vec<Option<MetricValue>>> {
        self.read_none(vec![None; queries.len()])
    }
}

impl RecheckScheduler for Quiet {
    async fn schedule(&self, _: &RecheckRequest, _: &str) -> PortResult<()> {
        self.note()
    }
}

impl Messenger for Quiet {
    async fn publish(&self, _: &str, _: &Message) -> PortResult<()> {
        self.note()
    }
}

impl KeyReader for Quiet {
    async fn approval_key(&self) -> PortResult<ApprovalKey> {
        // Always there: without it no link is ever read.
        Ok(samples::key())
    }
}

impl ReleaseLedger for Quiet {
    async fn read_book(&self, _: &ServiceKey) -> PortResult<BookView> {
        self.read_ledger(BookView::default())
    }
    async fn store_book(&self, _: &ServiceKey, _: u64, _: &Book) -> PortResult<()> {
        self.note_in_ledger(())
    }
    async fn append_release(&self, _: &ServiceKey, _: &HistoryEntry) -> PortResult<()> {
        self.note_in_ledger(())
    }
}

impl AnswerDesk for Quiet {
    async fn answers(&self, _: &ServiceKey, _: &ReleaseId, _: &str, _: &[ApproverName]) -> PortResult<BTreeMap<ApproverName, Answer>> {
        self.read_ledger(BTreeMap::new())
    }
    async fn answer(&self, _: &ServiceKey, _: &ReleaseId, _: &str, _: &ApproverName, _: &Answer) -> PortResult<()> {
        self.change("answer")
    }
    async fn count_wrong_code(&self, _: &ServiceKey, _: &ReleaseId, _: &str, _: &ApproverName) -> PortResult<u32> {
        self.note_in_ledger(1)
    }
}

impl TargetReader for Quiet {
    async fn target_now(&self, _: &DeployTarget) -> PortResult<TargetNow> {
        self.read()
    }
    async fn blueprint(&self, _: &DeployTarget, _: Option<&str>, _: Option<&str>) -> PortResult<Blueprint> {
        self.read()
    }
    async fn rollout(&self, _: &DeployTarget, _: &str, _: &str, _: Timestamp) -> PortResult<RolloutNow> {
        self.read()
    }
    async fn checks(&self, _: &DeployTarget, _: &Value) -> Vec<Check> {
        Vec::new()
    }
}
