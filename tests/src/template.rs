//! CloudFormation templates as JSON: `!Ref x` becomes `{"Ref": "x"}`, `!GetAtt a.b` becomes `{"Fn::GetAtt": "a.b"}`, and so on.
//!
//! Reads what is written, nothing more; must never evaluate a function.

use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value, json};

/// Reads a template.
pub fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    parse(&text)
}

/// Reads a template's text.
pub fn parse(text: &str) -> Value {
    let events = Parser::new_from_str(text).map(|event| event.unwrap_or_else(|error| panic!("no YAML: {error}")).0);
    let mut events = events.filter(|event| !matches!(event, Event::StreamStart | Event::DocumentStart(_)));
    let first = events.next().expect("a template is not empty");
    value(first, &mut events)
}

fn value<'t>(event: Event<'t>, rest: &mut impl Iterator<Item = Event<'t>>) -> Value {
    match event {
        Event::Scalar(text, style, _, tag) => tagged(tag.as_deref(), scalar(&text, style)),
        Event::SequenceStart(_, tag) => {
            let mut items = Vec::new();
            loop {
                match rest.next().expect("a sequence ends") {
                    Event::SequenceEnd => return tagged(tag.as_deref(), Value::Array(items)),
                    item => items.push(value(item, rest)),
                }
            }
        }
        Event::MappingStart(_, tag) => {
            let mut fields = Map::new();
            loop {
                let key = match rest.next().expect("a mapping ends") {
                    Event::MappingEnd => return tagged(tag.as_deref(), Value::Object(fields)),
                    Event::Scalar(key, ..) => key.into_owned(),
                    other => panic!("a key that is no text: {other:?}"),
                };
                let event = rest.next().expect("a key has a value");
                let known = fields.insert(key.clone(), value(event, rest));
                assert!(known.is_none(), "{key} stands twice in one mapping");
            }
        }
        other => panic!("templates do not use {other:?}"),
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    match (style, text) {
        (ScalarStyle::Plain, "true") => json!(true),
        (ScalarStyle::Plain, "false") => json!(false),
        (ScalarStyle::Plain, "" | "null" | "~") => Value::Null,
        (ScalarStyle::Plain, number) if number.parse::<i64>().is_ok() => json!(number.parse::<i64>().unwrap_or_default()),
        _ => json!(text),
    }
}

fn tagged(tag: Option<&Tag>, inside: Value) -> Value {
    match tag.map(|tag| tag.suffix.as_str()) {
        None => inside,
        Some("Ref") => json!({ "Ref": inside }),
        Some("Condition") => json!({ "Condition": inside }),
        Some(function) => json!({ format!("Fn::{function}"): inside }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_become_objects_and_text_stays_text() {
        let template = parse("A: !Ref B\nC: !If [X, !GetAtt D.Arn, '5']\nE: 5\nF: !Sub ${G}-h\n");
        let expected = json!({
            "A": { "Ref": "B" },
            "C": { "Fn::If": ["X", { "Fn::GetAtt": "D.Arn" }, "5"] },
            "E": 5,
            "F": { "Fn::Sub": "${G}-h" },
        });
        assert_eq!(template, expected);
    }
}
