//! Secrets: the events after which a secret's current value is another one.
//!
//! Owns the two ways in which AWS tells it: CloudTrail's service event, and Secrets Manager's own event about the label
//! AWSCURRENT. Never sees a secret's value; neither event has it.

use serde_json::Value;

use super::ignored::{Ignored, shown};
use super::lenient::{field, text_field};
use super::told::Told;
use super::{SecretSignal, Signal};

const LONGEST_VERSION: usize = 64;

/// How every detail-type of CloudTrail ends, in small letters.
pub(super) const VIA_CLOUDTRAIL: &str = " via cloudtrail";

/// "AWS Service Event via CloudTrail" of a rotation: started, succeeded, failed, abandoned. Calls of the API come in the
/// same shape as "AWS API Call via CloudTrail"; none of them is the end of a rotation.
pub(super) fn trail(told: Told<'_>) -> Result<Signal, Ignored> {
    let is_of_secrets = |source: String| source.eq_ignore_ascii_case("secretsmanager.amazonaws.com");
    if !text_field(told.body, "eventSource").is_some_and(is_of_secrets) {
        return Err(told.is_foreign());
    }
    let event_name = told.needed("eventName")?;
    // Service events name it in additionalEventData.SecretId (requestParameters is null), newer ones in
    // serviceEventDetails; calls in requestParameters.secretId.
    let part = |name| field(told.body, name).and_then(|part| text_field(part, "secretId"));
    let secret = ["additionalEventData", "serviceEventDetails", "requestParameters"].into_iter().find_map(part);
    let secret = secret.or_else(|| told.resources_of("secretsmanager").next());
    if !event_name.eq_ignore_ascii_case("RotationSucceeded") {
        let secret = secret.map_or_else(|| "?".to_owned(), |secret| shown(&secret));
        return Err(Ignored::SecretNotRotated { secret, event_name: shown(&event_name) });
    }
    let secret = secret.ok_or_else(|| told.lacks("additionalEventData.SecretId"))?;
    // Of the version nothing is told.
    Ok(signal(told, secret, None))
}

/// "Secret Label Updated" (Secrets Manager user guide, "Secret event notifications"): no trail is needed for it, and it
/// comes after a change by hand too.
pub(super) fn label(told: Told<'_>) -> Result<Signal, Ignored> {
    let label = told.needed("labelUpdated")?;
    let secret = told.resources_of("secretsmanager").next().or_else(|| text_field(told.body, "name"));
    let secret = secret.ok_or_else(|| told.lacks("name"))?;
    if label != "AWSCURRENT" {
        return Err(Ignored::SecretNotRotated { secret: shown(&secret), event_name: shown(&format!("{}: {label}", told.what)) });
    }
    Ok(signal(told, secret, version(told.body, "versionId")))
}

/// A version's id has 32 to 64 characters (Secrets Manager API reference, ClientRequestToken); a longer text is none.
pub(super) fn version(body: &Value, name: &str) -> Option<String> {
    text_field(body, name).filter(|version| version.len() <= LONGEST_VERSION)
}

fn signal(told: Told<'_>, secret: String, version: Option<String>) -> Signal {
    let region = told.region(Some(&secret));
    Signal::Secret(SecretSignal { region, secret, version, at: told.at(&["eventTime"]) })
}
