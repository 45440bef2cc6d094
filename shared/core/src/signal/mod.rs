//! What woke the function: any envelope read into one [`Signal`] per record.
//!
//! Owns the shapes of the services' events, of their carriers (EventBridge, SNS, SQS, direct invocation) and of our own
//! inputs. Never fails, panics or reads a clock: what is not understood becomes an [`Ignored`] with a code,
//! and an unknown time stays unknown. A signal says what the sender claimed, not what is true now: deciders re-read.

mod alarm;
mod ignored;
mod image;
mod instruction;
mod lenient;
mod object;
mod parse;
mod pipeline;
mod release;
mod rollout;
mod secret;
mod time;
mod told;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use ignored::Ignored;
use ignored::shown;
pub use parse::parse;
pub use release::{
    FrontEndSignal, ImageEvent, ImageSignal, ObjectSignal, PipelineSignal, RefreshSignal, ReleaseCommand, ReleaseVerb, ReportSignal,
    SecretSignal, ServiceSignal, report_detail,
};

/// A whole invocation's event, record by record.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// At least one, in the batch's order. A record that carried a batch of its own gives several with one position.
    pub records: Vec<Record>,
}

/// One record of the batch and what it turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Index in the outermost batch; 0 for an event that is not a batch.
    pub position: usize,
    /// The SQS `messageId`, which a partial batch response (`batchItemFailures`) has to name. None for other carriers.
    pub message_id: Option<String>,
    /// The signal, or why there is none.
    pub result: Result<Signal, Ignored>,
}

/// What woke the function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// A CloudWatch alarm changed its state.
    Alarm(AlarmSignal),
    /// Our own one-time schedule: look again at one service.
    Recheck(RecheckSignal),
    /// Our own recurring schedule: bounds that come from calendars may have changed.
    CalendarTick,
    /// An image was pushed or scanned.
    Image(ImageSignal),
    /// An ECS service's deployment moved on.
    Service(ServiceSignal),
    /// An instance refresh moved on.
    Refresh(RefreshSignal),
    /// A secret was rotated.
    Secret(SecretSignal),
    /// A file of a bucket was written or deleted.
    Object(ObjectSignal),
    /// Another region's report.
    Report(ReportSignal),
    /// A person's command about a release.
    Release(ReleaseCommand),
    /// Our own one-time schedule for a front end.
    FrontEnd(FrontEndSignal),
    /// CodePipeline asks people.
    Pipeline(PipelineSignal),
}

/// A state change of a CloudWatch alarm, as its carrier told it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlarmSignal {
    /// The alarm's name, exactly as CloudWatch knows it.
    pub alarm_name: String,
    /// The alarm's ARN; SNS bodies of old alarms lack it.
    pub alarm_arn: Option<String>,
    /// The twelve-digit account that owns the alarm.
    pub account: Option<String>,
    /// A region code (`us-east-1`). SNS sends a display name ("EU (Ireland)"), which is not guessed at.
    pub region: Option<String>,
    /// The state that the alarm (or its contributor, see [`AlarmSignal::contributor`]) went to.
    pub state: AlarmState,
    /// The state that it came from.
    pub previous_state: Option<AlarmState>,
    /// When the state changed, to the millisecond. None if it was not told or cannot be read; never "now".
    pub state_changed_at: Option<Timestamp>,
    /// CloudWatch's sentence about the change.
    pub reason: Option<String>,
    /// The datapoints that CloudWatch judged, in the order in which it gave them; missing ones are left out.
    /// Empty for SNS bodies, which carry no `reasonData`.
    pub recent_datapoints: Vec<f64>,
    /// The static threshold. None for anomaly and composite alarms, which have none.
    pub threshold: Option<f64>,
    /// What the alarm watches.
    pub kind: AlarmKind,
    /// What held the alarm's actions back, if anything did. EventBridge tells of the change all the same.
    pub actions_suppressed_by: Option<Suppressor>,
    /// The one time series that changed, when the event is about it and not about the alarm as a whole:
    /// the alarm's own state may then differ from [`AlarmSignal::state`].
    pub contributor: Option<Contributor>,
    /// How the signal came here.
    pub via: Via,
    /// The innermost envelope's id: EventBridge `id`, else SNS `MessageId`, else SQS `messageId`.
    pub event_id: Option<String>,
}

/// CloudWatch's three alarm states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmState {
    /// The threshold is crossed.
    Alarm,
    /// The threshold is not crossed.
    Ok,
    /// CloudWatch cannot tell.
    InsufficientData,
}

/// What an alarm watches, as far as the event shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// One metric against a threshold.
    Metric,
    /// An expression over metrics against a threshold.
    MetricMath,
    /// A metric against a band that CloudWatch learned.
    Anomaly,
    /// A rule over other alarms.
    Composite,
    /// A query: Metrics Insights, Contributor Insights, a scheduled logs query, PromQL.
    Insights,
    /// The event does not show it.
    Unknown,
}

/// What held an alarm's actions back (CloudWatch API reference, `CompositeAlarm.ActionsSuppressedBy`; mute rules).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppressor {
    /// The suppressor alarm is given time to speak first.
    WaitPeriod,
    /// The suppressor alarm was in ALARM until a moment ago.
    ExtensionPeriod,
    /// The suppressor alarm is in ALARM.
    Alarm,
    /// Somebody's mute rule is active.
    MuteRule,
    /// A word that we do not know; suppressed all the same.
    Other(String),
}

/// One time series of an alarm that watches many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contributor {
    /// CloudWatch's id for it.
    pub id: String,
    /// What tells it from the others (`QueueName` → `orders`).
    pub attributes: BTreeMap<String, String>,
}

/// How a signal came to the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// An EventBridge rule that calls the function.
    EventBridge,
    /// An SNS subscription of the function (also of EventBridge events sent to a topic).
    Sns,
    /// A queue that holds EventBridge events, raw SNS deliveries or failed invocations.
    Sqs,
    /// A queue subscribed to a topic without raw delivery.
    SnsInSqs,
    /// An invocation by the alarm itself, a schedule, or a person.
    Direct,
}

/// Our own one-time schedule: look again at one service, because an earlier invocation asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecheckSignal {
    /// The system's name in the fleet file.
    pub system: String,
    /// The service's name in the fleet file.
    pub service: String,
    /// Which look this is, counted from 1.
    pub attempt: u32,
    /// The moment that it was arranged for. None if somebody sent it by hand.
    pub due: Option<Timestamp>,
    /// What the earlier invocation said about it.
    pub because: Option<String>,
}

impl Parsed {
    /// The signals, in order.
    pub fn signals(&self) -> impl Iterator<Item = &Signal> {
        self.records.iter().filter_map(|record| record.result.as_ref().ok())
    }

    /// The reasons of the records that gave none, in order.
    pub fn ignored(&self) -> impl Iterator<Item = &Ignored> {
        self.records.iter().filter_map(|record| record.result.as_ref().err())
    }
}

impl AlarmSignal {
    /// A deterministic name for this transition, for de-duplication: the same whichever envelope carried it, as long
    /// as the time of the change is known (EventBridge and SNS tell it to the same millisecond).
    ///
    /// Without a time it falls back to the envelope's id, and without that to a digest of the reason. Account and
    /// region are left out, since SNS bodies of old alarms do not tell them: keep one ledger per account and region.
    pub fn key(&self) -> String {
        let moment = match (&self.state_changed_at, &self.event_id) {
            (Some(at), _) => format!("{at:.3}"),
            (None, Some(id)) => format!("event:{id}"),
            (None, None) => format!("reason:{:016x}", digest(self.reason.as_deref().unwrap_or_default())),
        };
        let key = format!("alarm/{}/{}/{moment}", self.alarm_name, self.state);
        match &self.contributor {
            Some(contributor) => format!("{key}/{}", contributor.id),
            None => key,
        }
    }
}

impl RecheckSignal {
    /// A deterministic name for this look, for de-duplication. Scheduler may call twice for one schedule, so the moment
    /// it was due tells looks apart: the attempt alone starts again from 1 in every episode. One sent by hand has no
    /// such moment; to look again by hand within the ledger's memory, raise the attempt.
    pub fn key(&self) -> String {
        let moment = match self.due {
            Some(due) => format!("{due:.3}"),
            None => format!("by-hand:{}", self.attempt),
        };
        format!("recheck/{}/{}/{moment}", self.system, self.service)
    }

    /// The schedule input that parses back to this signal.
    pub fn to_input(&self) -> Value {
        json!({
            "nightshift": "recheck",
            "system": self.system,
            "service": self.service,
            "attempt": self.attempt,
            "due": self.due.map(|due| due.to_string()),
            "because": self.because,
        })
    }
}

impl Signal {
    /// The schedule input that parses to [`Signal::CalendarTick`].
    pub fn calendar_input() -> Value {
        json!({ "nightshift": "calendar" })
    }
}

/// FNV-1a, 64 bits: stable between builds and machines, which the standard library's hasher does not promise.
pub(crate) fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

impl fmt::Display for Signal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alarm(alarm) => write!(out, "{alarm}"),
            Self::Recheck(recheck) => {
                write!(out, "re-check {} of {}/{}", recheck.attempt, recheck.system, recheck.service)
            }
            Self::CalendarTick => out.write_str("calendar tick"),
            Self::Image(image) => {
                let what = if image.what == ImageEvent::Pushed { "push to" } else { "scan in" };
                write!(out, "{what} {}", shown(&image.repository))
            }
            Self::Service(service) => write!(out, "{} of ECS service {}", shown(&service.event_name), shown(&service.service)),
            Self::Refresh(refresh) => write!(out, "instance refresh of group {}: {}", shown(&refresh.group), refresh.event_name),
            Self::Secret(secret) => write!(out, "rotation of {}", shown(&secret.secret)),
            Self::Object(object) => write!(out, "changed file in {}", shown(&object.bucket)),
            Self::Report(report) => {
                write!(out, "report of {} on {}/{}", shown(&report.region), shown(&report.system), shown(&report.service))
            }
            Self::Release(command) => {
                write!(out, "command of {} for {}/{}", shown(&command.by), shown(&command.system), shown(&command.service))
            }
            Self::FrontEnd(look) => write!(out, "look at front end {}/{}", shown(&look.system), shown(&look.front_end)),
            Self::Pipeline(pipeline) => write!(out, "question of pipeline {}", shown(&pipeline.pipeline)),
        }
    }
}

impl fmt::Display for AlarmSignal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "alarm {} is {}", self.alarm_name, self.state)?;
        match self.state_changed_at {
            Some(at) => write!(out, " since {at:.3}"),
            None => out.write_str(" since an unknown time"),
        }
    }
}

impl fmt::Display for AlarmState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Alarm => "ALARM",
            Self::Ok => "OK",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        })
    }
}
