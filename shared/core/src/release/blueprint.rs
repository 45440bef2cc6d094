//! Copies of task definitions and launch templates with another image: pure, on the raw JSON, so that fields that this build
//! does not know are copied too.
//!
//! Replaces an image only where registry and repository are the release's own; finds nothing to replace: an error, never a
//! silent redeployment of what ran before.

use serde_json::Value;
use thiserror::Error;

use super::image::repository_of;

/// Nothing in it has an image of the repository.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("nothing of {what} comes from the repository {repository}; it names: {}", if .found.is_empty() { "no image".to_owned() } else { .found.join(", ") })]
pub struct NoMatch {
    /// Task definition or launch template.
    pub what: String,
    /// The repository that was looked for.
    pub repository: String,
    /// The images that are there.
    pub found: Vec<String>,
}

/// A task definition with every container of this repository, in the registry of `image` in whatever region, set to `image`;
/// the other containers stay as they are.
pub fn definition_with_image(body: &Value, repository: &str, image: &str) -> Result<Value, NoMatch> {
    let mut copy = body.clone();
    let mut found = Vec::new();
    let mut is_replaced = false;
    for container in copy.get_mut("containerDefinitions").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(named) = container.get("image").and_then(Value::as_str).map(str::to_owned) else { continue };
        if is_own(&named, repository, image)
            && let Some(place) = container.get_mut("image")
        {
            *place = Value::String(image.to_owned());
            is_replaced = true;
        }
        found.push(named);
    }
    match is_replaced {
        true => Ok(copy),
        false => Err(NoMatch { what: "the task definition".into(), repository: repository.to_owned(), found }),
    }
}

/// A launch template's data with every image of this repository, in the registry of `image` in whatever region, set to
/// `image`, in its user data and in the values of its tags.
pub fn template_with_image(body: &Value, repository: &str, image: &str) -> Result<Value, NoMatch> {
    let mut copy = body.clone();
    let mut found = Vec::new();
    let mut is_replaced = false;
    let mut replace = |place: &mut Value| {
        let Some(text) = place.as_str() else { return };
        let (replaced, count) = with_images_replaced(text, image, |address| is_own(address, repository, image), &mut found);
        if count > 0 {
            *place = Value::String(replaced);
            is_replaced = true;
        }
    };
    if let Some(user_data) = copy.get_mut("UserData") {
        replace(user_data);
    }
    for specification in copy.get_mut("TagSpecifications").and_then(Value::as_array_mut).into_iter().flatten() {
        for tag in specification.get_mut("Tags").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(value) = tag.get_mut("Value") {
                replace(value);
            }
        }
    }
    match is_replaced {
        true => Ok(copy),
        false => {
            Err(NoMatch { what: "the launch template's user data and instance tags".into(), repository: repository.to_owned(), found })
        }
    }
}

fn is_of(address: &str, repository: &str) -> bool {
    repository_of(address).is_some_and(|(named, _)| named == repository)
}

/// `example.com/web` and `docker.io/web` have the same repository and are not ours; nor is what is left of an address that a
/// script puts together, such as `$ACCOUNT.dkr.ecr.$REGION.amazonaws.com/web`.
fn is_own(address: &str, repository: &str, image: &str) -> bool {
    is_of(address, repository) && registry_of(address) == registry_of(image)
}

/// Whose registry it is: an account's, which has one in each region, else the host.
fn registry_of(address: &str) -> &str {
    let host = address.split('/').next().unwrap_or(address);
    let in_account = [".dkr.ecr.", ".dkr-ecr."].iter().find_map(|mark| host.split_once(mark));
    in_account.map_or(host, |(account, _)| account)
}

/// What may stand in an image's address; everything else ends it (quotes, blanks, `$`, `;`).
fn is_address_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | '/' | ':' | '@')
}

fn with_images_replaced(text: &str, image: &str, is_own: impl Fn(&str) -> bool, found: &mut Vec<String>) -> (String, usize) {
    let (mut out, mut count, mut rest) = (String::with_capacity(text.len()), 0, text);
    while let Some(start) = rest.find(is_address_letter) {
        let (before, word) = rest.split_at(start);
        let end = word.find(|letter| !is_address_letter(letter)).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let (scheme, word) = word.split_at(word.rfind("://").map_or(0, |at| at + "://".len()));
        // A sentence's full stop or a YAML colon after the address is not its own.
        let address = word.trim_end_matches(['.', ':']);
        out.push_str(before);
        out.push_str(scheme);
        if address.contains(".dkr.ecr.") && address.contains('/') {
            found.push(address.to_owned());
        }
        if is_own(address) {
            out.push_str(image);
            out.push_str(word.get(address.len()..).unwrap_or_default());
            count += 1;
        } else {
            out.push_str(word);
        }
        rest = after;
    }
    out.push_str(rest);
    (out, count)
}

/// Whether two blueprints say the same; the order of lists that AWS sorts itself (environment, tags, secrets) does not count.
pub fn same_blueprint(one: &Value, other: &Value) -> bool {
    normalised(one) == normalised(other)
}

/// Where two blueprints differ, as paths with both values shortened; the images of `repository` are left out. At most 20.
pub fn blueprint_differences(before: &Value, after: &Value, repository: Option<&str>) -> Vec<String> {
    let mut differences = Vec::new();
    differ("", &normalised(before), &normalised(after), repository, &mut differences);
    differences.truncate(20);
    differences
}

/// Empty lists, empty objects, nulls and ECS's defaults are what AWS fills in for what was not written; named lists are
/// sorted by name.
fn normalised(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), normalised(value)));
            Value::Object(fields.filter(|(name, value)| !is_empty(value) && !is_default(name, value)).collect())
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(normalised).collect();
            if items.iter().all(|item| name_of(item).is_some()) {
                items.sort_by(|one, other| name_of(one).cmp(&name_of(other)));
            }
            Value::Array(items)
        }
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A container's `cpu` is 0 and it is essential where nothing is written (ECS API reference, ContainerDefinition).
fn is_default(name: &str, value: &Value) -> bool {
    (name == "cpu" && value.as_u64() == Some(0)) || (name == "essential" && value.as_bool() == Some(true))
}

fn name_of(item: &Value) -> Option<&str> {
    ["name", "key", "Key"].iter().find_map(|field| item.get(field)).and_then(Value::as_str)
}

fn differ(path: &str, before: &Value, after: &Value, repository: Option<&str>, out: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let (old, new) = (old.get(name).unwrap_or(&Value::Null), new.get(name).unwrap_or(&Value::Null));
                differ(&format!("{path}.{name}"), old, new, repository, out);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                let step = name_of(new).map_or_else(|| index.to_string(), str::to_owned);
                differ(&format!("{path}[{step}]"), old, new, repository, out);
            }
        }
        (old, new) if old == new || is_own_image(old, new, repository) => {}
        (old, new) => out.push(format!("{}: {} -> {}", path.trim_start_matches('.'), shown(path, old), shown(path, new))),
    }
}

fn is_own_image(old: &Value, new: &Value, repository: Option<&str>) -> bool {
    let is_own = |value: &Value| match (value.as_str(), repository) {
        (Some(text), Some(repository)) => is_of(text, repository),
        _ => false,
    };
    // In user data the image stands inside a longer text: equal once both have the same image there.
    let same_but_for_image = || match (old.as_str(), new.as_str(), repository) {
        (Some(old), Some(new), Some(repository)) => {
            let bare = |text: &str| with_images_replaced(text, "", |address| is_of(address, repository), &mut Vec::new());
            let ((old, count), (new, _)) = (bare(old), bare(new));
            count > 0 && old == new
        }
        _ => false,
    };
    (is_own(old) && is_own(new)) || same_but_for_image()
}

/// Values may be confidential (an environment variable, user data, a log driver's token): only that they differ is shown, and
/// scalars of other places.
fn shown(path: &str, value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::String(text) if !is_confidential(path) && text.chars().count() <= 60 => format!("\"{text}\""),
        _ => "(not shown)".to_owned(),
    }
}

fn is_confidential(path: &str) -> bool {
    let parts = [".environment[", ".UserData", "command", "entryPoint", ".options.", ".dockerLabels."];
    parts.iter().any(|part| path.contains(part)) && !path.contains(".options.awslogs-")
}

/// Whether a task definition reads the secret of this name or ARN, in its containers' secrets, log options or registry credentials.
pub fn reads_secret(body: &Value, secret: &str) -> bool {
    match body {
        Value::Object(fields) => fields.iter().any(|(name, value)| match value {
            Value::String(text) if name == "valueFrom" || name == "credentialsParameter" => is_same_secret(text, secret),
            other => reads_secret(other, secret),
        }),
        Value::Array(items) => items.iter().any(|item| reads_secret(item, secret)),
        _ => false,
    }
}

/// Whether two names or ARNs mean the same secret.
///
/// `valueFrom` is an ARN, perhaps with `:json-key:stage:version` behind it, or (for Parameter Store) a name; registry
/// credentials may be a secret's bare name. An ARN's last part is the name, a hyphen and six characters that Secrets Manager
/// adds.
pub(super) fn is_same_secret(one: &str, other: &str) -> bool {
    let of = |text: &str| -> Option<String> {
        let name = text.split_once(":secret:").map(|(_, rest)| rest)?;
        Some(name.split(':').next().unwrap_or(name).to_owned())
    };
    let bare = |name: &str| match name.rsplit_once('-') {
        Some((bare, random)) if random.len() == 6 && random.chars().all(|letter| letter.is_ascii_alphanumeric()) => bare.to_owned(),
        _ => name.to_owned(),
    };
    match (of(one), of(other)) {
        (Some(one), Some(other)) => one == other || bare(&one) == other || one == bare(&other),
        (Some(arn), None) => arn == other || bare(&arn) == other,
        (None, Some(arn)) => arn == one || bare(&arn) == one,
        (None, None) => one == other,
    }
}
