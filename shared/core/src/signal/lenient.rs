//! Reading fields of JSON that other people shaped: letter case, null, and text for numbers do not matter.
//!
//! Owns that leniency in one place. Never panics, and never turns an unreadable value into a default.

use std::borrow::Cow;

use serde_json::Value;

/// A field by name, in any letter case (SNS says `EventSource` where SQS says `eventSource`; SNS bodies say
/// `AlarmName` where EventBridge says `alarmName`). An exact match goes first; null counts as absent.
pub(super) fn field<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let object = object.as_object()?;
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
        .filter(|value| !value.is_null())
}

/// The first of several fields that is there.
pub(super) fn first_field<'a>(object: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| field(object, name))
}

/// A field's text, if it has any that is not blank.
pub(super) fn text_field(object: &Value, name: &str) -> Option<String> {
    field(object, name).and_then(text)
}

/// A string that is not blank, or a number written out.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A finite number, or a string that spells one.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// JSON that travels as a string in a field (SNS `Message`, SQS `body`, an alarm's `reasonData`), or in the open.
pub(super) fn embedded(value: &Value) -> Option<Cow<'_, Value>> {
    match value {
        Value::String(text) => serde_json::from_str(text).ok().map(Cow::Owned),
        Value::Object(_) | Value::Array(_) => Some(Cow::Borrowed(value)),
        _ => None,
    }
}

/// Whether a field says anything: there, not null, not blank, not an empty list or object.
pub(super) fn says_something(object: &Value, name: &str) -> bool {
    match field(object, name) {
        Some(Value::String(text)) => !text.trim().is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(_) => true,
        None => false,
    }
}

/// An account's twelve digits. As a JSON number it has lost its leading zeros.
pub(super) fn account_number(value: &Value) -> Option<String> {
    let digits = if value.is_u64() { text(value).map(|digits| format!("{digits:0>12}")) } else { text(value) };
    digits.filter(|account| is_account_number(account))
}

pub(super) fn is_account_number(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|letter| letter.is_ascii_digit())
}

/// `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`; not "EU (London)", "EU - Ireland" or `us-east-*`.
pub(super) fn is_region_code(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else {
        return false;
    };
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|letter| letter.is_ascii_lowercase());
    !number.is_empty() && number.bytes().all(|letter| letter.is_ascii_digit()) && words.contains('-') && words.split('-').all(is_word)
}
