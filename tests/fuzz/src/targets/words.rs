//! The small words of fleet files, one type each, and patterns of tags.

use nightshift_core::fleet::{
    Amount, ApproverName, Condition, Cron, FreezeWindow, GroupName, Metric, RotationInterval, RotationSchedule, RotationWindow, RuleName,
    RunsOn, ScanGate, Seconds, SecretName, ServiceName, Statistic, SystemName, TagFilter, TaskCount, Zone, matches_pattern,
};
use nightshift_core::release::{ImageRef, repository_of, short_digest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{json as read_json, text};

/// What is accepted is written, and accepted again as the same.
fn round<T: DeserializeOwned + Serialize>(value: &Value) {
    let Ok(read) = serde_json::from_value::<T>(value.clone()) else { return };
    let written = serde_json::to_value(&read).expect("what was read is written");
    let again = serde_json::from_value::<T>(written.clone())
        .unwrap_or_else(|error| panic!("{value} is written as {written}, which is refused: {error}"));
    assert_eq!(serde_json::to_value(&again).expect("written"), written);
}

type Round = fn(&Value);

const TYPES: [Round; 21] = [
    round::<Amount>,
    round::<ApproverName>,
    round::<Condition>,
    round::<Cron>,
    round::<FreezeWindow>,
    round::<GroupName>,
    round::<Metric>,
    round::<RotationInterval>,
    round::<RotationSchedule>,
    round::<RotationWindow>,
    round::<RuleName>,
    round::<RunsOn>,
    round::<ScanGate>,
    round::<SecretName>,
    round::<Seconds>,
    round::<ServiceName>,
    round::<Statistic>,
    round::<SystemName>,
    round::<TagFilter>,
    round::<TaskCount>,
    round::<Zone>,
];

/// The first byte selects a type; the rest is its text, or JSON of it.
pub(super) fn words(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let Some(text) = text(rest) else { return };
    let round = TYPES[usize::from(*first) % TYPES.len()];
    round(&Value::from(text));
    if let Some(value) = read_json(rest) {
        round(&value);
    }
    // Images' addresses.
    assert!(!ImageRef::parse(text).to_string().is_empty() || text.is_empty() || text.ends_with([':', '@', '/']));
    short_digest(text);
    if let Some((repository, tag)) = repository_of(text) {
        assert!(text.contains(repository) && tag.is_none_or(|tag| text.contains(tag)));
    }
}

/// Words as people write them.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let words = [
        "30%",
        "2",
        "90s",
        "2m",
        "1h30m",
        "15 m",
        "30d",
        "cpu",
        "memory",
        "ApproximateNumberOfMessagesVisible of AWS/SQS where QueueName=orders",
        "0 7 * * 1-5",
        "*/15 0-6,22 1,15 JAN-MAR SUN",
        "America/New_York",
        "web-1",
        "shop/database",
        "p99.9",
        "average",
        "111122223333.dkr.ecr.us-east-1.amazonaws.com/shop/web:v1@sha256:455aa647b26d9310341733d58b9b7442e8dac759573892e5c97103e61d136e0a",
        r#"{"metric":"cpu","above":70,"for":"3m"}"#,
        r#"{"every":"30d"}"#,
        r#"{"cron":"0 6 ? * SUN#1 *","window":"1h"}"#,
        r#"{"match":["release-*","v?"],"semver":">=1.4, <3"}"#,
        r#"{"ecs":{"cluster":"a","service":"b"}}"#,
        r#"{"most":{"critical":0,"high":5},"patience":"15m","without_result":"refuse"}"#,
        r#"{"from":"2025-12-24T00:00:00Z","to":"2025-12-27T00:00:00Z","why":"holidays"}"#,
        r#"{"cron":"0 18 * * 5","timezone":"Europe/Berlin","lasts":"60h","why":"weekend"}"#,
    ];
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    super::behind(0..u8::try_from(TYPES.len()).expect("few"), &words)
}

/// A pattern and a text, one on each line: the matcher agrees with a slow one that cannot be wrong.
pub(super) fn tags(bytes: &[u8]) {
    let Some((pattern, tag)) = text(bytes).and_then(|text| text.split_once('\n')) else { return };
    let is_small = pattern.len() <= 64 && tag.len() <= 64;
    let matches = matches_pattern(pattern, tag);
    assert!(!is_small || matches == plainly_matches(pattern, tag), "{pattern:?} {tag:?}: {matches}");
    for file in [json!({ "match": [pattern] }), json!({ "semver": pattern })] {
        if let Ok(filter) = serde_json::from_value::<TagFilter>(file) {
            filter.counts(tag);
            assert!(!filter.to_string().is_empty());
        }
    }
}

/// Row by row: whether the first letters of the text match the first of the pattern.
fn plainly_matches(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut row: Vec<bool> = (0..=text.len()).map(|length| length == 0).collect();
    for wanted in pattern.chars() {
        let before = row;
        row = vec![wanted == '*' && before[0]];
        for (index, letter) in text.iter().enumerate() {
            let is_matched = match wanted {
                '*' => row[index] || before[index + 1],
                '?' => before[index],
                wanted => before[index] && wanted == *letter,
            };
            row.push(is_matched);
        }
    }
    row[text.len()]
}

/// Patterns, ranges and tags.
pub(super) fn tag_seeds() -> Vec<Vec<u8>> {
    let pairs = ["release-*\nrelease-7", "*a*b?\naxxaxb1", ">=1.4, <3\nv2.0.1", "^1.2.3-beta.1\n1.2.3-beta.2+x", "v?.?\nv1.2", "*\n\u{e9}"];
    pairs.iter().map(|pair| pair.as_bytes().to_vec()).collect()
}
