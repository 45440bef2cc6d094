//! The committed schema is the one that the types give.

use std::path::PathBuf;

use nightshift_core::fleet::schema::fleet_schema;
use serde_json::Value;

#[test]
fn the_committed_schema_is_fresh() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../systems/schema.json");
    let committed: Value = std::fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    assert!(
        committed == fleet_schema(),
        "systems/schema.json is stale; refresh it with\n    cargo run -p nightshift-cli -- schema > systems/schema.json"
    );
}

#[test]
fn the_schema_knows_every_field_and_is_as_strict_as_the_reader() {
    let schema = fleet_schema();
    let text = schema.to_string();
    for field in [
        "runs_on",
        "load_balancer",
        "largest_step",
        "task_enis_per_instance",
        "http_5xx",
        "to_target",
        "calendar",
        "freeze",
        "chat_topic",
        "match",
        "critical",
        "without_result",
        "waves",
        "needed",
        "checkpoint_delay",
        "on_failure",
        "targets",
        "rotated_secrets",
        "front_ends",
        "pipelines",
        "admin_secret",
        "replication_group",
        "previous_field",
        "warn_before",
        "readers",
        "window",
    ] {
        assert!(text.contains(&format!("\"{field}\"")), "{field}");
    }
    let mut loose = Vec::new();
    look_for_loose_objects(&schema, "", &mut loose);
    assert_eq!(loose, Vec::<String>::new(), "objects that allow unknown fields");
}

/// Every object with fields refuses others.
fn look_for_loose_objects(value: &Value, path: &str, loose: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(Value::is_object) && fields.get("additionalProperties") != Some(&Value::Bool(false)) {
                loose.push(path.to_owned());
            }
            fields.iter().for_each(|(name, field)| look_for_loose_objects(field, &format!("{path}/{name}"), loose));
        }
        Value::Array(items) => items.iter().for_each(|item| look_for_loose_objects(item, path, loose)),
        _ => {}
    }
}
