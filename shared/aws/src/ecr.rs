//! ECR: images and what scanning found in them.
//!
//! Owns how basic and enhanced scans, and images of several architectures, become one result. Must never read a missing part of
//! an answer as "no findings".

use std::collections::BTreeMap;

use futures_util::future::{join, try_join_all};
use jiff::Timestamp;
use nightshift_core::fleet::FindingSeverity;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::ports::ImageReader;
use nightshift_core::release::{Finding, Image, ImageRef, ScanNow};
use serde_json::{Value, json};

use crate::call::AwsCaller;
use crate::call::services::ECR;

const DESCRIBE_IMAGES: &str = "ecr:DescribeImages";
const DESCRIBE_FINDINGS: &str = "ecr:DescribeImageScanFindings";
const BATCH_GET_IMAGE: &str = "ecr:BatchGetImage";

/// The largest page of both reads (Amazon ECR API reference).
const PAGE: u32 = 1_000;
/// As many images as a sweep looks at.
const MOST_IMAGES: usize = 100;
/// Media types of manifests that name other manifests: one for each platform, besides attestations.
const INDEXES: [&str; 2] = ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// The registry of one account in one region.
#[derive(Clone, Debug)]
pub struct EcrImages {
    caller: AwsCaller,
}

impl EcrImages {
    /// The registry that `caller` calls.
    pub fn new(caller: AwsCaller) -> Self {
        Self { caller }
    }

    /// An image's details; none if it is not there. A repository that is missing is an error.
    async fn details(&self, repository: &str, image: &ImageRef) -> PortResult<Option<Value>> {
        let body = json!({ "repositoryName": repository, "imageIds": [image_id(image)] });
        match self.caller.json(&ECR, DESCRIBE_IMAGES, &body).await {
            Ok(answer) => Ok(list(DESCRIBE_IMAGES, &answer, "imageDetails")?.first().cloned()),
            Err(error) if error.message.starts_with("ImageNotFound") => Ok(None),
            Err(error) => Err(explained(error, repository)),
        }
    }

    /// An image as the core knows it.
    fn image_of(&self, repository: &str, details: &Value) -> PortResult<Image> {
        let text = |name: &str| details.get(name).and_then(Value::as_str);
        let missing = |name: &str| lacking(DESCRIBE_IMAGES, name);
        let digest = text("imageDigest").ok_or_else(|| missing("imageDigest"))?;
        let registry = text("registryId").ok_or_else(|| missing("registryId"))?;
        let region = self.caller.region().unwrap_or_default();
        let tags = details.get("imageTags").and_then(Value::as_array).into_iter().flatten();
        Ok(Image {
            repository: repository.to_owned(),
            digest: digest.to_owned(),
            tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
            pushed_at: details.get("imagePushedAt").and_then(instant).ok_or_else(|| missing("imagePushedAt"))?,
            uri: format!("{registry}.dkr.ecr.{region}.{}/{repository}", ECR.service.dns_suffix(region)),
        })
    }

    /// What scanning found in one manifest.
    async fn scan_of_one(&self, repository: &str, digest: &str) -> PortResult<ScanNow> {
        let body = json!({ "repositoryName": repository, "imageId": { "imageDigest": digest }, "maxResults": PAGE });
        match self.caller.json_pages(&ECR, DESCRIBE_FINDINGS, &body).await {
            Ok(pages) => scan_of(&pages),
            // The core's patience decides how long that may be so.
            Err(error) if error.message.starts_with("ScanNotFound") => Ok(ScanNow::Pending { status: "not started".to_owned() }),
            Err(error) => Err(explained(error, repository)),
        }
    }

    /// The manifests of the platforms that an index names, as (digest, platform).
    async fn platforms(&self, repository: &str, digest: &str) -> PortResult<Vec<(String, String)>> {
        let body = json!({ "repositoryName": repository, "imageIds": [{ "imageDigest": digest }], "acceptedMediaTypes": INDEXES });
        let answer = self.caller.json(&ECR, BATCH_GET_IMAGE, &body).await.map_err(|error| explained(error, repository))?;
        let images = list(BATCH_GET_IMAGE, &answer, "images")?;
        let Some(manifest) = images.first().and_then(|image| image.get("imageManifest")).and_then(Value::as_str) else {
            let failure = answer.pointer("/failures/0/failureReason").and_then(Value::as_str).unwrap_or("no manifest in the answer");
            let words = format!("the index {digest} of {repository} cannot be read: {failure}");
            return Err(PortError::new(PortErrorKind::Unavailable, BATCH_GET_IMAGE, words));
        };
        let manifest: Value = serde_json::from_str(manifest).map_err(|error| {
            let words = format!("the index {digest} of {repository} is no JSON: {error}");
            PortError::new(PortErrorKind::Denied, BATCH_GET_IMAGE, words)
        })?;
        Ok(list(BATCH_GET_IMAGE, &manifest, "manifests")?.iter().filter_map(platform).collect())
    }

    async fn scan_of_index(&self, repository: &str, digest: &str) -> PortResult<ScanNow> {
        let platforms = self.platforms(repository, digest).await?;
        if platforms.is_empty() {
            return Ok(ScanNow::Failed { why: "the image's index names no image of any platform".to_owned() });
        }
        let scans = platforms.iter().map(|(digest, _)| self.scan_of_one(repository, digest));
        let scans = try_join_all(scans).await?;
        Ok(united(platforms.iter().map(|(_, platform)| platform.as_str()).zip(scans).collect()))
    }
}

impl ImageReader for EcrImages {
    async fn image(&self, repository: &str, image: &ImageRef) -> PortResult<Option<Image>> {
        let details = self.details(repository, image).await?;
        details.map(|details| self.image_of(repository, &details)).transpose()
    }

    async fn newer_images(&self, repository: &str, after: Option<Timestamp>) -> PortResult<Vec<Image>> {
        let body = json!({ "repositoryName": repository, "filter": { "tagStatus": "TAGGED" }, "maxResults": PAGE });
        let pages = self.caller.json_pages(&ECR, DESCRIBE_IMAGES, &body).await.map_err(|error| explained(error, repository))?;
        let mut images = Vec::new();
        for page in &pages {
            for details in list(DESCRIBE_IMAGES, page, "imageDetails")? {
                images.push(self.image_of(repository, details)?);
            }
        }
        // ECR tells them in no order.
        images.retain(|image| after.is_none_or(|after| image.pushed_at > after));
        images.sort_by(|one, other| other.pushed_at.cmp(&one.pushed_at).then_with(|| one.digest.cmp(&other.digest)));
        images.truncate(MOST_IMAGES);
        Ok(images)
    }

    async fn scan(&self, repository: &str, digest: &str) -> PortResult<ScanNow> {
        let image = ImageRef::Digest(digest.to_owned());
        // Nearly every image has one architecture: its findings are asked for before it is known.
        let (details, scan) = join(self.details(repository, &image), self.scan_of_one(repository, digest)).await;
        let Some(details) = details? else {
            let words = format!("there is no image {digest} in {repository}");
            return Err(PortError::new(PortErrorKind::NotFound, DESCRIBE_IMAGES, words));
        };
        let media_type = details.get("imageManifestMediaType").and_then(Value::as_str).unwrap_or_default();
        if INDEXES.contains(&media_type) { self.scan_of_index(repository, digest).await } else { scan }
    }
}

fn image_id(image: &ImageRef) -> Value {
    match image {
        ImageRef::Digest(digest) => json!({ "imageDigest": digest }),
        ImageRef::Tag(tag) => json!({ "imageTag": tag }),
    }
}

fn explained(error: PortError, repository: &str) -> PortError {
    if !error.message.starts_with("RepositoryNotFound") {
        return error;
    }
    let words =
        format!("there is no repository {repository} in this account and region; create it, or correct `repository` in the fleet file");
    PortError { message: words, ..error }
}

fn lacking(operation: &str, member: &str) -> PortError {
    PortError::new(PortErrorKind::Unavailable, operation, format!("the answer lacks {member}"))
}

fn list<'a>(operation: &str, answer: &'a Value, member: &str) -> PortResult<&'a Vec<Value>> {
    answer.get(member).and_then(Value::as_array).ok_or_else(|| lacking(operation, member))
}

/// Seconds since 1970, with a fraction.
fn instant(value: &Value) -> Option<Timestamp> {
    let milliseconds = (value.as_f64()? * 1_000.0).round();
    // `as` saturates, and Timestamp refuses what is beyond its range.
    Timestamp::from_millisecond(milliseconds as i64).ok()
}

/// The digest and the platform of a part of an index; attestations call theirs unknown/unknown (BuildKit, "Image attestation
/// storage").
fn platform(part: &Value) -> Option<(String, String)> {
    let text = |pointer: &str| part.pointer(pointer).and_then(Value::as_str);
    let platform = match (text("/platform/os"), text("/platform/architecture")) {
        (Some("unknown"), Some("unknown")) => return None,
        (Some(os), Some(architecture)) => format!("{os}/{architecture}"),
        _ => "an unnamed platform".to_owned(),
    };
    Some((text("/digest")?.to_owned(), platform))
}

/// What all pages of one scan come to.
fn scan_of(pages: &[Value]) -> PortResult<ScanNow> {
    let text = |pointer: &str| pages.first().and_then(|page| page.pointer(pointer)).and_then(Value::as_str);
    let status = text("/imageScanStatus/status").ok_or_else(|| lacking(DESCRIBE_FINDINGS, "imageScanStatus.status"))?;
    let at = pages.iter().find_map(|page| page.pointer("/imageScanFindings/imageScanCompletedAt")).and_then(instant);
    match status {
        "COMPLETE" => complete(pages, at),
        // Enhanced scanning goes on for ever; before its first result there is no time of completion.
        "ACTIVE" if at.is_some() => complete(pages, at),
        "ACTIVE" => Ok(ScanNow::Pending { status: "ACTIVE, no result yet".to_owned() }),
        "FAILED" | "UNSUPPORTED_IMAGE" | "SCAN_ELIGIBILITY_EXPIRED" | "FINDINGS_UNAVAILABLE" | "LIMIT_EXCEEDED" | "IMAGE_ARCHIVED" => {
            let why = match text("/imageScanStatus/description") {
                Some(description) => format!("{status}: {description}"),
                None => status.to_owned(),
            };
            Ok(ScanNow::Failed { why })
        }
        // IN_PROGRESS and PENDING; a word that is new is no result either.
        status => Ok(ScanNow::Pending { status: status.to_owned() }),
    }
}

fn complete(pages: &[Value], at: Option<Timestamp>) -> PortResult<ScanNow> {
    let mut findings = Vec::new();
    for page in pages {
        let found = page.get("imageScanFindings").ok_or_else(|| lacking(DESCRIBE_FINDINGS, "imageScanFindings"))?;
        let of = |member: &str| found.get(member).and_then(Value::as_array).into_iter().flatten();
        findings.extend(of("findings").map(basic));
        findings.extend(of("enhancedFindings").filter(|finding| !is_closed(finding)).map(enhanced));
    }
    let counts = pages.iter().find_map(|page| page.pointer("/imageScanFindings/findingSeverityCounts")).and_then(Value::as_object);
    let counted: u64 = counts.into_iter().flat_map(|counts| counts.values()).filter_map(Value::as_u64).sum();
    if findings.is_empty() && counted > 0 {
        let words = format!("ECR counts {counted} findings and lists none");
        return Err(PortError::new(PortErrorKind::Unavailable, DESCRIBE_FINDINGS, words));
    }
    Ok(ScanNow::Complete { at, findings })
}

fn basic(finding: &Value) -> Finding {
    named(finding, finding.get("name"))
}

/// Network and code findings have a title and no vulnerability.
fn enhanced(finding: &Value) -> Finding {
    named(finding, finding.pointer("/packageVulnerabilityDetails/vulnerabilityId").or_else(|| finding.get("title")))
}

fn is_closed(finding: &Value) -> bool {
    finding.get("status").and_then(Value::as_str) == Some("CLOSED")
}

/// A finding without a name or severity counts all the same.
fn named(finding: &Value, name: Option<&Value>) -> Finding {
    let severity = finding.get("severity").and_then(Value::as_str).unwrap_or_default();
    let name = name.and_then(Value::as_str).unwrap_or("unnamed").to_owned();
    Finding { name, severity: FindingSeverity::from_aws(severity) }
}

/// The scans of an image's platforms as one: a finding counts as often as in the platform that has it most often.
fn united(scans: Vec<(&str, ScanNow)>) -> ScanNow {
    let mut most: BTreeMap<(FindingSeverity, String), usize> = BTreeMap::new();
    let mut completed: Option<Timestamp> = None;
    let mut pending = None;
    for (platform, scan) in scans {
        match scan {
            ScanNow::Failed { why } => return ScanNow::Failed { why: format!("{platform}: {why}") },
            ScanNow::Pending { status } => pending = Some(format!("{platform}: {status}")),
            ScanNow::Complete { at, findings } => {
                completed = completed.max(at);
                let mut own: BTreeMap<(FindingSeverity, String), usize> = BTreeMap::new();
                for finding in findings {
                    *own.entry((finding.severity, finding.name)).or_default() += 1;
                }
                for (finding, count) in own {
                    let known = most.entry(finding).or_default();
                    *known = count.max(*known);
                }
            }
        }
    }
    if let Some(status) = pending {
        return ScanNow::Pending { status };
    }
    let findings = most.into_iter().flat_map(|((severity, name), count)| vec![Finding { name, severity }; count]);
    ScanNow::Complete { at: completed, findings: findings.collect() }
}
