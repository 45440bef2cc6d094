//! What an event of an AWS service tells: its envelope and its body, read with the same leniency for every service.
//!
//! Owns where account, region, time and ARNs stand. Never fills in what was not told: what is needed and absent becomes
//! an [`Ignored`], what is optional and absent stays none.

use jiff::Timestamp;
use serde_json::Value;

use super::ignored::{Ignored, shown};
use super::lenient::{account_number, field, first_field, is_region_code, text, text_field};
use super::time;

/// One event, its envelopes opened.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    /// What it calls itself: an EventBridge `detail-type`, or our name for a body without one.
    pub what: &'a str,
    /// What names account, region, time and resources; the body itself if there is nothing around it.
    pub envelope: &'a Value,
    /// The event's own fields.
    pub body: &'a Value,
}

impl Told<'_> {
    /// A field of the body without which the event is of no use.
    pub(super) fn needed(&self, name: &str) -> Result<String, Ignored> {
        text_field(self.body, name).ok_or_else(|| self.lacks(name))
    }

    /// Such a field, one step further down.
    pub(super) fn needed_part(&self, part: &str, name: &str) -> Result<String, Ignored> {
        let told = field(self.body, part).and_then(|inner| text_field(inner, name));
        told.ok_or_else(|| self.lacks(&format!("{part}.{name}")))
    }

    pub(super) fn lacks(&self, missing: &str) -> Ignored {
        Ignored::IncompleteEvent { what: shown(self.what), missing: missing.to_owned() }
    }

    pub(super) fn cannot_be_read(&self, name: &str, found: &str) -> Ignored {
        Ignored::UnreadableEvent { what: shown(self.what), field: name.to_owned(), found: shown(found) }
    }

    pub(super) fn is_foreign(&self) -> Ignored {
        Ignored::foreign_event(self.what, text_field(self.envelope, "source").as_deref().unwrap_or("an unnamed source"))
    }

    pub(super) fn account(&self) -> Option<String> {
        field(self.envelope, "account").and_then(account_number)
    }

    /// The envelope's region; an ARN that the event names goes second.
    pub(super) fn region(&self, arn: Option<&str>) -> Option<String> {
        let told = first_field(self.envelope, &["region", "awsRegion"]).and_then(text);
        told.into_iter().chain(arn.and_then(region_in_arn)).find(|region| is_region_code(region))
    }

    /// The body's time by the first of these names that can be read; else the envelope's.
    pub(super) fn at(&self, names: &[&str]) -> Option<Timestamp> {
        let own = names.iter().filter_map(|name| field(self.body, name)).find_map(time::timestamp);
        own.or_else(|| field(self.envelope, "time").and_then(time::timestamp))
    }

    /// The ARNs of one service among the envelope's `resources`.
    pub(super) fn resources_of(&self, service: &str) -> impl Iterator<Item = String> {
        let all = field(self.envelope, "resources").and_then(Value::as_array).into_iter().flatten().filter_map(text);
        all.filter(move |arn| arn.split(':').nth(2) == Some(service) && arn.starts_with("arn:"))
    }
}

/// `arn:aws:ecs:us-east-1:111122223333:service/shop/web`: the fourth part.
pub(super) fn region_in_arn(arn: &str) -> Option<String> {
    let region = arn.strip_prefix("arn:")?.split(':').nth(2)?;
    is_region_code(region).then(|| region.to_owned())
}

/// What stands behind the account in an ARN; none for a text that is no ARN.
pub(super) fn resource_in_arn(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.splitn(5, ':').nth(4).filter(|resource| !resource.is_empty())
}
