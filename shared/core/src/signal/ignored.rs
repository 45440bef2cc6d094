//! Why a record gave no signal: typed, counted by code, explained to a person.
//!
//! Owns the codes (docs/operations.md lists them) and their wording. Never carries a whole body or an unbounded string
//! of the sender's: what is shown of an event is shortened and stripped of control characters.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Characters of a sender's string that are shown.
const SHOWN_CHARACTERS: usize = 80;
/// Characters of a library's sentence about a sender's mistake: it names the fields that would have been right.
const SHOWN_CHARACTERS_OF_A_SENTENCE: usize = 300;
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
    /// An object that is neither an event that we know, nor an envelope, nor one of our own inputs.
    #[error("neither a known event nor a known envelope; its top-level keys: {}", listed(.top_level_keys))]
    UnknownEnvelope {
        /// The first dozen keys.
        top_level_keys: Vec<String>,
    },
    /// A record of a batch that another service sent (DynamoDB streams, Kinesis).
    #[error("a record of {event_source}, which wakes no function of Nightshift")]
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
    /// An EventBridge event of a kind that no function waits for.
    #[error("\"{detail_type}\" of {source_name} wakes no function of Nightshift")]
    ForeignEvent {
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
    /// Something other than a push or a replication happened to an image: DELETE, UPDATE_STORAGE_CLASS.
    #[error("{action} of an image in {repository}, which starts no release")]
    ImageNotPushed {
        /// ECR's `action-type`.
        action: String,
        /// The repository's name.
        repository: String,
    },
    /// A push or a replication that did not succeed.
    #[error("{action} to {repository} ended with {result}")]
    PushFailed {
        /// PUSH or REPLICATE.
        action: String,
        /// The repository's name.
        repository: String,
        /// ECR's `result`.
        result: String,
    },
    /// A scan that goes on.
    #[error("the scan in {repository} has not ended ({status})")]
    ScanNotEnded {
        /// The repository's name.
        repository: String,
        /// ECR's `scan-status`.
        status: String,
    },
    /// A scan of an instance or a function.
    #[error("\"{what}\" about no image in a repository")]
    ScanOfNoImage {
        /// What the event calls itself.
        what: String,
    },
    /// A secret's event after which its current value is the same.
    #[error("{event_name} of secret {secret} is not the end of a rotation")]
    SecretNotRotated {
        /// Its ARN or name, or "?".
        secret: String,
        /// CloudTrail's `eventName`, or the label that moved.
        event_name: String,
    },
    /// A bucket's notification of something that wrote and deleted nothing.
    #[error("{event_name} in bucket {bucket}, which changes no file")]
    ObjectNotWritten {
        /// The bucket's name.
        bucket: String,
        /// S3's `eventName`.
        event_name: String,
    },
    /// What S3 sends when notifications are set up.
    #[error("the test message that S3 sends when notifications of bucket {bucket} are set up")]
    BucketTestMessage {
        /// The bucket's name, or "?".
        bucket: String,
    },
    /// A service's event without something that it cannot be used without.
    #[error("\"{what}\" without its {missing}")]
    IncompleteEvent {
        /// What the event calls itself.
        what: String,
        /// The field's name.
        missing: String,
    },
    /// A service's event with something that cannot be read.
    #[error("\"{what}\" whose {field} cannot be read: {found}")]
    UnreadableEvent {
        /// What the event calls itself.
        what: String,
        /// The field's name.
        field: String,
        /// What stands there.
        found: String,
    },
    /// A `nightshift` input with a word that no function knows.
    #[error("\"{word}\" is not an instruction of Nightshift")]
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
    /// Another of our own inputs without something that it cannot be used without.
    #[error("a \"{word}\" without its {missing}")]
    IncompleteInstruction {
        /// The word behind `nightshift`.
        word: String,
        /// The field's name.
        missing: String,
    },
    /// Another of our own inputs with something that cannot be read.
    #[error("a \"{word}\" whose {field} cannot be read: {found}")]
    UnreadableInstruction {
        /// The word behind `nightshift`.
        word: String,
        /// The field's name.
        field: String,
        /// What stands there.
        found: String,
    },
    /// Another region's report that is none.
    #[error("a region's report that cannot be read: {why}")]
    UnreadableReport {
        /// What is wrong with it.
        why: String,
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
            Self::ForeignEvent { .. } => "foreign_event",
            Self::AlarmConfigurationChange { .. } => "alarm_configuration_change",
            Self::NoAlarmName => "no_alarm_name",
            Self::NoState { .. } => "no_state",
            Self::UnknownState { .. } => "unknown_state",
            Self::UnknownInstruction { .. } => "unknown_instruction",
            Self::IncompleteRecheck { .. } => "incomplete_recheck",
            Self::ImageNotPushed { .. } => "image_not_pushed",
            Self::PushFailed { .. } => "push_failed",
            Self::ScanNotEnded { .. } => "scan_not_ended",
            Self::ScanOfNoImage { .. } => "scan_of_no_image",
            Self::SecretNotRotated { .. } => "secret_not_rotated",
            Self::ObjectNotWritten { .. } => "object_not_written",
            Self::BucketTestMessage { .. } => "bucket_test_message",
            Self::IncompleteEvent { .. } => "incomplete_event",
            Self::UnreadableEvent { .. } => "unreadable_event",
            Self::IncompleteInstruction { .. } => "incomplete_instruction",
            Self::UnreadableInstruction { .. } => "unreadable_instruction",
            Self::UnreadableReport { .. } => "unreadable_report",
        }
    }

    /// What a person can do about it, or that there is nothing to do.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::EmptyBatch => "Nothing to do, unless it repeats: then look at what calls the function.",
            Self::NotJson { .. } | Self::NotAnEvent { .. } => {
                "Send the event as JSON: an SNS message or queue body must be the event's own JSON, not text for people."
            }
            Self::TooDeep { .. } => "Subscribe the function (or its queue) nearer to the sender, or use raw delivery.",
            Self::UnknownEnvelope { .. } => {
                "Send the event unchanged (no input transformer), or see events/README.md for the shapes that are read."
            }
            Self::ForeignRecord { .. } => "Remove that event source from the function.",
            Self::SnsHousekeeping { .. } => "Confirm the topic's subscription to the queue; no event comes before that.",
            Self::ForeignEvent { .. } => "Narrow the EventBridge rule to the detail-types that template.yaml has for the function.",
            Self::AlarmConfigurationChange { .. } => {
                "Nothing to do; the rule can be narrowed to \"CloudWatch Alarm State Change\" to save the invocation."
            }
            Self::NoAlarmName | Self::NoState { .. } | Self::UnknownState { .. } => {
                "Send the alarm's event unchanged (no input transformer)."
            }
            Self::UnknownInstruction { .. } => {
                "Use recheck, calendar, release, front_end, rotated or report after \"nightshift\", or delete the old schedule."
            }
            Self::ImageNotPushed { .. } => "Nothing to do; the rule can be narrowed to action-type PUSH to save the invocation.",
            Self::PushFailed { .. } => {
                "Push again; for a replication look at the registry's replication rules and the other region's permissions."
            }
            Self::ScanNotEnded { .. } => "Nothing to do: the end of the scan is an event of its own.",
            Self::ScanOfNoImage { .. } => {
                "Nothing to do; the rule can be narrowed to resources that are repositories to save the invocation."
            }
            Self::SecretNotRotated { .. } => {
                "Nothing to do, unless it is RotationFailed or RotationAbandoned: then look at the log of the secret's rotation function."
            }
            Self::ObjectNotWritten { .. } => "Nothing to do; the bucket's notification can be narrowed to objects created and removed.",
            Self::BucketTestMessage { .. } => "Nothing to do: it shows that the notification arrives.",
            Self::IncompleteEvent { .. } | Self::UnreadableEvent { .. } => {
                "Send the service's event unchanged (no input transformer); events/README.md shows the shapes that are read."
            }
            Self::IncompleteInstruction { .. } | Self::UnreadableInstruction { .. } => {
                "Write it like the sample in events/ (verb: deploy, abort, rollback), or use `nightshift release` or `nightshift deploy`."
            }
            Self::UnreadableReport { .. } => {
                "Deploy the same version of Nightshift in every region: the regions' reports have to be alike."
            }
            Self::IncompleteRecheck { .. } => {
                "Give the schedule's input both names: {\"nightshift\":\"recheck\",\"system\":\"...\",\"service\":\"...\"}."
            }
        }
    }

    /// Whether it is an event of a service, and plainly about something other than an alarm.
    pub const fn is_of_another_kind(&self) -> bool {
        matches!(
            self,
            Self::ForeignEvent { .. }
                | Self::ImageNotPushed { .. }
                | Self::PushFailed { .. }
                | Self::ScanNotEnded { .. }
                | Self::ScanOfNoImage { .. }
                | Self::SecretNotRotated { .. }
                | Self::ObjectNotWritten { .. }
                | Self::BucketTestMessage { .. }
                | Self::IncompleteEvent { .. }
                | Self::UnreadableEvent { .. }
        )
    }

    pub(super) fn foreign_event(detail_type: &str, source_name: &str) -> Self {
        Self::ForeignEvent { detail_type: shown(detail_type), source_name: shown(source_name) }
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
    one_line(text, SHOWN_CHARACTERS)
}

/// A sentence about a sender's mistake.
pub(super) fn shown_at_length(text: &str) -> String {
    one_line(text, SHOWN_CHARACTERS_OF_A_SENTENCE)
}

fn one_line(text: &str, longest: usize) -> String {
    let mut kept: String = text.chars().filter(|letter| !letter.is_control()).take(longest + 1).collect();
    if kept.chars().count() > longest {
        kept.pop();
        kept.push('…');
    }
    kept
}
