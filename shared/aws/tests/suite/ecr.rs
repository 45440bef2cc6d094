use nightshift_aws::{AwsCaller, EcrImages};
use nightshift_core::fleet::FindingSeverity;
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::ports::ImageReader;
use nightshift_core::release::{Finding, Image, ImageRef, ScanNow};
use serde_json::{Value, json};

use super::recorded::{Recorded, kind_of, wait};

const IMAGES: &str = "DescribeImages";
const FINDINGS: &str = "DescribeImageScanFindings";
const MANIFEST: &str = "BatchGetImage";
const DIGEST: &str = "sha256:aa";

fn images(recorded: &Recorded) -> EcrImages {
    EcrImages::new(AwsCaller::new(&recorded.config()))
}

fn details(digest: &str, pushed_at: f64, tags: &[&str]) -> Value {
    json!({
        "registryId": "111122223333", "repositoryName": "shop/web", "imageDigest": digest, "imageTags": tags,
        "imageSizeInBytes": 5, "imagePushedAt": pushed_at, "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json",
    })
}

fn one_image(media_type: &str) -> Recorded {
    let mut details = details(DIGEST, 1_795_204_800.0, &["v7"]);
    details["imageManifestMediaType"] = media_type.into();
    Recorded::default().json(IMAGES, json!({ "imageDetails": [details] }))
}

fn plain_image() -> Recorded {
    one_image("application/vnd.docker.distribution.manifest.v2+json")
}

fn status(word: &str) -> Value {
    json!({ "imageScanStatus": { "status": word, "description": "as ECR says" } })
}

fn scan(recorded: &Recorded) -> PortResult<ScanNow> {
    wait(images(recorded).scan("shop/web", DIGEST))
}

fn finding(name: &str, severity: FindingSeverity) -> Finding {
    Finding { name: name.into(), severity }
}

fn found(scan: ScanNow) -> Vec<Finding> {
    match scan {
        ScanNow::Complete { findings, .. } => findings,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_image_by_digest_or_tag_with_its_address() {
    let recorded = plain_image().json(IMAGES, json!({ "imageDetails": [details(DIGEST, 1_795_204_800.123, &[])] }));
    let by_tag = wait(images(&recorded).image("shop/web", &ImageRef::Tag("v7".into()))).unwrap().unwrap();
    let expected = Image {
        repository: "shop/web".into(),
        digest: DIGEST.into(),
        tags: vec!["v7".into()],
        pushed_at: "2026-11-20T20:00:00Z".parse().unwrap(),
        uri: "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/web".into(),
    };
    assert_eq!(by_tag, expected);
    let by_digest = wait(images(&recorded).image("shop/web", &ImageRef::Digest(DIGEST.into()))).unwrap().unwrap();
    assert_eq!(by_digest.pushed_at, "2026-11-20T20:00:00.123Z".parse().unwrap());
    let asked = recorded.asked();
    assert_eq!(asked[0].json(), json!({ "repositoryName": "shop/web", "imageIds": [{ "imageTag": "v7" }] }));
    assert_eq!(asked[1].json()["imageIds"], json!([{ "imageDigest": DIGEST }]));
}

#[test]
fn china_has_its_own_addresses() {
    let recorded = plain_image();
    let reader = EcrImages::new(AwsCaller::new(&recorded.config()).in_region("cn-north-1"));
    let image = wait(reader.image("shop/web", &ImageRef::Tag("v7".into()))).unwrap().unwrap();
    assert_eq!(image.uri, "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn/shop/web");
}

#[test]
fn an_image_that_is_not_there_is_none_but_a_missing_repository_is_an_error() {
    let read = |recorded: Recorded| wait(images(&recorded).image("shop/web", &ImageRef::Tag("v7".into())));
    assert_eq!(read(Recorded::default().json_error(IMAGES, "ImageNotFoundException", "no such image")), Ok(None));
    assert_eq!(read(Recorded::default().json(IMAGES, json!({ "imageDetails": [] }))), Ok(None));
    let error = read(Recorded::default().json_error(IMAGES, "RepositoryNotFoundException", "The repository does not exist")).unwrap_err();
    assert!(error.kind == PortErrorKind::NotFound && error.message.contains("no repository shop/web"), "{error}");
    let error = read(Recorded::default().json_error(IMAGES, "AccessDeniedException", "not authorized")).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Denied);
    // What is missing from an answer is not "nothing there".
    assert_eq!(kind_of(read(Recorded::default().json(IMAGES, json!({})))), PortErrorKind::Unavailable);
    let mut timeless = details(DIGEST, 0.0, &[]);
    timeless.as_object_mut().unwrap().remove("imagePushedAt");
    assert_eq!(kind_of(read(Recorded::default().json(IMAGES, json!({ "imageDetails": [timeless] })))), PortErrorKind::Unavailable);
}

#[test]
fn newer_images_of_all_pages_the_newest_first() {
    let page = |token: Option<&str>, images: Vec<Value>| json!({ "imageDetails": images, "nextToken": token });
    let recorded = Recorded::default()
        .json(IMAGES, page(Some("t1"), vec![details("sha256:2", 200.0, &["b"]), details("sha256:1", 100.0, &["a"])]))
        .json(IMAGES, page(None, vec![details("sha256:4", 400.0, &["d"]), details("sha256:3", 300.5, &["c", "c2"])]));
    let after = Some("1970-01-01T00:01:40Z".parse().unwrap());
    let newer = wait(images(&recorded).newer_images("shop/web", after)).unwrap();
    let digests: Vec<&str> = newer.iter().map(|image| image.digest.as_str()).collect();
    assert_eq!(digests, ["sha256:4", "sha256:3", "sha256:2"], "the one that was pushed at `after` is not newer");
    let asked = recorded.asked();
    assert_eq!(asked[0].json(), json!({ "repositoryName": "shop/web", "filter": { "tagStatus": "TAGGED" }, "maxResults": 1_000 }));
    assert_eq!(asked[1].json()["nextToken"], "t1");

    let many = (0..150).map(|number| details(&format!("sha256:{number}"), f64::from(number), &["x"])).collect();
    let newest = wait(images(&Recorded::default().json(IMAGES, page(None, many))).newer_images("shop/web", None)).unwrap();
    assert_eq!((newest.len(), newest[0].digest.as_str(), newest[99].digest.as_str()), (100, "sha256:149", "sha256:50"));
}

#[test]
fn a_basic_scan_of_several_pages() {
    let page = |names: Vec<Value>, token: Option<&str>| {
        let findings = json!({ "imageScanCompletedAt": 1_795_204_860.0, "findings": names, "findingSeverityCounts": { "HIGH": 2 } });
        json!({ "imageScanStatus": { "status": "COMPLETE" }, "imageScanFindings": findings, "nextToken": token })
    };
    let named = |name: &str, severity: &str| json!({ "name": name, "severity": severity, "attributes": [] });
    let recorded = plain_image()
        .json(FINDINGS, page(vec![named("CVE-1", "HIGH"), named("CVE-1", "HIGH")], Some("t1")))
        .json(FINDINGS, page(vec![named("CVE-2", "LOW"), named("CVE-3", "WORSE_THAN_KNOWN")], None));
    let ScanNow::Complete { at, findings } = scan(&recorded).unwrap() else { panic!("it is complete") };
    use FindingSeverity::{High, Low, Undefined};
    let expected = [finding("CVE-1", High), finding("CVE-1", High), finding("CVE-2", Low), finding("CVE-3", Undefined)];
    assert_eq!((findings.as_slice(), at), (&expected[..], Some("2026-11-20T20:01:00Z".parse().unwrap())));
    let asked = recorded.asked_for(FINDINGS);
    assert_eq!(asked[0].json(), json!({ "repositoryName": "shop/web", "imageId": { "imageDigest": DIGEST }, "maxResults": 1_000 }));
    assert_eq!((asked.len(), &asked[1].json()["nextToken"]), (2, &json!("t1")));
}

#[test]
fn an_enhanced_scan_goes_on_for_ever_and_has_results_all_the_same() {
    let enhanced = json!([
        { "packageVulnerabilityDetails": { "vulnerabilityId": "CVE-1" }, "severity": "CRITICAL", "status": "ACTIVE" },
        { "packageVulnerabilityDetails": { "vulnerabilityId": "CVE-2" }, "severity": "UNTRIAGED", "status": "SUPPRESSED" },
        { "packageVulnerabilityDetails": { "vulnerabilityId": "CVE-3" }, "severity": "HIGH", "status": "CLOSED" },
        { "title": "port 22 is open", "severity": "MEDIUM" },
        { "severity": "LOW" },
    ]);
    let findings = json!({ "enhancedFindings": enhanced, "imageScanCompletedAt": 1_795_204_860.0 });
    let recorded = plain_image().json(FINDINGS, json!({ "imageScanStatus": { "status": "ACTIVE" }, "imageScanFindings": findings }));
    use FindingSeverity::{Critical, Low, Medium, Undefined};
    let expected = [finding("CVE-1", Critical), finding("CVE-2", Undefined), finding("port 22 is open", Medium), finding("unnamed", Low)];
    assert_eq!(found(scan(&recorded).unwrap()), expected, "fixed ones are over; suppressed ones count, the fleet file allows");
}

#[test]
fn no_finding_is_a_result_and_a_result_without_findings_is_an_error() {
    let complete = |findings: Value| json!({ "imageScanStatus": { "status": "COMPLETE" }, "imageScanFindings": findings });
    let clean = complete(json!({ "imageScanCompletedAt": 1_795_204_860.0, "findingSeverityCounts": {} }));
    assert_eq!(found(scan(&plain_image().json(FINDINGS, clean)).unwrap()), []);
    let cut = complete(json!({ "imageScanCompletedAt": 1_795_204_860.0, "findingSeverityCounts": { "CRITICAL": 3 } }));
    let error = scan(&plain_image().json(FINDINGS, cut)).unwrap_err();
    assert!(error.kind == PortErrorKind::Unavailable && error.message.contains("counts 3 findings and lists none"), "{error}");
    assert_eq!(
        kind_of(scan(&plain_image().json(FINDINGS, json!({ "imageScanStatus": { "status": "COMPLETE" } })))),
        PortErrorKind::Unavailable
    );
    assert_eq!(kind_of(scan(&plain_image().json(FINDINGS, json!({})))), PortErrorKind::Unavailable);
}

#[test]
fn every_status_has_its_meaning() {
    for word in ["IN_PROGRESS", "PENDING", "SOMETHING_NEW"] {
        assert_eq!(scan(&plain_image().json(FINDINGS, status(word))), Ok(ScanNow::Pending { status: word.into() }));
    }
    let active = scan(&plain_image().json(FINDINGS, status("ACTIVE"))).unwrap();
    assert_eq!(active, ScanNow::Pending { status: "ACTIVE, no result yet".into() }, "the first scan is not over");
    for word in ["SCAN_ELIGIBILITY_EXPIRED", "FINDINGS_UNAVAILABLE", "UNSUPPORTED_IMAGE", "FAILED", "LIMIT_EXCEEDED", "IMAGE_ARCHIVED"] {
        let expected = ScanNow::Failed { why: format!("{word}: as ECR says") };
        assert_eq!(scan(&plain_image().json(FINDINGS, status(word))), Ok(expected));
    }
    let not_begun = plain_image().json_error(FINDINGS, "ScanNotFoundException", "Image scan does not exist");
    assert_eq!(scan(&not_begun), Ok(ScanNow::Pending { status: "not started".into() }));
    let denied = plain_image().json_error(FINDINGS, "AccessDeniedException", "not authorized");
    assert_eq!(kind_of(scan(&denied)), PortErrorKind::Denied);
    let gone = Recorded::default().json_error(IMAGES, "ImageNotFoundException", "no").json_error(FINDINGS, "ImageNotFoundException", "no");
    assert_eq!(kind_of(scan(&gone)), PortErrorKind::NotFound);
}

fn index(parts: &[(&str, &str, &str)]) -> Recorded {
    let part = |(digest, os, architecture): &(&str, &str, &str)| json!({ "digest": digest, "platform": { "os": os, "architecture": architecture }, "mediaType": "application/vnd.oci.image.manifest.v1+json" });
    let manifest = json!({ "schemaVersion": 2, "manifests": parts.iter().map(part).collect::<Vec<_>>() }).to_string();
    one_image("application/vnd.oci.image.index.v1+json")
        .json_error(FINDINGS, "ScanNotFoundException", "an index is not scanned")
        .json(MANIFEST, json!({ "images": [{ "imageManifest": manifest }], "failures": [] }))
}

fn complete(names: &[(&str, &str)], at: f64) -> Value {
    let findings: Vec<Value> = names.iter().map(|(name, severity)| json!({ "name": name, "severity": severity })).collect();
    json!({ "imageScanStatus": { "status": "COMPLETE" }, "imageScanFindings": { "findings": findings, "imageScanCompletedAt": at } })
}

const TWO: [(&str, &str, &str); 3] =
    [("sha256:amd", "linux", "amd64"), ("sha256:arm", "linux", "arm64"), ("sha256:att", "unknown", "unknown")];

#[test]
fn the_platforms_of_an_index_are_united_and_its_attestations_left_out() {
    let recorded = index(&TWO)
        .json(FINDINGS, complete(&[("CVE-1", "HIGH"), ("CVE-1", "HIGH"), ("CVE-2", "LOW")], 100.0))
        .json(FINDINGS, complete(&[("CVE-1", "HIGH"), ("CVE-3", "LOW")], 200.0));
    let ScanNow::Complete { at, findings } = scan(&recorded).unwrap() else { panic!("it is complete") };
    use FindingSeverity::{High, Low};
    let expected = [finding("CVE-1", High), finding("CVE-1", High), finding("CVE-2", Low), finding("CVE-3", Low)];
    assert_eq!((findings.as_slice(), at.unwrap().as_second()), (&expected[..], 200));
    let scanned: Vec<Value> = recorded.asked_for(FINDINGS).iter().map(|asked| asked.json()["imageId"]["imageDigest"].clone()).collect();
    assert_eq!(scanned, ["sha256:aa", "sha256:amd", "sha256:arm"]);
    assert!(recorded.asked_for(MANIFEST)[0].json()["acceptedMediaTypes"].as_array().unwrap().len() == 2);
}

#[test]
fn an_index_is_as_far_as_its_slowest_platform() {
    let waiting = index(&TWO).json(FINDINGS, complete(&[], 100.0)).json(FINDINGS, status("IN_PROGRESS"));
    assert_eq!(scan(&waiting), Ok(ScanNow::Pending { status: "linux/arm64: IN_PROGRESS".into() }));
    let failed = index(&TWO).json(FINDINGS, status("PENDING")).json(FINDINGS, status("UNSUPPORTED_IMAGE"));
    assert_eq!(scan(&failed), Ok(ScanNow::Failed { why: "linux/arm64: UNSUPPORTED_IMAGE: as ECR says".into() }));
    let slow = (0..3).fold(index(&TWO[..1]), |recorded, _| recorded.json_error(FINDINGS, "ThrottlingException", "slow"));
    assert_eq!(kind_of(scan(&slow)), PortErrorKind::Throttled);
    assert!(matches!(scan(&index(&TWO[2..])), Ok(ScanNow::Failed { .. })), "there is no image in it");
    let unread = one_image("application/vnd.docker.distribution.manifest.list.v2+json")
        .json(FINDINGS, status("UNSUPPORTED_IMAGE"))
        .json(MANIFEST, json!({ "images": [], "failures": [{ "failureReason": "Requested image not found" }] }));
    let error = scan(&unread).unwrap_err();
    assert!(error.kind == PortErrorKind::Unavailable && error.message.contains("Requested image not found"), "{error}");
}
