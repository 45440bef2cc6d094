//! The ledger on DynamoDB: one table with keys `pk` and `sk` and the time-to-live attribute `expires_at` (epoch seconds).
//!
//! Owns keys, conditions and what is forgotten when; `items` holds the mapping, `people` what the CLI does. Must never write
//! a service's record without the version that was read, and never judge whether a pause is over: core compares times.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValuesOnConditionCheckFailure};
use aws_types::SdkConfig;
use jiff::Timestamp;
use nightshift_core::ledger::{HistoryEntry, LedgerView, Pause, ServiceKey, ServiceRecord};
use nightshift_core::ports::{Ledger, PortError, PortErrorKind, PortResult};

use crate::error::port_error;
use items::Item;

mod front_ends;
mod items;
mod people;
mod pipelines;
mod releases;
mod rotations;

pub use people::HistoryQuery;

const BATCH_GET: &str = "dynamodb:BatchGetItem";
const PUT_ITEM: &str = "dynamodb:PutItem";
const UPDATE_ITEM: &str = "dynamodb:UpdateItem";

const DAY: Duration = Duration::from_secs(86_400);

/// How long what is written is kept. DynamoDB deletes within a few days after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// A service's record, after its last write.
    pub records: Duration,
    /// A line of the history.
    pub history: Duration,
}

impl Default for Keep {
    fn default() -> Self {
        Self { records: 30 * DAY, history: 90 * DAY }
    }
}

/// The ledger in one DynamoDB table.
#[derive(Clone, Debug)]
pub struct DynamoLedger {
    client: Client,
    table: String,
    keep: Keep,
}

impl DynamoLedger {
    /// The ledger in `table`, which must exist.
    pub fn new(config: &SdkConfig, table: impl Into<String>, keep: Keep) -> Self {
        Self { client: Client::new(config), table: table.into(), keep }
    }

    /// One consistent BatchGetItem; what DynamoDB left unprocessed is asked for once more.
    async fn get_items(&self, keys: Vec<Item>) -> PortResult<Vec<Item>> {
        let mut items = Vec::new();
        let mut left = keys;
        for _ in 0..2 {
            let wanted = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(left)).build();
            let wanted = wanted.map_err(|error| PortError::new(PortErrorKind::Denied, BATCH_GET, error.to_string()))?;
            let request = self.client.batch_get_item().request_items(&self.table, wanted);
            let mut answer = request.send().await.map_err(|error| port_error(BATCH_GET, error))?;
            // What is not stored is missing among the table's items; an answer without any tables is none.
            let nothing = || PortError::new(PortErrorKind::Unavailable, BATCH_GET, "the answer has no items at all");
            items.extend(answer.responses.as_mut().ok_or_else(nothing)?.remove(&self.table).unwrap_or_default());
            let unprocessed = answer.unprocessed_keys.as_mut().and_then(|tables| tables.remove(&self.table));
            left = unprocessed.map(|table| table.keys).unwrap_or_default();
            if left.is_empty() {
                return Ok(items);
            }
        }
        let message = format!("{} of the ledger's items were left unread twice", left.len());
        Err(PortError::new(PortErrorKind::Throttled, BATCH_GET, message))
    }

    /// Writes an item if its stored version is still `seen_version` (0: there is none yet); `json` is the attribute that tells
    /// whether what is stored is what we wrote.
    async fn put_versioned(&self, item: Item, seen_version: u64, json: &str) -> PortResult<()> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let request = match seen_version {
            0 => request.condition_expression("attribute_not_exists(pk)"),
            seen => request
                .condition_expression("attribute_not_exists(pk) OR #version = :seen")
                .expression_attribute_names("#version", items::VERSION)
                .expression_attribute_values(":seen", AttributeValue::N(seen.to_string())),
        };
        let Err(error) = request.send().await else { return Ok(()) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) if is_ours(failed.item(), &item, json) => Ok(()),
            _ => Err(port_error(PUT_ITEM, error)),
        }
    }

    async fn put(&self, item: Item) -> PortResult<()> {
        let request = self.client.put_item().table_name(&self.table).set_item(Some(item));
        request.send().await.map(|_| ()).map_err(|error| port_error(PUT_ITEM, error))
    }
}

impl Ledger for DynamoLedger {
    async fn read(&self, key: &ServiceKey) -> PortResult<LedgerView> {
        let mut keys = vec![items::record_key(key), items::override_key(key)];
        keys.extend(items::pause_keys(key));
        let mut view = LedgerView::default();
        for item in self.get_items(keys).await? {
            match items::partition(&item) {
                items::PAUSES => view.pause = longer(view.pause, items::pause(&item)?),
                items::OVERRIDES => view.bounds_override = Some(items::bounds_override(&item)?.1),
                _ => view.record = items::record(&item)?,
            }
        }
        Ok(view)
    }

    async fn store(&self, key: &ServiceKey, seen_version: u64, record: &ServiceRecord) -> PortResult<()> {
        let item = items::record_item(key, record, items::expiry(Timestamp::now(), self.keep.records))?;
        self.put_versioned(item, seen_version, items::RECORD).await
    }

    async fn append(&self, key: &ServiceKey, entry: &HistoryEntry) -> PortResult<()> {
        self.put(items::history_item(key, entry, items::expiry(entry.at, self.keep.history))?).await
    }
}

/// Of several pauses the one that lasts longest is told.
fn longer(known: Option<Pause>, pause: Pause) -> Option<Pause> {
    known.filter(|known| known.until >= pause.until).or(Some(pause))
}

/// The SDK repeats a write whose answer was lost; if the first try took effect, the second fails on our own record.
fn is_ours(stored: Option<&HashMap<String, AttributeValue>>, written: &Item, json: &str) -> bool {
    stored.is_some_and(|stored| {
        [items::VERSION, json].iter().all(|name| stored.contains_key(*name) && stored.get(*name) == written.get(*name))
    })
}
