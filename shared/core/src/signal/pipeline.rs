//! CodePipeline's question to people, as its manual approval action sends it over SNS.
//!
//! Owns that one body. Its token lets whoever has it answer: it goes into the signal and nowhere else.

use serde_json::Value;

use super::ignored::Ignored;
use super::lenient::{field, text_field};
use super::told::Told;
use super::{PipelineSignal, Signal, time};

/// Whether an object is such a body.
pub(super) fn looks_like_one(object: &Value) -> bool {
    matches!(field(object, "approval"), Some(Value::Object(_)))
}

/// CodePipeline user guide, "JSON data format for manual approval notifications".
pub(super) fn read(object: &Value) -> Result<Signal, Ignored> {
    let approval = field(object, "approval").unwrap_or(&Value::Null);
    let told = Told { what: "CodePipeline approval", envelope: object, body: approval };
    Ok(Signal::Pipeline(PipelineSignal {
        region: told.region(None),
        pipeline: told.needed("pipelineName")?,
        stage: told.needed("stageName")?,
        action: told.needed("actionName")?,
        token: told.needed("token")?,
        expires: field(approval, "expires").and_then(time::timestamp),
        custom_data: text_field(approval, "customData"),
        external_link: text_field(approval, "externalEntityLink"),
    }))
}
