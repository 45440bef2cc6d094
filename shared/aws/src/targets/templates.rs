//! Launch templates: versions read whole, and new ones made as copies in which only what changed is sent.
//!
//! EC2 itself copies the rest from the source version. Must never change which version is a template's default.

use aws_smithy_types::base64;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::{Blueprint, BlueprintVersion, ReleaseId};
use serde_json::{Map, Value};

use super::answers::items;
use super::groups::{self, Template};
use crate::call::services::EC2;
use crate::call::{AwsCaller, Form, Xml};

const DESCRIBE: &str = "ec2:DescribeLaunchTemplateVersions";
const CREATE: &str = "ec2:CreateLaunchTemplateVersion";

/// `<id>:<version>`, the name of a version as the release knows it.
pub(super) fn parts(revision: &str) -> Option<(&str, &str)> {
    revision.rsplit_once(':').filter(|(id, version)| !id.is_empty() && !version.is_empty())
}

/// The version that a group is set to, as `<id>:<number>`.
pub(super) async fn resolved(caller: &AwsCaller, template: &Template) -> PortResult<String> {
    match template.is_numbered() {
        true => Ok(format!("{}:{}", template.id, template.version)),
        false => named(&described(caller, &template.id, &template.version).await?),
    }
}

pub(super) async fn blueprint(caller: &AwsCaller, group: &str, running: Option<&str>, proven: Option<&str>) -> PortResult<Blueprint> {
    let (id, version) = match running.and_then(parts) {
        Some((id, version)) => (id.to_owned(), version.to_owned()),
        None => {
            let found = groups::described(caller, group).await?;
            let no_template = || PortError::new(PortErrorKind::Denied, DESCRIBE, groups::unusable(&found).unwrap_or_default());
            let template = groups::template_of(&found).ok_or_else(no_template)?;
            (template.id, template.version)
        }
    };
    let (running, latest, proven) = tokio::join!(described(caller, &id, &version), described(caller, &id, "$Latest"), async {
        match proven.and_then(parts) {
            Some((id, version)) => described(caller, id, version).await.map(Some),
            None => Ok(None),
        }
    });
    let running = blueprint_version(&running?)?;
    let proven = match proven {
        Ok(proven) => proven.as_ref().map(blueprint_version).transpose()?,
        Err(error) if error.kind == PortErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let proven = proven.filter(|proven| proven.revision != running.revision);
    Ok(Blueprint { latest: blueprint_version(&latest?)?, running, proven })
}

/// One version, by number, `$Default` or `$Latest`.
pub(super) async fn described(caller: &AwsCaller, id: &str, version: &str) -> PortResult<Xml> {
    let form = Form::new().with("LaunchTemplateId", id).with_list("LaunchTemplateVersion", [version]);
    let answer = caller.query(&EC2, DESCRIBE, &form).await?;
    let versions = answer.first("launchTemplateVersionSet").ok_or_else(|| unreadable("the answer has no versions".into()))?;
    let missing = || PortError::new(PortErrorKind::NotFound, DESCRIBE, format!("launch template {id} has no version {version}"));
    versions.all("item").into_iter().next().cloned().ok_or_else(missing)
}

fn named(version: &Xml) -> PortResult<String> {
    match (version.text("launchTemplateId"), version.text("versionNumber")) {
        (Some(id), Some(number)) => Ok(format!("{id}:{number}")),
        _ => Err(unreadable("a version without id or number".into())),
    }
}

fn blueprint_version(version: &Xml) -> PortResult<BlueprintVersion> {
    let revision = named(version)?;
    let data = version.first("launchTemplateData").ok_or_else(|| unreadable(format!("version {revision} has no data")))?;
    let mut body = match json(data) {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    if let Some(Value::String(encoded)) = body.get("UserData") {
        let decoded = decoded(encoded).map_err(|problem| {
            let message = format!("the user data of {revision} {problem}; an image can be replaced in plain text only");
            PortError::new(PortErrorKind::Denied, DESCRIBE, message)
        })?;
        body.insert("UserData".into(), Value::String(decoded));
    }
    Ok(BlueprintVersion { revision, body: Value::Object(body) })
}

fn decoded(encoded: &str) -> Result<String, &'static str> {
    let compact: String = encoded.split_whitespace().collect();
    let bytes = base64::decode(compact).map_err(|_| "is no base64")?;
    match bytes.starts_with(&[0x1f, 0x8b]) {
        true => Err("is compressed (gzip)"),
        false => String::from_utf8(bytes).map_err(|_| "is no UTF-8 text"),
    }
}

/// An element as JSON: names as EC2 takes them in requests (`tagSpecificationSet` is `TagSpecifications`), values as texts.
/// Members that nobody here knows are there as well.
fn json(element: &Xml) -> Value {
    let is_list = |child: &Xml| child.name().ends_with("Set") || child.children().first().is_some_and(|first| first.name() == "item");
    if element.children().is_empty() {
        return Value::String(element.own_text().to_owned());
    }
    let members = element.children().iter().map(|child| match is_list(child) {
        true => (list_name(child.name()), Value::Array(child.children().iter().map(json).collect())),
        false => (capitalised(child.name()), json(child)),
    });
    Value::Object(members.collect())
}

fn list_name(name: &str) -> String {
    let name = capitalised(name.strip_suffix("Set").unwrap_or(name));
    if name.ends_with('s') { name } else { name + "s" }
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// Makes a version from `from` with the body's user data and tags; its name. The same call twice is one version: EC2 knows it
/// by its token.
pub(super) async fn new_version(caller: &AwsCaller, group: &str, from: &str, body: &Value, release: &ReleaseId) -> PortResult<String> {
    let no_version = || PortError::new(PortErrorKind::Denied, CREATE, format!("{from} is no version of a launch template"));
    let (id, number) = parts(from).ok_or_else(no_version)?;
    let source = blueprint_version(&described(caller, id, number).await?)?;
    let data = changed(&source.body, body)?;
    let form = Form::new()
        .with("LaunchTemplateId", id)
        .with("SourceVersion", number)
        .with("VersionDescription", format!("nightshift {release}"))
        .with("ClientToken", token(&[group, from, release.as_str(), &body.to_string()]));
    let form = data.into_iter().fold(form, |form, (name, value)| form.with(format!("LaunchTemplateData.{name}"), value));
    let answer = caller.query(&EC2, CREATE, &form).await?;
    let made = answer.first("launchTemplateVersion").ok_or_else(|| unreadable("the answer has no version".into()))?;
    named(made)
}

/// The parameters that differ from the source version's, the user data always among them: a request without data is refused.
fn changed(source: &Value, wanted: &Value) -> PortResult<Vec<(String, String)>> {
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let may_change = matches!(name.as_str(), "UserData" | "TagSpecifications");
        if !may_change && source.get(name) != Some(value) {
            let message = format!("{name} of a launch template is not changed by a release, only its user data and tags");
            return Err(PortError::new(PortErrorKind::Denied, CREATE, message));
        }
    }
    let mut data = Vec::new();
    if let Some(user_data) = wanted.get("UserData").and_then(Value::as_str) {
        data.push(("UserData".to_owned(), base64::encode(user_data)));
    }
    if wanted.get("TagSpecifications") != source.get("TagSpecifications") {
        parameters("TagSpecification", &Value::Array(items(wanted, "TagSpecifications").to_vec()), &mut data);
    }
    // EC2 drops the snapshots of a source version's disks unless they are named again (CreateLaunchTemplateVersion).
    let disks = items(source, "BlockDeviceMappings");
    if disks.iter().any(|disk| disk.get("Ebs").and_then(|ebs| ebs.get("SnapshotId")).is_some()) {
        parameters("BlockDeviceMapping", &Value::Array(disks.to_vec()), &mut data);
    }
    Ok(data)
}

/// EC2's form of nested parameters; lists are numbered and their names in the singular.
fn parameters(name: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                parameters(&format!("{name}.{member}"), value, out);
            }
        }
        Value::Array(items) => {
            let name = name.strip_suffix('s').unwrap_or(name);
            for (item, number) in items.iter().zip(1_usize..) {
                parameters(&format!("{name}.{number}"), item, out);
            }
        }
        Value::String(text) => out.push((name.to_owned(), text.clone())),
        _ => {}
    }
}

/// FNV-1a, 64 bits, over everything that makes the version what it is: stable between builds.
fn token(parts: &[&str]) -> String {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("nightshift-{hash:016x}")
}

fn unreadable(message: String) -> PortError {
    PortError::new(PortErrorKind::Unavailable, DESCRIBE, message)
}
