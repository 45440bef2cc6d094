//! What people do with the ledger through the CLI: pauses, overrides, reading the history.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use nightshift_core::ledger::{BoundsOverride, HistoryEntry, Pause, ServiceKey};
use nightshift_core::ports::PortResult;

use super::DynamoLedger;
use super::items::{self, Item};
use crate::error::port_error;
use crate::pages::in_chunks;

const QUERY: &str = "dynamodb:Query";
const DELETE_ITEM: &str = "dynamodb:DeleteItem";

/// Which part of the history is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Nothing older; all of it if absent.
    pub since: Option<Timestamp>,
    /// Nothing newer; up to now if absent.
    pub until: Option<Timestamp>,
    /// At most so many, the newest; all of them if absent.
    pub most: Option<usize>,
}

impl DynamoLedger {
    /// Sets the pause of its scope (`all`, a system, or `system/service`), in place of an earlier one.
    pub async fn put_pause(&self, pause: &Pause) -> PortResult<()> {
        self.put(items::pause_item(pause)).await
    }

    /// Ends the pause of exactly this scope and gives it back; none if there was none.
    pub async fn remove_pause(&self, scope: &str) -> PortResult<Option<Pause>> {
        self.delete(items::pause_key(scope)).await?.as_ref().map(items::pause).transpose()
    }

    /// Every pause that is kept, also those that are over and not yet deleted by DynamoDB.
    pub async fn pauses(&self) -> PortResult<Vec<Pause>> {
        self.partition(items::PAUSES).await?.iter().map(items::pause).collect()
    }

    /// Sets bounds for a while, in place of earlier ones.
    pub async fn put_override(&self, key: &ServiceKey, bounds_override: &BoundsOverride) -> PortResult<()> {
        self.put(items::override_item(key, bounds_override)).await
    }

    /// Takes the override back and gives it; none if there was none.
    pub async fn remove_override(&self, key: &ServiceKey) -> PortResult<Option<BoundsOverride>> {
        let removed = self.delete(items::override_key(key)).await?;
        removed.as_ref().map(|item| items::bounds_override(item).map(|(_, removed)| removed)).transpose()
    }

    /// Every override that is kept, also those that are over and not yet deleted by DynamoDB.
    pub async fn overrides(&self) -> PortResult<Vec<(ServiceKey, BoundsOverride)>> {
        self.partition(items::OVERRIDES).await?.iter().map(items::bounds_override).collect()
    }

    /// The history of one service, newest first.
    pub async fn history(&self, key: &ServiceKey, query: HistoryQuery) -> PortResult<Vec<HistoryEntry>> {
        let most = query.most.unwrap_or(usize::MAX);
        let from = query.since.map(items::history_time).unwrap_or_default();
        // The sort key goes on after the time with `#` and the plan's id; `~` comes after both.
        let to = query.until.map_or_else(|| "~".to_owned(), |until| format!("{}~", items::history_time(until)));
        let request = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", AttributeValue::S(items::history_partition(key)))
            .expression_attribute_values(":from", AttributeValue::S(if from.is_empty() { "0".to_owned() } else { from }))
            .expression_attribute_values(":to", AttributeValue::S(to))
            .scan_index_forward(false)
            .set_limit(i32::try_from(most).ok().filter(|most| *most > 0));
        let mut found = request.into_paginator().items().send();
        let mut entries = Vec::new();
        while entries.len() < most {
            let Some(item) = found.next().await else { break };
            entries.push(items::history_entry(&item.map_err(|error| port_error(QUERY, error))?)?);
        }
        Ok(entries)
    }

    /// The history of several services together, newest first.
    pub async fn history_of_all(&self, keys: &[ServiceKey], query: HistoryQuery) -> PortResult<Vec<(ServiceKey, HistoryEntry)>> {
        let of_one = async |one: &[ServiceKey]| {
            let mut entries = Vec::new();
            for key in one {
                entries.extend(self.history(key, query).await?.into_iter().map(|entry| (key.clone(), entry)));
            }
            Ok(entries)
        };
        let mut entries = in_chunks(keys, 1, of_one).await?;
        entries.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.at));
        entries.truncate(query.most.unwrap_or(usize::MAX));
        Ok(entries)
    }

    async fn partition(&self, partition: &str) -> PortResult<Vec<Item>> {
        let request = self.client.query().table_name(&self.table).consistent_read(true);
        let request = request.key_condition_expression("pk = :pk");
        let request = request.expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()));
        let mut found = request.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = found.next().await {
            items.push(item.map_err(|error| port_error(QUERY, error))?);
        }
        Ok(items)
    }

    async fn delete(&self, key: Item) -> PortResult<Option<Item>> {
        let request = self.client.delete_item().table_name(&self.table).set_key(Some(key));
        let request = request.return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld);
        let answer = request.send().await.map_err(|error| port_error(DELETE_ITEM, error))?;
        Ok(answer.attributes)
    }
}
