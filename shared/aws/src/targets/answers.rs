//! Members of AWS's raw answers: texts, numbers, times, lists, and the items that a batch call says have failed.
//!
//! A list that an answer must have and has not is an error, never an empty list; a time that cannot be read is none.

use jiff::Timestamp;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use serde_json::Value;

use crate::error::shorten;

/// A text that is not empty: some answers write what is absent as an empty text.
pub(crate) fn text<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A list that the answer must have.
pub(crate) fn list<'a>(action: &'static str, answer: &'a Value, name: &str) -> PortResult<&'a [Value]> {
    match answer.get(name) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(PortError::new(PortErrorKind::Unavailable, action, format!("the answer has no {name}"))),
    }
}

/// A list that may be absent.
pub(crate) fn items<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A count; 0 if it is absent or below.
pub(super) fn count(answer: &Value, name: &str) -> u32 {
    answer.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

/// A time: seconds since 1970 with a fraction (the JSON protocols) or RFC 3339.
pub(crate) fn time(answer: &Value, name: &str) -> Option<Timestamp> {
    match answer.get(name)? {
        Value::String(text) => text.parse().ok(),
        // Past 2^63 microseconds the conversion stays at the largest number, which is no time.
        Value::Number(seconds) => Timestamp::from_microsecond((seconds.as_f64()? * 1e6).round() as i64).ok(),
        _ => None,
    }
}

/// The first item of a batch that failed for a reason that `is_harmless` does not excuse.
pub(super) fn failed_item(action: &'static str, answer: &Value, is_harmless: fn(&str) -> bool) -> PortResult<()> {
    let reason = |failure: &Value| text(failure, "reason").unwrap_or("no reason given").to_owned();
    let Some(failure) = items(answer, "failures").iter().find(|failure| !is_harmless(&reason(failure))) else {
        return Ok(());
    };
    let (reason, arn) = (reason(failure), text(failure, "arn").unwrap_or("an item"));
    let kind = match reason.as_str() {
        "MISSING" => PortErrorKind::NotFound,
        _ => PortErrorKind::Unavailable,
    };
    let detail = text(failure, "detail").map(|detail| format!(" ({detail})")).unwrap_or_default();
    Err(PortError::new(kind, action, shorten(&format!("{arn}: {reason}{detail}"))))
}

/// Whether AWS, or what stands in for it, does not have this operation here. (`UnsupportedFeatureException` is ECS's word
/// for a region without it.)
pub(super) fn is_unknown_operation(error: &PortError) -> bool {
    ["UnknownOperation", "InvalidAction", "UnsupportedFeature"].iter().any(|code| error.message.starts_with(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_are_read_in_both_forms_and_never_guessed() {
        let answer = json!({ "a": 1763608200.25, "b": "2025-11-20T03:10:00.25Z", "c": "soon", "d": 1e300, "e": null });
        let expected: Timestamp = "2025-11-20T03:10:00.25Z".parse().unwrap();
        assert_eq!((time(&answer, "a"), time(&answer, "b")), (Some(expected), Some(expected)));
        for name in ["c", "d", "e", "nothing"] {
            assert_eq!(time(&answer, name), None, "{name}");
        }
    }

    #[test]
    fn a_missing_list_is_an_error_and_an_empty_one_is_not() {
        let answer = json!({ "tasks": [], "taskArns": null });
        assert!(list("ecs:DescribeTasks", &answer, "tasks").unwrap().is_empty());
        for name in ["taskArns", "services"] {
            assert_eq!(list("ecs:ListTasks", &answer, name).unwrap_err().kind, PortErrorKind::Unavailable);
        }
    }
}
