//! Releases in the ledger: one book per service, answers to questions beside it.
//!
//! A book is never forgotten by time: what was proven is needed when the next roll back comes, perhaps after a year. Must never
//! write a book without the version that was read, nor an answer where there is one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use nightshift_core::fleet::ApproverName;
use nightshift_core::ledger::{HistoryEntry, ServiceKey};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::approve::WRONG_CODES;
use nightshift_core::release::ports::{AnswerDesk, ReleaseLedger};
use nightshift_core::release::{Answer, Book, BookView, Release, ReleaseId, Verdict};

use super::items::{self, Item};
use super::{DynamoLedger, PUT_ITEM, UPDATE_ITEM, longer};
use crate::error::port_error;

const BOOK: &str = "book";
const VERDICT: &str = "verdict";
const WRONG_CODES_TYPED: &str = "wrong_codes";

impl ReleaseLedger for DynamoLedger {
    async fn read_book(&self, key: &ServiceKey) -> PortResult<BookView> {
        let mut keys = vec![book_key(key)];
        keys.extend(items::pause_keys(key));
        let mut view = BookView::default();
        for item in self.get_items(keys).await? {
            match items::partition(&item) {
                items::PAUSES => view.pause = longer(view.pause, items::pause(&item)?),
                _ => view.book = book(&item)?,
            }
        }
        Ok(view)
    }

    async fn store_book(&self, key: &ServiceKey, seen_version: u64, book: &Book) -> PortResult<()> {
        self.put_versioned(book_item(key, book)?, seen_version, BOOK).await
    }

    async fn append_release(&self, key: &ServiceKey, entry: &HistoryEntry) -> PortResult<()> {
        self.put(items::history_item(key, entry, items::expiry(entry.at, self.keep.history))?).await
    }
}

impl AnswerDesk for DynamoLedger {
    async fn answers(
        &self,
        key: &ServiceKey,
        release: &ReleaseId,
        stage: &str,
        approvers: &[ApproverName],
    ) -> PortResult<BTreeMap<ApproverName, Answer>> {
        // DynamoDB refuses a batch that names a key twice, or none.
        let approvers: BTreeSet<&ApproverName> = approvers.iter().collect();
        if approvers.is_empty() {
            return Ok(BTreeMap::new());
        }
        let keys = approvers.iter().map(|approver| answer_key(key, release, stage, approver)).collect();
        let stored = self.get_items(keys).await?;
        let mut answers = BTreeMap::new();
        for approver in approvers {
            let own = answer_key(key, release, stage, approver);
            let item = stored.iter().find(|item| item.get("sk") == own.get("sk"));
            if let Some(answer) = item.map(answer_of).transpose()?.flatten() {
                answers.insert(approver.clone(), answer);
            }
        }
        Ok(answers)
    }

    async fn answer(&self, key: &ServiceKey, release: &ReleaseId, stage: &str, approver: &ApproverName, answer: &Answer) -> PortResult<()> {
        let request = self
            .update_answer(key, release, stage, approver)
            .update_expression("SET #verdict = :verdict, #at = :at, #via = :via, #expires = :expires")
            .condition_expression("attribute_not_exists(#verdict) AND (attribute_not_exists(#wrong) OR #wrong < :most)")
            .expression_attribute_names("#verdict", VERDICT)
            .expression_attribute_names("#at", "at")
            .expression_attribute_names("#via", "via")
            .expression_attribute_values(":verdict", AttributeValue::S(verdict_word(answer.verdict).to_owned()))
            .expression_attribute_values(":at", AttributeValue::S(answer.at.to_string()))
            .expression_attribute_values(":via", AttributeValue::S(answer.via.clone()))
            .expression_attribute_values(":most", AttributeValue::N(WRONG_CODES.to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = request.send().await else { return Ok(()) };
        let Some(UpdateItemError::ConditionalCheckFailedException(failed)) = error.as_service_error() else {
            return Err(port_error(UPDATE_ITEM, error));
        };
        match failed.item().map(answer_of).transpose()?.flatten() {
            // The SDK repeats a write whose answer was lost.
            Some(known) if known == *answer => Ok(()),
            Some(known) => {
                let words = format!("{approver} has answered already: {} at {:.0}", verdict_word(known.verdict), known.at);
                Err(PortError::new(PortErrorKind::Conflict, UPDATE_ITEM, words))
            }
            None => {
                let words = format!("{approver} has typed {WRONG_CODES} wrong codes; the question is closed for {approver}");
                Err(PortError::new(PortErrorKind::Conflict, UPDATE_ITEM, words))
            }
        }
    }

    async fn count_wrong_code(&self, key: &ServiceKey, release: &ReleaseId, stage: &str, approver: &ApproverName) -> PortResult<u32> {
        let request = self
            .update_answer(key, release, stage, approver)
            .update_expression("ADD #wrong :one SET #expires = :expires")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::UpdatedNew);
        let answer = request.send().await.map_err(|error| port_error(UPDATE_ITEM, error))?;
        // If an answer is lost, the repetition counts once more: too strict is safe.
        let count = items::number(&answer.attributes.unwrap_or_default(), WRONG_CODES_TYPED)?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

impl DynamoLedger {
    fn update_answer(&self, key: &ServiceKey, release: &ReleaseId, stage: &str, approver: &ApproverName) -> UpdateItemFluentBuilder {
        let expires = items::expiry(Timestamp::now(), self.keep.history);
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(answer_key(key, release, stage, approver)))
            .expression_attribute_names("#wrong", WRONG_CODES_TYPED)
            .expression_attribute_names("#expires", "expires_at")
            .expression_attribute_values(":expires", AttributeValue::N(expires.to_string()))
    }
}

fn answer_key(key: &ServiceKey, release: &ReleaseId, stage: &str, approver: &ApproverName) -> Item {
    items::item_key(&format!("answer#{key}"), &format!("{release}#{stage}#{approver}"))
}

/// None where only wrong codes were typed so far.
fn answer_of(item: &HashMap<String, AttributeValue>) -> PortResult<Option<Answer>> {
    if !item.contains_key(VERDICT) {
        return Ok(None);
    }
    let verdict = match items::text(item, VERDICT)? {
        "approve" => Verdict::Approve,
        "reject" => Verdict::Reject,
        _ => return Err(items::unreadable(item, VERDICT, "neither approve nor reject")),
    };
    Ok(Some(Answer { verdict, at: items::time(item, "at")?, via: items::text(item, "via")?.to_owned() }))
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approve => "approve",
        Verdict::Reject => "reject",
    }
}

fn book_key(key: &ServiceKey) -> Item {
    items::item_key(&format!("release#{key}"), BOOK)
}

fn book_item(key: &ServiceKey, book: &Book) -> PortResult<Item> {
    let mut item = book_key(key);
    items::put_number(&mut item, items::VERSION, book.version);
    items::put_text(&mut item, BOOK, fitting(key, book)?);
    if let Some(lease) = &book.lease {
        items::put_text(&mut item, "lease_owner", lease.owner.clone());
        items::put_text(&mut item, "lease_until", lease.until.to_string());
    }
    let aside = book.aside.as_ref().map(|aside| &aside.release);
    for (name, release) in [("in_hand", book.active.as_ref()), ("aside", aside), ("next", book.next.as_ref())] {
        if let Some(release) = release {
            items::put_text(&mut item, name, state_of(release));
        }
    }
    Ok(item)
}

/// For people who look into the table.
fn state_of(release: &Release) -> String {
    let what = match release.change.image() {
        Some(image) => format!("{} {}", image.repository, image.name()),
        None => "restart".to_owned(),
    };
    let legs = release.legs.iter().map(|leg| format!("{} {} {}", leg.stage, leg.region, leg.state.word()));
    format!("{} ({what}): {}", release.id, legs.collect::<Vec<_>>().join(", "))
}

/// The attribute `version` is the one that conditions look at, so it wins over the one in the JSON.
fn book(item: &Item) -> PortResult<Book> {
    let version = items::number(item, items::VERSION)?;
    let book: Book = serde_json::from_str(items::text(item, BOOK)?).map_err(|error| items::unreadable(item, BOOK, &error.to_string()))?;
    Ok(Book { version, ..book })
}

/// The book as JSON that fits into an item. What is left out until it fits: the logs of ended releases, these releases, then
/// the older lines of the logs of those that go on.
fn fitting(key: &ServiceKey, book: &Book) -> PortResult<String> {
    let mut json = items::to_json(book)?;
    let mut book = book.clone();
    while json.len() > items::ENTRY_BYTES {
        if let Some(oldest) = book.ended.iter_mut().rev().find(|release| !release.log.is_empty()) {
            oldest.log.clear();
        } else if book.ended.pop().is_none() {
            let aside = book.aside.as_mut().map(|aside| &mut aside.release);
            let going_on = book.next.iter_mut().chain(aside).chain(&mut book.active);
            let Some(longest) = going_on.max_by_key(|release| release.log.len()).filter(|release| !release.log.is_empty()) else {
                let words = format!("the book of {key} has {} bytes without any log; an item of the ledger takes 400 KB", json.len());
                return Err(PortError::new(PortErrorKind::Denied, PUT_ITEM, words));
            };
            let older = longest.log.len().div_ceil(2);
            longest.log.drain(..older);
        }
        json = items::to_json(&book)?;
    }
    Ok(json)
}
