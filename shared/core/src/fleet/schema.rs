//! The JSON schema of the fleet file, for editors; generated from the types, so that it cannot say anything else.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::file::Fleet;

/// The schema that is committed as systems/schema.json, in draft 7, which the YAML language server reads best.
pub fn fleet_schema() -> Value {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<Fleet>();
    schema.insert("title".to_owned(), "Nightshift fleet file, version 1".into());
    schema.to_value()
}
