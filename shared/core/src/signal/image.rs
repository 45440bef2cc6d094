//! Images: ECR's events about pushes, replication and scans, and Inspector's about scans.
//!
//! Owns which of them mean that there is something new to look at. Never judges a scan and never believes an event's
//! counts: whoever decides reads the scan itself.

use serde_json::Value;

use super::ignored::{Ignored, shown};
use super::lenient::{field, text, text_field};
use super::told::{Told, resource_in_arn};
use super::{ImageEvent, ImageSignal, Signal};

/// "ECR Image Action" and "ECR Replication Action" (ECR user guide, "Amazon ECR events and EventBridge").
///
/// A replication is told in the region where the copy has arrived: there it is what a push is elsewhere.
pub(super) fn action(told: Told<'_>) -> Result<Signal, Ignored> {
    let repository = repository(told).ok_or_else(|| told.lacks("repository-name"))?;
    let action = told.needed("action-type")?;
    if !["PUSH", "REPLICATE"].iter().any(|known| known.eq_ignore_ascii_case(&action)) {
        return Err(Ignored::ImageNotPushed { action: shown(&action), repository: shown(&repository) });
    }
    // SUCCESS; otherwise FAILURE for pushes, FAILED for replication.
    let result = told.needed("result")?;
    if !result.eq_ignore_ascii_case("SUCCESS") {
        return Err(Ignored::PushFailed { action: shown(&action), repository: shown(&repository), result: shown(&result) });
    }
    Ok(signal(told, ImageEvent::Pushed, repository))
}

/// "ECR Image Scan" (basic) and "Inspector2 Scan" (enhanced).
pub(super) fn scan(told: Told<'_>) -> Result<Signal, Ignored> {
    let Some(repository) = repository(told) else {
        // Inspector tells in the same words of instances and functions, which have no repository.
        return Err(if text_field(told.body, "image-digest").is_some() || told.what.eq_ignore_ascii_case("ECR Image Scan") {
            told.lacks("repository-name")
        } else {
            Ignored::ScanOfNoImage { what: shown(told.what) }
        });
    };
    let status = told.needed("scan-status")?;
    // Every other word, known or not, is an end that is worth a look: COMPLETE, INITIAL_SCAN_COMPLETE, FAILED, UNSUPPORTED_IMAGE.
    if ["IN_PROGRESS", "PENDING"].iter().any(|going_on| going_on.eq_ignore_ascii_case(&status)) {
        return Err(Ignored::ScanNotEnded { repository: shown(&repository), status: shown(&status) });
    }
    Ok(signal(told, ImageEvent::Scanned, repository))
}

fn signal(told: Told<'_>, what: ImageEvent, repository: String) -> Signal {
    let tags = field(told.body, "image-tags").and_then(Value::as_array);
    Signal::Image(ImageSignal {
        what,
        account: told.account(),
        region: told.region(told.resources_of("ecr").next().as_deref()),
        repository,
        digest: text_field(told.body, "image-digest"),
        tag: text_field(told.body, "image-tag").or_else(|| tags.into_iter().flatten().find_map(text)),
        at: told.at(&[]),
    })
}

/// Inspector gives the repository's ARN where ECR gives its name.
fn repository(told: Told<'_>) -> Option<String> {
    let told_name = text_field(told.body, "repository-name").into_iter();
    told_name.chain(told.resources_of("ecr")).find_map(|name| match resource_in_arn(&name) {
        Some(resource) => resource.strip_prefix("repository/").filter(|name| !name.is_empty()).map(str::to_owned),
        None => (!name.starts_with("arn:")).then_some(name),
    })
}
