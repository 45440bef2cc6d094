//! The words for what was found wrong while reading: what it is, and what to write instead.
//!
//! Must never show a Rust type or a parser's term to the person who wrote the file.

use super::error::{FleetErrorCode, Report};
use super::suggest::nearest;
use super::tree::{NodeId, Place, Scalar, Tree, Value};
use super::trouble::{Complaint, Spot};

/// A field (or a choice with fields) that does not exist.
pub(super) fn unknown(tree: &Tree, map: NodeId, value: NodeId, field: &str, known: &[&str], report: &mut Report<'_>) {
    let place = key_place(tree, map, value);
    let around = tree.key_of(map).map_or_else(String::new, |key| format!(" in `{key}`"));
    report.add(FleetErrorCode::Unknown, place, format!("there is no `{field}`{around}"), suggestion(field, known));
}

/// A word that is none of those that are possible.
pub(super) fn unknown_word(tree: &Tree, id: NodeId, word: &str, known: &[&str], report: &mut Report<'_>) {
    let key = tree.key_of(id).unwrap_or("it");
    report.add(FleetErrorCode::Unknown, tree.place(id), format!("`{key}` cannot be \"{word}\""), suggestion(word, known));
}

fn suggestion(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("possible here: {}", known.join(", ")),
    }
}

/// A field that must be there and is not.
pub(super) fn missing(tree: &Tree, id: NodeId, field: &str, container: &str, report: &mut Report<'_>) {
    let owner = match (container, tree.key_of(id)) {
        ("Fleet", _) => "the file".to_owned(),
        ("Rule", _) => name_of(tree, id, "name", "rule"),
        ("CalendarEntry", _) => name_of(tree, id, "name", "calendar entry"),
        ("Stage", _) => name_of(tree, id, "name", "stage"),
        ("Wave", _) => "a wave".to_owned(),
        ("Approver", _) => "an approver".to_owned(),
        ("AllowedFinding", _) => name_of(tree, id, "cve", "allowed finding"),
        ("FreezeFile", _) => "a freeze window".to_owned(),
        (_, Some(key)) => format!("`{key}`"),
        (_, None) => "this".to_owned(),
    };
    let help = match example(container, field) {
        Some(example) => format!("add {example}"),
        None => format!("add {field}: ..."),
    };
    report.add(FleetErrorCode::Missing, tree.place(id), format!("{owner} has no `{field}`"), help);
}

fn name_of(tree: &Tree, id: NodeId, field: &str, what: &str) -> String {
    let name = tree.field(id, field).and_then(|entry| tree.node(entry.value));
    match name.map(|node| &node.value) {
        Some(Value::Scalar { text, .. }) => format!("the {what} `{text}`"),
        _ if what.starts_with('a') => format!("an {what}"),
        _ => format!("a {what}"),
    }
}

fn example(container: &str, field: &str) -> Option<&'static str> {
    Some(match (container, field) {
        ("Fleet", "version") => "version: 1",
        ("Fleet", "system") => "system: <its name>, such as system: pizza",
        ("Fleet", "regions") => "regions: [us-east-1], with the regions that the services run in",
        ("Fleet", "services") => "services: and under it each service by name",
        ("Service", "runs_on") => "runs_on: { ecs: { cluster: ..., service: ... } }, or runs_on: { asg: { group: ... } }",
        (_, "bounds") => "bounds: { min: 2, max: 10 }",
        ("BoundsFile", "min") => "min: and the least number",
        ("BoundsFile", "max") => "max: and the largest number",
        ("Rule", "when") => "when: { metric: cpu, above: 70, for: 5m }",
        ("Rule", "then") => "then: { add: 1 }, { remove: 1 } or { to_target: 60 }",
        ("Rule", "name") => "name: and a name that no other rule of the service has",
        ("CalendarEntry", "cron") => "cron: \"0 20 * * MON-FRI\"",
        ("CalendarEntry", "timezone") => "timezone: Europe/Berlin",
        ("CalendarEntry", "name") => "name: and what this time is called, such as night",
        ("Path", "tags") => "tags: { match: [\"release-*\"] }, or tags: { semver: \">=1.0\" }",
        ("Path", "stages") => "stages: [{ name: production, waves: [{ regions: [us-east-1] }] }]",
        ("Stage", "name") => "name: and what the stage is called, such as staging",
        ("Stage", "waves") => "waves: [{ regions: [us-east-1] }]",
        ("Wave", "regions") => "regions: [us-east-1], one or more of the file's regions",
        ("ScanGate", "most") => "most: { critical: 0, high: 0 }, the most findings of each severity",
        ("AllowedFinding", "cve") => "cve: and the finding's name, such as CVE-2026-12345",
        ("AllowedFinding", "until") => "until: and the day when it counts again, such as 2026-12-31T00:00:00Z",
        ("AllowedFinding", "why") => "why: and why it does no harm here, which is shown with the release",
        ("ApprovalRule", "by") => "by: [{ name: ana }], the people who may agree",
        ("Approver", "name") => "name: and what the approver is called in the ledger, such as ana",
        ("Pipeline", "approval") => "approval: { by: [{ name: ana }] }",
        ("Deploy", "repository") => "repository: and the name of the ECR repository",
        ("Deploy", "path") => "path: and the name of a path under `paths`",
        ("FrontEnd", "bucket") => "bucket: and the name of the bucket",
        ("FrontEnd", "distribution") => "distribution: and the id of the CloudFront distribution, such as E2QWRUHAPOMQZL",
        ("Postgresql", "users") => "users: alternating (with admin_secret), or users: single",
        ("Elasticache", "replication_group") => "replication_group: and the id of the replication group",
        ("Issued", "max_age") => "max_age: 90d, or how old the key may become",
        ("Issued", "how") => "how: and what a person has to do to get a new key and to revoke the old one",
        ("Probe", "url") => "url: and an https address that answers a valid key with 200 and another with 401",
        ("FreezeFile", "why") => "why: and the reason, which is shown when something was not done",
        ("EcsService", "cluster") => "cluster: and the name of the ECS cluster",
        ("EcsService", "service") => "service: and the name of the ECS service",
        ("GroupFile" | "TargetGroupFile", "group") => "group: and the name of the Auto Scaling group",
        ("LoadBalancer", "load_balancer") => "load_balancer: app/<name>/<id>, the end of the load balancer's ARN",
        ("LoadBalancer", "target_group") => "target_group: targetgroup/<name>/<id>, the end of the target group's ARN",
        _ => return None,
    })
}

/// A value that its type refused, in the type's words or by what was expected.
pub(super) fn wrong_value(tree: &Tree, spot: Spot, complaint: &Complaint, report: &mut Report<'_>) {
    match (spot, complaint) {
        (_, Complaint::Said(message)) => said(tree, spot, message, report),
        (Spot::Value(id), Complaint::WrongType { expected }) => wrong_type(tree, id, expected, report),
        (Spot::Value(id) | Spot::Key(_, id), other) => {
            report.add(FleetErrorCode::Value, tree.place(id), format!("this cannot be read ({other:?})"), "see docs/fleet-file.md");
        }
    }
}

/// Our types speak as "what is wrong; what to write".
pub(super) fn said(tree: &Tree, spot: Spot, message: &str, report: &mut Report<'_>) {
    let place = match spot {
        Spot::Value(id) => tree.place(id),
        Spot::Key(map, value) => key_place(tree, map, value),
    };
    let (problem, help) = message.split_once("; ").unwrap_or((message, "see docs/fleet-file.md"));
    report.add(FleetErrorCode::Value, place, problem, help);
}

fn wrong_type(tree: &Tree, id: NodeId, expected: &str, report: &mut Report<'_>) {
    let is_number = tree.node(id).is_some_and(|node| matches!(node.scalar(), Some(Scalar::Unsigned(_))));
    let is_text = tree.node(id).is_some_and(|node| matches!(&node.value, Value::Scalar { is_plain: false, .. }));
    let (needed, help) = match expected {
        "u16" if is_number => ("a smaller number", "write 65535 at most"),
        "u8" | "u16" | "u32" | "u64" if is_text => ("a whole number", "write the number without quotes"),
        "u8" | "u16" | "u32" | "u64" => ("a whole number", "write a whole number, 0 or more, such as 2"),
        "f32" | "f64" => ("a number", "write a bare number such as 70, without quotes, unit or per cent sign"),
        "a string" => ("text", "put it in quotes"),
        "a sequence" => ("a list", "write [one, two], or each item on a line of its own that begins with a hyphen"),
        "a map" | "struct" => ("fields", "write fields as name: value, indented under it or in { }"),
        "a boolean" => ("true or false", "write true or false"),
        other => return needs(tree, id, other, &format!("write {other}"), report),
    };
    needs(tree, id, needed, help, report);
}

/// As much of a text as fits into a sentence: a block may be a whole file.
fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let line = text.lines().next().unwrap_or_default();
    match line.chars().count() > MOST || line.len() < text.trim_end().len() {
        true => line.chars().take(MOST).chain("...".chars()).collect(),
        false => line.to_owned(),
    }
}

fn needs(tree: &Tree, id: NodeId, needed: &str, help: &str, report: &mut Report<'_>) {
    let found = match tree.node(id).map(|node| &node.value) {
        Some(Value::Scalar { text, is_plain: true }) if text.is_empty() => "nothing".to_owned(),
        Some(Value::Scalar { text, is_plain: true }) => shown(text),
        Some(Value::Scalar { text, .. }) => format!("\"{}\"", shown(text)),
        Some(Value::List(_)) => "a list".to_owned(),
        Some(Value::Map(_)) => "fields".to_owned(),
        None => "this".to_owned(),
    };
    let is_root = tree.node(id).is_some_and(|node| node.parent.is_none());
    let owner = tree.key_of(id).map_or_else(|| if is_root { "the file" } else { "this" }.to_owned(), |key| format!("`{key}`"));
    report.add(FleetErrorCode::Value, tree.place(id), format!("{owner} needs {needed}, not {found}"), help);
}

fn key_place(tree: &Tree, map: NodeId, value: NodeId) -> Place {
    let entry = match tree.node(map).map(|node| &node.value) {
        Some(Value::Map(entries)) => entries.iter().find(|entry| entry.value == value),
        _ => None,
    };
    entry.map_or_else(|| tree.place(map), |entry| entry.place)
}
