//! Something harmless where something needed is missing, so that what stands beside it is still looked at.
//!
//! What is said about a stand-in concerns nobody: the checks leave it out, by its node or by its name.

use super::tree::{NodeId, Place, Tree, Value};

const PREFIX: &str = "stand-in";

/// The name that something gets whose own cannot be read; unique in its file.
pub(super) fn stand_in_name(node: NodeId) -> String {
    format!("{PREFIX}-{node}")
}

/// Whether a name was given by the reader.
pub(super) fn is_stand_in_name(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Puts a stand-in under `field`; false where there is none for it, or something stands there.
pub(super) fn put_stand_in(tree: &mut Tree, map: NodeId, container: &str, field: &str) -> bool {
    if tree.field(map, field).is_some() {
        return false;
    }
    let Some(value) = stand_in(tree, map, container, field) else { return false };
    if let Some(node) = tree.node_mut(value) {
        node.is_stand_in = true;
    }
    tree.put_field(map, field, NOWHERE, value);
    true
}

fn stand_in(tree: &mut Tree, map: NodeId, container: &str, field: &str) -> Option<NodeId> {
    Some(match (container, field) {
        ("Fleet", "version") => scalar(tree, "1"),
        ("Fleet", "regions") | ("Wave", "regions") => {
            let region = scalar(tree, "us-east-1");
            list_of(tree, region)
        }
        ("Fleet", "services") => tree.add(NOWHERE, Value::Map(Vec::new())),
        ("Service" | "CalendarEntry", "bounds") => {
            let (min, max) = (scalar(tree, "1"), scalar(tree, "1"));
            map_of(tree, &[("min", min), ("max", max)])
        }
        ("Service", "runs_on") => {
            let name = scalar(tree, PREFIX);
            let group = map_of(tree, &[("group", name)]);
            map_of(tree, &[("asg", group)])
        }
        ("Rule", "when") => {
            let alarm = scalar(tree, PREFIX);
            map_of(tree, &[("alarm", alarm)])
        }
        ("Rule", "then") => {
            let one = scalar(tree, "1");
            map_of(tree, &[("add", one)])
        }
        ("Rule" | "CalendarEntry" | "Stage" | "Approver", "name") | ("AllowedFinding", "cve") => scalar(tree, &stand_in_name(map)),
        ("Fleet", "system") | ("FreezeFile" | "AllowedFinding", "why") => scalar(tree, PREFIX),
        ("AllowedFinding", "until") => scalar(tree, "2100-01-01T00:00:00Z"),
        ("ScanGate", "most") => {
            let none = scalar(tree, "0");
            map_of(tree, &[("critical", none)])
        }
        ("Path", "tags") => {
            let every = scalar(tree, "*");
            let patterns = list_of(tree, every);
            map_of(tree, &[("match", patterns)])
        }
        ("Path", "stages") => {
            let (name, waves) = (scalar(tree, PREFIX), waves(tree));
            let stage = map_of(tree, &[("name", name), ("waves", waves)]);
            list_of(tree, stage)
        }
        ("Stage", "waves") => waves(tree),
        ("ApprovalRule", "by") => approvers(tree),
        ("Pipeline", "approval") => {
            let by = approvers(tree);
            map_of(tree, &[("by", by)])
        }
        ("Deploy", "repository" | "path") | ("FrontEnd", "bucket") => scalar(tree, PREFIX),
        ("FrontEnd", "distribution") => scalar(tree, "E0"),
        ("Postgresql", "users") => scalar(tree, "single"),
        ("Elasticache", "replication_group") | ("Issued", "how") => scalar(tree, PREFIX),
        ("Issued", "max_age") => scalar(tree, "366d"),
        ("Probe", "url") => scalar(tree, "https://stand-in.example"),
        _ => return None,
    })
}

fn waves(tree: &mut Tree) -> NodeId {
    let region = scalar(tree, "us-east-1");
    let regions = list_of(tree, region);
    let wave = map_of(tree, &[("regions", regions)]);
    list_of(tree, wave)
}

fn approvers(tree: &mut Tree) -> NodeId {
    let name = scalar(tree, PREFIX);
    let approver = map_of(tree, &[("name", name)]);
    list_of(tree, approver)
}

const NOWHERE: Place = Place { line: 1, column: 1, length: 1 };

fn scalar(tree: &mut Tree, text: &str) -> NodeId {
    tree.add(NOWHERE, Value::Scalar { text: text.to_owned(), is_plain: true })
}

fn list_of(tree: &mut Tree, item: NodeId) -> NodeId {
    let list = tree.add(NOWHERE, Value::List(Vec::new()));
    tree.put_item(list, item);
    list
}

fn map_of(tree: &mut Tree, fields: &[(&str, NodeId)]) -> NodeId {
    let map = tree.add(NOWHERE, Value::Map(Vec::new()));
    for (name, value) in fields {
        tree.put_field(map, name, NOWHERE, *value);
    }
    map
}
