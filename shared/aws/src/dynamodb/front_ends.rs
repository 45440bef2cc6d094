//! Front ends in the ledger: one item each, which arrivals add to without reading it and looks write against its version.
//!
//! An upload of 300 files is 300 writers at once, and each write costs as much as the whole item is large: so the set of
//! waiting paths is kept small. Must never lose a path that was noted before CloudFront was asked.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use nightshift_core::ledger::HistoryEntry;
use nightshift_core::ports::PortResult;
use nightshift_core::release::front_end::{EVERYTHING, FrontEndKey, FrontEndLedger, FrontEndView, Pending, Stale, Takes, Uploads, Work};

use super::items::{self, Item};
use super::{DynamoLedger, UPDATE_ITEM, longer};
use crate::error::port_error;

const WORK: &str = "work";
const PENDING: &str = "pending";
const FIRST: &str = "pending_first";
const LAST: &str = "pending_last";
const COUNT: &str = "arrivals";
const LOOK: &str = "look_at";

/// With so many paths waiting, folders are noted in their place, and with so many in all, everything is stale. An invalidation
/// has thirty paths at most in the end, so that little is lost; an item of 500 paths has 30 to 60 KB, so a write costs as many units,
/// of which DynamoDB gives a partition 1,000 a second.
const MANY: usize = 200;
const TOO_MANY: usize = 500;

impl FrontEndLedger for DynamoLedger {
    async fn note_arrival(&self, key: &FrontEndKey, stale: &Stale, now: Timestamp) -> PortResult<Uploads> {
        for (paths, most) in [(&stale.paths, MANY), (&stale.coarse, TOO_MANY)] {
            let request = self
                .arrival(key, now)
                .update_expression("ADD #pending :paths, #count :one SET #first = if_not_exists(#first, :now), #last = :now")
                .condition_expression("attribute_not_exists(#pending) OR size(#pending) < :most")
                .expression_attribute_values(":paths", set(paths))
                .expression_attribute_values(":most", AttributeValue::N(most.to_string()));
            match request.send().await {
                Ok(answer) => return uploads(&answer.attributes.unwrap_or_default()),
                Err(error) if is_full(error.as_service_error()) => {}
                Err(error) => return Err(port_error(UPDATE_ITEM, error)),
            }
        }
        let request = self
            .arrival(key, now)
            .update_expression("ADD #count :one SET #pending = :paths, #first = if_not_exists(#first, :now), #last = :now")
            .expression_attribute_values(":paths", set(&BTreeSet::from([EVERYTHING.to_owned()])));
        let answer = request.send().await.map_err(|error| port_error(UPDATE_ITEM, error))?;
        uploads(&answer.attributes.unwrap_or_default())
    }

    async fn note_look(&self, key: &FrontEndKey, at: Timestamp) -> PortResult<()> {
        let request = self
            .update(key)
            .update_expression("SET #look = :at")
            .expression_attribute_names("#look", LOOK)
            .expression_attribute_values(":at", AttributeValue::S(at.to_string()));
        request.send().await.map(|_| ()).map_err(|error| port_error(UPDATE_ITEM, error))
    }

    async fn read_front_end(&self, key: &FrontEndKey) -> PortResult<FrontEndView> {
        let keys = vec![state_key(key), items::pause_key("all"), items::pause_key(key.system.as_str())];
        let mut view = FrontEndView::default();
        for item in self.get_items(keys).await? {
            match items::partition(&item) {
                items::PAUSES => view.pause = longer(view.pause, items::pause(&item)?),
                _ => {
                    view.uploads = uploads(&item)?;
                    view.work = work(&item)?;
                }
            }
        }
        Ok(view)
    }

    async fn store_work(&self, key: &FrontEndKey, seen_version: u64, work: &Work, takes: Option<&Takes>) -> PortResult<()> {
        let json = items::to_json(work)?;
        let request = self
            .update(key)
            .expression_attribute_names("#version", items::VERSION)
            .expression_attribute_names("#work", WORK)
            .expression_attribute_values(":version", AttributeValue::N(work.version.to_string()))
            .expression_attribute_values(":work", AttributeValue::S(json.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let (request, condition) = match seen_version {
            0 => (request, "attribute_not_exists(#version)"),
            seen => (request.expression_attribute_values(":seen", AttributeValue::N(seen.to_string())), "#version = :seen"),
        };
        let request = with_takes(request, condition, takes);
        let Err(error) = request.send().await else { return Ok(()) };
        match error.as_service_error() {
            // The SDK repeats a write whose answer was lost; if the first try took effect, the second fails on our own work.
            Some(UpdateItemError::ConditionalCheckFailedException(failed))
                if failed.item().is_some_and(|item| is_ours(item, work, &json)) =>
            {
                Ok(())
            }
            _ => Err(port_error(UPDATE_ITEM, error)),
        }
    }

    async fn append_front_end(&self, key: &FrontEndKey, entry: &HistoryEntry) -> PortResult<()> {
        self.put(items::history_item(key, entry, items::expiry(entry.at, self.keep.history))?).await
    }
}

impl DynamoLedger {
    fn update(&self, key: &FrontEndKey) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&self.table).set_key(Some(state_key(key)))
    }

    fn arrival(&self, key: &FrontEndKey, now: Timestamp) -> UpdateItemFluentBuilder {
        self.update(key)
            .expression_attribute_names("#pending", PENDING)
            .expression_attribute_names("#count", COUNT)
            .expression_attribute_names("#first", FIRST)
            .expression_attribute_names("#last", LAST)
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()))
            .return_values(ReturnValue::AllNew)
    }
}

/// With its batch the work takes what waits, and forgets the look that has led here: what arrives from now on arranges its own.
fn with_takes(request: UpdateItemFluentBuilder, condition: &str, takes: Option<&Takes>) -> UpdateItemFluentBuilder {
    let written = "SET #version = :version, #work = :work";
    let request = match takes {
        None => return request.update_expression(written).condition_expression(condition),
        Some(_) => request
            .expression_attribute_names("#pending", PENDING)
            .expression_attribute_names("#first", FIRST)
            .expression_attribute_names("#look", LOOK),
    };
    match takes {
        Some(Takes::Overdue { paths, now }) => request
            .update_expression(format!("{written}, #first = :now REMOVE #look DELETE #pending :paths"))
            .condition_expression(condition)
            .expression_attribute_values(":paths", set(paths))
            .expression_attribute_values(":now", AttributeValue::S(now.to_string())),
        Some(Takes::Quiet { count }) => request
            .update_expression(format!("{written} REMOVE #pending, #first, #last, #look"))
            .condition_expression(format!("{condition} AND #count = :count"))
            .expression_attribute_names("#last", LAST)
            .expression_attribute_names("#count", COUNT)
            .expression_attribute_values(":count", AttributeValue::N(count.to_string())),
        None => request,
    }
}

fn state_key(key: &FrontEndKey) -> Item {
    items::item_key(&format!("frontend#{key}"), "state")
}

fn set(paths: &BTreeSet<String>) -> AttributeValue {
    AttributeValue::Ss(paths.iter().cloned().collect())
}

/// Too many paths by our own condition, or more bytes than an item takes.
fn is_full(error: Option<&UpdateItemError>) -> bool {
    match error {
        Some(UpdateItemError::ConditionalCheckFailedException(_)) => true,
        Some(other) => other.code() == Some("ValidationException") && other.message().is_some_and(|words| words.contains("Item size")),
        None => false,
    }
}

fn uploads(item: &Item) -> PortResult<Uploads> {
    let paths = match item.get(PENDING) {
        None => None,
        Some(AttributeValue::Ss(paths)) => Some(paths.iter().cloned().collect::<BTreeSet<String>>()),
        Some(_) => return Err(items::unreadable(item, PENDING, "no set of texts")),
    };
    let pending = paths.map(|paths| Ok(Pending { paths, first: items::time(item, FIRST)?, last: items::time(item, LAST)? })).transpose()?;
    let count = if item.contains_key(COUNT) { items::number(item, COUNT)? } else { 0 };
    let look_at = if item.contains_key(LOOK) { Some(items::time(item, LOOK)?) } else { None };
    Ok(Uploads { count, pending, look_at })
}

/// The attribute `version` is the one that conditions look at, so it wins over the one in the JSON.
fn work(item: &Item) -> PortResult<Work> {
    if !item.contains_key(items::VERSION) {
        return Ok(Work::default());
    }
    let version = items::number(item, items::VERSION)?;
    let work: Work = serde_json::from_str(items::text(item, WORK)?).map_err(|error| items::unreadable(item, WORK, &error.to_string()))?;
    Ok(Work { version, ..work })
}

fn is_ours(stored: &Item, work: &Work, json: &str) -> bool {
    let version = AttributeValue::N(work.version.to_string());
    stored.get(items::VERSION) == Some(&version) && stored.get(WORK) == Some(&AttributeValue::S(json.to_owned()))
}
