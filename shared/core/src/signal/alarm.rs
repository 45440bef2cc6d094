//! The alarm itself, in the three ways in which AWS words it: EventBridge `detail`, the direct call's `alarmData`,
//! and the SNS body with its capital letters.
//!
//! Owns which field means what. Never opens envelopes (parse.rs does) and never fills in what was not told.

use std::collections::BTreeMap;

use serde_json::Value;

use super::ignored::{Ignored, shown};
use super::lenient::{
    account_number, embedded, field, first_field, is_account_number, is_region_code, number, says_something, text, text_field,
};
use super::{AlarmKind, AlarmSignal, AlarmState, Contributor, Suppressor, Via, time};

/// What the envelopes tell about an alarm's event.
pub(super) struct Carried<'a> {
    /// The innermost envelope, which names account, region and resources; the body itself if there is none.
    pub envelope: &'a Value,
    pub via: Via,
    pub event_id: Option<String>,
}

/// Reads an alarm's state change.
pub(super) fn read(body: &Value, carried: Carried<'_>) -> Result<AlarmSignal, Ignored> {
    let alarm_arn = alarm_arn(body, carried.envelope);
    // The name goes before the ARN's: CloudWatch's own example of a direct call has an ARN of another alarm.
    let alarm_name = text_field(body, "alarmName").or_else(|| alarm_arn.as_deref().and_then(name_in_arn)).ok_or(Ignored::NoAlarmName)?;
    let state_text = state_text(body, "state", "NewStateValue");
    let state = match &state_text {
        None => {
            return Err(Ignored::NoState { alarm_name: shown(&alarm_name) });
        }
        Some(word) => state_named(word).ok_or_else(|| Ignored::UnknownState { alarm_name: shown(&alarm_name), value: shown(word) })?,
    };
    let inner = field(body, "state").unwrap_or(&Value::Null);
    let reason_data = first_field(inner, &["reasonData"]).or_else(|| field(body, "NewStateReasonData"));
    let reason_data = reason_data.and_then(embedded).unwrap_or_default();
    let kind = kind_of(body, &reason_data);
    let changed_at = field(inner, "timestamp").or_else(|| field(body, "StateChangeTime"));
    Ok(AlarmSignal {
        account: account(body, carried.envelope, alarm_arn.as_deref()),
        region: region(body, carried.envelope, alarm_arn.as_deref()),
        previous_state: state_text_of_previous(body).as_deref().and_then(state_named),
        state_changed_at: changed_at.and_then(time::timestamp),
        reason: text_field(inner, "reason").or_else(|| text_field(body, "NewStateReason")),
        recent_datapoints: recent_datapoints(&reason_data),
        threshold: threshold(body, kind, &reason_data),
        actions_suppressed_by: suppressor(body, inner),
        contributor: contributor(body),
        alarm_name,
        alarm_arn,
        state,
        kind,
        via: carried.via,
        event_id: carried.event_id,
    })
}

/// Whether an object is an alarm's event without an envelope: an SNS body, or an EventBridge `detail` sent alone.
pub(super) fn looks_like_one(object: &Value) -> bool {
    says_something(object, "alarmName") || says_something(object, "NewStateValue")
}

fn state_text(body: &Value, part: &str, flat: &str) -> Option<String> {
    match field(body, part) {
        Some(Value::String(word)) => Some(word.clone()),
        Some(inner) => text_field(inner, "value").or_else(|| text_field(body, flat)),
        None => text_field(body, flat),
    }
}

fn state_text_of_previous(body: &Value) -> Option<String> {
    state_text(body, "previousState", "OldStateValue")
}

fn state_named(word: &str) -> Option<AlarmState> {
    let letters: String = word.chars().filter(char::is_ascii_alphabetic).collect();
    match letters.to_ascii_uppercase().as_str() {
        "ALARM" => Some(AlarmState::Alarm),
        "OK" => Some(AlarmState::Ok),
        "INSUFFICIENTDATA" => Some(AlarmState::InsufficientData),
        _ => None,
    }
}

fn alarm_arn(body: &Value, envelope: &Value) -> Option<String> {
    let told = text_field(body, "alarmArn").or_else(|| text_field(envelope, "alarmArn"));
    let resources = field(envelope, "resources").and_then(Value::as_array).into_iter().flatten().filter_map(text);
    told.into_iter().chain(resources).find(|arn| name_in_arn(arn).is_some())
}

/// `arn:aws:cloudwatch:us-east-1:111122223333:alarm:name`; a name may hold colons.
fn name_in_arn(arn: &str) -> Option<String> {
    let mut parts = arn.splitn(7, ':');
    let (prefix, service) = (parts.next()?, parts.nth(1)?);
    let (kind, name) = (parts.nth(2)?, parts.next()?);
    (prefix == "arn" && service == "cloudwatch" && kind == "alarm" && !name.is_empty()).then(|| name.to_owned())
}

fn account(body: &Value, envelope: &Value, arn: Option<&str>) -> Option<String> {
    let told = first_field(body, &["AWSAccountId", "accountId"]).or_else(|| first_field(envelope, &["accountId", "account"]));
    let in_arn = || arn.and_then(|arn| arn.split(':').nth(4)).filter(|account| is_account_number(account)).map(str::to_owned);
    told.and_then(account_number).or_else(in_arn)
}

fn region(body: &Value, envelope: &Value, arn: Option<&str>) -> Option<String> {
    let from_arn = arn.and_then(|arn| arn.split(':').nth(3)).map(str::to_owned);
    [from_arn, text_field(body, "region"), text_field(envelope, "region")].into_iter().flatten().find(|region| is_region_code(region))
}

fn recent_datapoints(reason_data: &Value) -> Vec<f64> {
    let points = field(reason_data, "recentDatapoints").and_then(Value::as_array);
    points.into_iter().flatten().filter_map(number).collect()
}

/// The part that describes the alarm: EventBridge and the direct call say `configuration`, SNS says `Trigger`.
fn configuration(body: &Value) -> &Value {
    first_field(body, &["configuration", "Trigger"]).unwrap_or(&Value::Null)
}

fn threshold(body: &Value, kind: AlarmKind, reason_data: &Value) -> Option<f64> {
    // An anomaly alarm's threshold moves, a composite's does not exist; a 0 found there would be read as a real one.
    if matches!(kind, AlarmKind::Anomaly | AlarmKind::Composite) {
        return None;
    }
    field(reason_data, "threshold").or_else(|| field(configuration(body), "threshold")).and_then(number)
}

fn kind_of(body: &Value, reason_data: &Value) -> AlarmKind {
    let configuration = configuration(body);
    let any = |object: &Value, names: &[&str]| names.iter().any(|name| says_something(object, name));
    if any(body, &["alarmRule", "TriggeringChildren"]) || any(configuration, &["alarmRule"]) || any(reason_data, &["triggeringAlarms"]) {
        return AlarmKind::Composite;
    }
    let metrics: &[Value] = field(configuration, "metrics").and_then(Value::as_array).map_or(&[], Vec::as_slice);
    let expressions: Vec<String> = metrics
        .iter()
        .filter_map(|metric| text_field(metric, "expression"))
        .map(|expression| expression.trim().to_ascii_uppercase())
        .collect();
    if any(configuration, &["thresholdMetricId"])
        || any(reason_data, &["recentUpperThresholds", "recentLowerThresholds"])
        || expressions.iter().any(|expression| expression.contains("ANOMALY_DETECTION_BAND"))
    {
        return AlarmKind::Anomaly;
    }
    if any(body, &["alarmContributor", "AlarmContributorId"])
        || any(configuration, &["scheduledQueryConfiguration", "queryResultsToEvaluate", "evaluationCriteria"])
        || any(reason_data, &["queryResultsToEvaluate"])
        || expressions.iter().any(|expression| is_query(expression))
    {
        return AlarmKind::Insights;
    }
    if !expressions.is_empty() {
        return AlarmKind::MetricMath;
    }
    if any(configuration, &["metricName"]) || metrics.iter().any(|metric| says_something(metric, "metricStat")) {
        return AlarmKind::Metric;
    }
    AlarmKind::Unknown
}

/// Metrics Insights queries are SQL; Contributor Insights rules are read with a function of that name.
fn is_query(expression: &str) -> bool {
    expression.starts_with("SELECT ") || expression.contains("INSIGHT_RULE_METRIC")
}

fn suppressor(body: &Value, state: &Value) -> Option<Suppressor> {
    // A mute rule goes before a suppressor alarm (CloudWatch user guide, "Configure alarm mute rules").
    if says_something(body, "muteDetail") {
        return Some(Suppressor::MuteRule);
    }
    let word = text_field(state, "actionsSuppressedBy").or_else(|| text_field(body, "ActionsSuppressedBy"))?;
    Some(match word.as_str() {
        "WaitPeriod" => Suppressor::WaitPeriod,
        "ExtensionPeriod" => Suppressor::ExtensionPeriod,
        "Alarm" | "AlarmSuppressor" => Suppressor::Alarm,
        _ => Suppressor::Other(shown(&word)),
    })
}

fn contributor(body: &Value) -> Option<Contributor> {
    let (id, attributes) = match field(body, "alarmContributor") {
        Some(told) => (text_field(told, "id")?, field(told, "attributes")),
        None => (text_field(body, "AlarmContributorId")?, field(body, "AlarmContributorAttributes")),
    };
    let attributes: BTreeMap<String, String> = attributes
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), text(value)?)))
        .collect();
    Some(Contributor { id, attributes })
}
