//! Envelopes: from what the Lambda runtime was given down to the event or our own instruction inside.
//!
//! Owns which carriers are known and how they nest (EventBridge, SNS, SQS, a failure destination's record, each in
//! the others), and which module reads what is inside. Never recurses without a bound, and never lets one record's
//! trouble touch another's.

use serde_json::Value;

use super::alarm::{self, Carried};
use super::ignored::{Ignored, shown};
use super::lenient::{embedded, field, first_field, text, text_field};
use super::told::Told;
use super::{Parsed, Record, Signal, Via, image, instruction, object, pipeline, rollout, secret};

/// Layers inside one another. The deepest real one, a queued failure record of an SNS batch of EventBridge events, has
/// nine: record, body, its text, payload, batch, record, notification, message, its text.
const DEEPEST: usize = 16;

const STATE_CHANGE: &str = "CloudWatch Alarm State Change";
const CONTRIBUTOR_STATE_CHANGE: &str = "CloudWatch Alarm Contributor State Change";
const CONFIGURATION_CHANGE: &str = "CloudWatch Alarm Configuration Change";

/// Where in the event we are, and what the envelopes opened so far told.
#[derive(Clone)]
struct Layer {
    at: String,
    depth: usize,
    via: Via,
    event_id: Option<String>,
}

type Outcome = Result<Signal, Ignored>;

/// Reads any event into one record per record of its batch (or one, if it is no batch).
pub fn parse(event: &Value) -> Parsed {
    let outermost = Layer { at: "event".to_owned(), depth: 0, via: Via::Direct, event_id: None };
    // EventBridge Pipes hand over a bare list; everybody else names it.
    let (batch, step) = match field(event, "Records") {
        Some(records) => (records.as_array(), ".Records"),
        None => (event.as_array(), ""),
    };
    let records = match batch.map(Vec::as_slice) {
        None => records_of(0, event, outermost),
        Some([]) => vec![Record { position: 0, message_id: None, result: Err(Ignored::EmptyBatch) }],
        Some(items) => {
            let layer = |position| outermost.inside(&format!("{step}[{position}]"));
            items.iter().enumerate().flat_map(|(at, item)| records_of(at, item, layer(at))).collect()
        }
    };
    Parsed { records }
}

fn records_of(position: usize, item: &Value, layer: Layer) -> Vec<Record> {
    let message_id = if is_sqs_record(item) { text_field(item, "messageId") } else { None };
    let outcomes = open(item, layer);
    outcomes.into_iter().map(|result| Record { position, message_id: message_id.clone(), result }).collect()
}

impl Layer {
    fn inside(&self, step: &str) -> Self {
        Self { at: format!("{}{step}", self.at), depth: self.depth + 1, ..self.clone() }
    }

    fn carried_by(self, via: Via, event_id: Option<String>) -> Self {
        Self { via, event_id: event_id.or(self.event_id), ..self }
    }
}

/// Opens whatever is there; at least one outcome, several if a batch was inside.
fn open(value: &Value, layer: Layer) -> Vec<Outcome> {
    if layer.depth > DEEPEST {
        return vec![Err(Ignored::TooDeep { at: layer.at, limit: DEEPEST })];
    }
    let found = match value {
        Value::Object(_) => return open_object(value, layer),
        Value::Array(items) if !items.is_empty() => {
            let open_item = |(index, item)| open(item, layer.inside(&format!("[{index}]")));
            return items.iter().enumerate().flat_map(open_item).collect();
        }
        Value::String(_) => match embedded(value) {
            Some(inner) => {
                return open(&inner, Layer { depth: layer.depth + 1, ..layer });
            }
            None => return vec![Err(Ignored::NotJson { at: layer.at })],
        },
        Value::Array(_) => "an empty list",
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
    };
    vec![Err(Ignored::NotAnEvent { at: layer.at, found: found.to_owned() })]
}

fn open_object(object: &Value, layer: Layer) -> Vec<Outcome> {
    if let Some(records @ Value::Array(_)) = field(object, "Records") {
        return open(records, layer.inside(".Records"));
    }
    if let Some(word) = field(object, "nightshift") {
        return vec![instruction::read(word, object)];
    }
    if let Some(detail_type) = first_field(object, &["detail-type", "detailType"]).and_then(text) {
        return vec![event_bridge(object, &detail_type, layer)];
    }
    if is_sqs_record(object) {
        let inner = layer.inside(".body").carried_by(Via::Sqs, text_field(object, "messageId"));
        return open(field(object, "body").unwrap_or(&Value::Null), inner);
    }
    if let Some(notification @ Value::Object(_)) = field(object, "Sns") {
        return open_notification(notification, layer.inside(".Sns"));
    }
    if is_notification(object) {
        return open_notification(object, layer);
    }
    // What Lambda sends to a failure destination: the event is worth another try when it is fed back to us.
    if let (Some(payload), Some(_)) = (field(object, "requestPayload"), field(object, "requestContext")) {
        return open(payload, layer.inside(".requestPayload"));
    }
    vec![unwrapped(object, layer)]
}

/// No envelope is left: something that tells of itself, or nothing that we know.
fn unwrapped(found: &Value, layer: Layer) -> Outcome {
    if let Some(body) = field(found, "alarmData").and_then(embedded) {
        return read_alarm(&body, found, layer);
    }
    if alarm::looks_like_one(found) {
        return read_alarm(found, found, layer);
    }
    if object::is_record(found) {
        return object::record(found);
    }
    if pipeline::looks_like_one(found) {
        return pipeline::read(found);
    }
    if let Some(test) = object::test_message(found) {
        return Err(test);
    }
    if let Some(event_source) = text_field(found, "eventSource") {
        return Err(Ignored::ForeignRecord { event_source: shown(&event_source) });
    }
    Err(Ignored::unknown_envelope(found.as_object().into_iter().flat_map(|fields| fields.keys())))
}

fn is_sqs_record(object: &Value) -> bool {
    text_field(object, "eventSource").as_deref() == Some("aws:sqs")
        || (field(object, "body").is_some() && field(object, "receiptHandle").is_some())
}

fn is_notification(object: &Value) -> bool {
    let message_type = text_field(object, "Type");
    (field(object, "Message").is_some() && field(object, "TopicArn").is_some())
        || matches!(message_type.as_deref(), Some("Notification" | "SubscriptionConfirmation" | "UnsubscribeConfirmation"))
}

fn open_notification(notification: &Value, layer: Layer) -> Vec<Outcome> {
    if let Some(message_type) = text_field(notification, "Type").filter(|told| told != "Notification") {
        return vec![Err(Ignored::SnsHousekeeping { message_type: shown(&message_type) })];
    }
    let via = if layer.via == Via::Sqs { Via::SnsInSqs } else { Via::Sns };
    let inner = layer.inside(".Message").carried_by(via, text_field(notification, "MessageId"));
    open(field(notification, "Message").unwrap_or(&Value::Null), inner)
}

fn event_bridge(event: &Value, detail_type: &str, layer: Layer) -> Outcome {
    let via = if layer.via == Via::Direct { Via::EventBridge } else { layer.via };
    let layer = layer.carried_by(via, text_field(event, "id"));
    // AWS's library of sample events has one with `alarmData` in place of `detail`.
    let body = first_field(event, &["detail", "alarmData"]).and_then(embedded).unwrap_or_default();
    if let Some(word) = field(&body, "nightshift") {
        return instruction::read(word, &body);
    }
    // Any source: aws.cloudwatch cannot be put by hand, and what is said is checked against the alarm itself later.
    if [STATE_CHANGE, CONTRIBUTOR_STATE_CHANGE].iter().any(|known| known.eq_ignore_ascii_case(detail_type)) {
        return read_alarm(&body, event, layer);
    }
    if CONFIGURATION_CHANGE.eq_ignore_ascii_case(detail_type) {
        let told = |name| text_field(&body, name).map_or_else(|| "?".to_owned(), |text| shown(&text));
        return Err(Ignored::AlarmConfigurationChange { alarm_name: told("alarmName"), operation: told("operation") });
    }
    service_event(Told { what: detail_type, envelope: event, body: &body })
}

/// By detail-type alone, for the same reason as with alarms.
fn service_event(told: Told<'_>) -> Outcome {
    let detail_type = told.what.to_ascii_lowercase();
    match detail_type.as_str() {
        "ecr image action" | "ecr replication action" => image::action(told),
        "ecr image scan" | "inspector2 scan" => image::scan(told),
        "ecs deployment state change" | "ecs service action" => rollout::service(told),
        "object created" | "object deleted" => object::event(told),
        "secret label updated" => secret::label(told),
        _ if detail_type.ends_with(secret::VIA_CLOUDTRAIL) => secret::trail(told),
        _ => match told.what.get(rollout::REFRESH.len()..) {
            Some(happened) if detail_type.starts_with(rollout::REFRESH) => rollout::refresh(told, happened),
            _ => Err(told.is_foreign()),
        },
    }
}

fn read_alarm(body: &Value, envelope: &Value, layer: Layer) -> Outcome {
    let carried = Carried { envelope, via: layer.via, event_id: layer.event_id };
    alarm::read(body, carried).map(Signal::Alarm)
}
