//! One answer for an event that concerned several services, or none.

use serde_json::{Value, json};

/// The first answer's fields with `extra`; all of them under `outcomes` where there are several. Where there is none, a hold that
/// says `nobody`.
pub fn one_answer(answers: Vec<Value>, nobody: &str, extra: Value) -> Value {
    let mut answer = match answers.first() {
        Some(first) => first.clone(),
        None => json!({ "decision": "hold", "reason": "quiet", "text": nobody, "steps": [], "plan_id": null }),
    };
    if let (Some(fields), Value::Object(extra)) = (answer.as_object_mut(), extra) {
        fields.extend(extra);
        if answers.len() > 1 {
            fields.insert("outcomes".into(), Value::Array(answers));
        }
    }
    answer
}
