//! Why a record gave no signal: typed, counted by code, explained to a person.
//!
//! Owns the codes (docs/operations.md lists them) and their wording. Never carries a whole body or an unbounded string
//! of the sender's: what is shown of an event is shortened and stripped of control characters.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Characters of a sender's string that are shown.
const SHOWN_CHARACTERS: usize = 80;
/// Top-level keys of an unknown event that are shown.
const SHOWN_KEYS: usize = 12;

/// Why a record of the event gave no signal. Not an error: a redelivery would end the same way.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ignored {
    /// A batch without records.
    #[error("the event is a batch with no records")]
    EmptyBatch,
    /// A text that should have been JSON.
    #[error("{at} is not JSON")]
    NotJson {
        /// Where in the event: `event.Records[0].body`.
        at: String,
    },
    /// JSON, but a number, a list of nothing, a null.
    #[error("{at} is {found} where an event was expected")]
    NotAnEvent {
        /// Where in the event.
        at: String,
        /// "a number", "null".
        found: String,
    },
    /// Envelopes in envelopes, deeper than any real carrier nests them.
    #[error("{at} lies deeper than {limit} layers of envelopes")]
    TooDeep {
        /// Where in the event.
        at: String,
        /// The bound.
        limit: usize,
    },
    /// An object that is neither an alarm, nor an envelope, nor one of our own inputs.
    #[error("neither an alarm nor a known envelope; its top-level keys: {}", listed(.top_level_keys))]
    UnknownEnvelope {
        /// The first dozen keys.
        top_level_keys: Vec<String>,
    },
    /// A record of a batch that another service sent (S3, DynamoDB streams, Kinesis).
    #[error("a record of {event_source}, which carries no alarms")]
    ForeignRecord {
        /// The record's `eventSource`.
        event_source: String,
    },
    /// SNS asking to confirm a subscription, or telling that one ended.
    #[error("an SNS {message_type}, not a notification")]
    SnsHousekeeping {
        /// The SNS `Type`.
        message_type: String,
    },
    /// An EventBridge event about something else.
    #[error("\"{detail_type}\" of {source_name} is not an alarm")]
    NotAnAlarm {
        /// The EventBridge `detail-type`.
        detail_type: String,
        /// The EventBridge `source`.
        source_name: String,
    },
    /// Somebody created, changed or deleted an alarm; its state did not change.
    #[error("the configuration of alarm {alarm_name} changed ({operation}), not its state")]
    AlarmConfigurationChange {
        /// The alarm's name, or "?".
        alarm_name: String,
        /// create, update, delete, or "?".
        operation: String,
    },
    /// An alarm's event that tells neither its name nor its ARN.
    #[error("an alarm event without the alarm's name")]
    NoAlarmName,
    /// An alarm's event that does not tell the state.
    #[error("the event of alarm {alarm_name} has no state")]
    NoState {
        /// The alarm's name.
        alarm_name: String,
    },
    /// A state that CloudWatch's reference does not list.
    #[error("alarm {alarm_name} is said to be in state \"{value}\", which is none of ALARM, OK, INSUFFICIENT_DATA")]
    UnknownState {
        /// The alarm's name.
        alarm_name: String,
        /// The word found.
        value: String,
    },
    /// A `nightshift` input with a word that this function does not know.
    #[error("\"{word}\" is not an instruction of this function")]
    UnknownInstruction {
        /// The word found.
        word: String,
    },
    /// A re-check that does not say of what.
    #[error("a re-check without its {missing}")]
    IncompleteRecheck {
        /// `system` or `service`.
        missing: String,
    },
}

impl Ignored {
    /// The stable code: metrics count by it, docs/operations.md explains it.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::EmptyBatch => "empty_batch",
            Self::NotJson { .. } => "not_json",
            Self::NotAnEvent { .. } => "not_an_event",
            Self::TooDeep { .. } => "too_deep",
            Self::UnknownEnvelope { .. } => "unknown_envelope",
            Self::ForeignRecord { .. } => "foreign_record",
            Self::SnsHousekeeping { .. } => "sns_housekeeping",
            Self::NotAnAlarm { .. } => "not_an_alarm",
            Self::AlarmConfigurationChange { .. } => "alarm_configuration_change",
            Self::NoAlarmName => "no_alarm_name",
            Self::NoState { .. } => "no_state",
            Self::UnknownState { .. } => "unknown_state",
            Self::UnknownInstruction { .. } => "unknown_instruction",
            Self::IncompleteRecheck { .. } => "incomplete_recheck",
        }
    }

    /// What a person can do about it, or that there is nothing to do.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::EmptyBatch => "Nothing to do, unless it repeats: then look at what calls the function.",
            Self::NotJson { .. } | Self::NotAnEvent { .. } => {
                "Send the event as JSON: an SNS message or queue body must be the alarm's own JSON, not text for people."
            }
            Self::TooDeep { .. } => "Subscribe the function (or its queue) nearer to the alarm, or use raw delivery.",
            Self::UnknownEnvelope { .. } => {
                "Send the event unchanged (no input transformer), or see events/README.md for the shapes that are read."
            }
            Self::ForeignRecord { .. } => "Remove that event source from the function.",
            Self::SnsHousekeeping { .. } => "Confirm the topic's subscription to the queue; no alarm comes before that.",
            Self::NotAnAlarm { .. } => "Narrow the EventBridge rule to detail-type \"CloudWatch Alarm State Change\".",
            Self::AlarmConfigurationChange { .. } => {
                "Nothing to do; the rule can be narrowed to \"CloudWatch Alarm State Change\" to save the invocation."
            }
            Self::NoAlarmName | Self::NoState { .. } | Self::UnknownState { .. } => {
                "Send the alarm's event unchanged (no input transformer)."
            }
            Self::UnknownInstruction { .. } => {
                "Use {\"nightshift\":\"recheck\",...} or {\"nightshift\":\"calendar\"}, or delete the old schedule."
            }
            Self::IncompleteRecheck { .. } => {
                "Give the schedule's input both names: {\"nightshift\":\"recheck\",\"system\":\"...\",\"service\":\"...\"}."
            }
        }
    }

    pub(super) fn not_an_alarm(detail_type: &str, source_name: &str) -> Self {
        Self::NotAnAlarm { detail_type: shown(detail_type), source_name: shown(source_name) }
    }

    pub(super) fn unknown_envelope<'a>(keys: impl Iterator<Item = &'a String>) -> Self {
        let mut keys: Vec<&String> = keys.collect();
        // JSON objects have no order of their own: sorted, one event always gives one reason.
        keys.sort_unstable();
        Self::UnknownEnvelope { top_level_keys: keys.into_iter().take(SHOWN_KEYS).map(|key| shown(key)).collect() }
    }
}

fn listed(keys: &[String]) -> String {
    if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
}

/// A sender's string as it may be shown: one line, and not long.
pub(super) fn shown(text: &str) -> String {
    let mut kept: String = text.chars().filter(|letter| !letter.is_control()).take(SHOWN_CHARACTERS + 1).collect();
    if kept.chars().count() > SHOWN_CHARACTERS {
        kept.pop();
        kept.push('…');
    }
    kept
}
