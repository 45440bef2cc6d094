//! Notices: what people are told over SNS, in ten seconds on a phone, and what machines are told in the same message.
//!
//! Rendered from the outcome alone. One message carries text for people, JSON for queues and functions, and attributes to
//! filter on; chat topics get Amazon Q's custom-notification form instead.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fleet::{Direction, EcsService};
use crate::outcome::{Ending, Mode, Outcome, StepResult};
use crate::scale::{Decision, HoldReason, StepTarget, clock};

/// A message as SNS takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// At most 100 ASCII characters.
    pub subject: String,
    /// The body: with `is_per_protocol`, a JSON object by protocol with a `default`.
    pub body: String,
    /// Whether `MessageStructure` is `json`.
    pub is_per_protocol: bool,
    /// Attributes to filter on: system, service, severity, kind.
    pub attributes: Vec<(&'static str, String)>,
}

impl Message {
    /// One message for everybody: text for people (a shorter one for telephones), JSON for queues, functions and endpoints.
    pub fn for_everybody(subject: &str, text: &str, sms: &str, machine: &Value, attributes: Vec<(&'static str, String)>) -> Self {
        let machine = machine.to_string();
        let body = json!({
            "default": text,
            "email": text,
            "sms": sms,
            "sqs": machine,
            "lambda": machine,
            "http": machine,
            "https": machine,
            "firehose": machine,
        });
        Self { subject: fitting(subject), body: body.to_string(), is_per_protocol: true, attributes }
    }
}

/// What SNS takes for a subject: 100 printable ASCII characters (SNS API reference, Publish).
pub(crate) fn fitting(subject: &str) -> String {
    subject.chars().filter(|letter| (' '..='~').contains(letter)).take(100).collect()
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Done as planned.
    Info,
    /// Something keeps Nightshift from helping, or it helped with less knowledge than usual.
    Warning,
    /// A person has to do something.
    Critical,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What a notice is about, ready to be rendered for people, machines and chats.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice<'a> {
    outcome: &'a Outcome,
    region: &'a str,
    severity: Severity,
    kind: &'static str,
}

impl<'a> Notice<'a> {
    /// The notice of an outcome, unless there is nothing that people want to know. `told` is what they were told last
    /// about why nothing is done: the same is not told twice.
    pub fn of(outcome: &'a Outcome, region: &'a str, told: Option<&str>) -> Option<Self> {
        let token = told_token(outcome);
        if token.is_some() && token.as_deref() == told {
            return None;
        }
        let (severity, kind) = match outcome.ending() {
            Ending::Acted if outcome.plan.warnings.is_empty() => (Severity::Info, "acted"),
            Ending::Acted => (Severity::Warning, "acted"),
            Ending::WouldHaveActed => (Severity::Info, "would_have_acted"),
            Ending::Unfinished => (severity_of_failure(outcome), "failed"),
            Ending::Held if token.is_some() => (severity_of_hold(outcome), "held"),
            Ending::Held => return None,
        };
        Some(Self { outcome, region, severity, kind })
    }

    /// The message for people and machines.
    pub fn message(&self) -> Message {
        let subject = self.subject();
        Message::for_everybody(&subject, &self.text(), &subject, &self.machine_body(), self.attributes())
    }

    /// The message for a topic that Amazon Q Developer in chat applications reads (its custom notification, version 1.0).
    pub fn chat_message(&self) -> Message {
        let body = json!({
            "version": "1.0",
            "source": "custom",
            "id": self.outcome.plan.id,
            "content": {
                "textType": "client-markdown",
                "title": self.subject(),
                "description": self.text(),
                "nextSteps": self.next_steps(),
                "keywords": ["nightshift", self.outcome.plan.key.system.as_str(), self.outcome.plan.key.service.as_str()],
            },
            "metadata": {
                "threadId": self.outcome.plan.key.to_string(),
                "summary": self.subject(),
                "eventType": self.kind,
                "relatedResources": [self.outcome.plan.key.to_string()],
            },
        });
        Message { subject: self.subject(), body: body.to_string(), is_per_protocol: false, attributes: self.attributes() }
    }

    /// What happened, in the 100 ASCII characters that SNS allows for a subject.
    pub fn subject(&self) -> String {
        let key = &self.outcome.plan.key;
        let headline = match (self.outcome.ending(), self.outcome.plan.main_step()) {
            (Ending::Acted, Some(step)) => format!("{} -> {} {}", step.from, step.to, unit(&step.target)),
            (Ending::WouldHaveActed, Some(step)) => format!("would have gone {} -> {} {}", step.from, step.to, unit(&step.target)),
            (Ending::Unfinished, Some(step)) => format!("FAILED to go {} -> {} {}", step.from, step.to, unit(&step.target)),
            _ => format!("nothing done: {}", self.outcome.plan.reason_text()),
        };
        let cause = match self.outcome.plan.decision {
            Decision::Hold => String::new(),
            Decision::Grow | Decision::Shrink => format!(" ({})", short_cause(self.outcome)),
        };
        let ascii = format!("{key}: {headline}{cause}").chars().filter(|letter| (' '..='~').contains(letter)).collect::<String>();
        ascii.chars().take(100).collect()
    }

    /// The text for a person.
    pub fn text(&self) -> String {
        let mut lines = vec![self.headline(), format!("Why: {}.", self.outcome.plan.reason_text())];
        if let (Some(wish), Some(step)) = (self.outcome.plan.wish, self.outcome.plan.main_step())
            && wish != step.to
        {
            lines.push(format!("Wished for {wish}; bounds and limits allow {}.", step.to));
        }
        lines.extend(
            self.outcome.steps.iter().filter(|step| self.is_worth_a_line(&step.result)).map(|step| format!("Step: {}.", step.sentence())),
        );
        lines.extend(self.outcome.plan.warnings.iter().map(|warning| format!("Note: {warning}.")));
        lines.extend(self.outcome.troubles.iter().map(|trouble| format!("Trouble: {trouble}.")));
        lines.push(match self.outcome.look_again_at {
            Some(at) => format!("Next look: {}.", clock(at)),
            None => "Next look: when an alarm changes.".to_owned(),
        });
        lines.push(format!("Console: {}", self.console_link()));
        lines.extend(self.next_steps());
        lines.join("\n")
    }

    fn is_worth_a_line(&self, result: &StepResult) -> bool {
        self.outcome.steps.len() > 1 || !matches!(result, StepResult::Done | StepResult::WouldHaveDone)
    }

    fn headline(&self) -> String {
        let key = &self.outcome.plan.key;
        let Some(step) = self.outcome.plan.main_step() else { return format!("{key}: nothing was done.") };
        let verb = match (self.outcome.ending(), step.to > step.from) {
            (Ending::Acted, true) => "grew",
            (Ending::Acted, false) => "shrank",
            (Ending::WouldHaveActed, true) => "would have grown",
            (Ending::WouldHaveActed, false) => "would have shrunk",
            (_, true) => "should have grown, but did not,",
            (_, false) => "should have shrunk, but did not,",
        };
        format!("{key} {verb} from {} to {} {}.", step.from, step.to, unit(&step.target))
    }

    fn next_steps(&self) -> Vec<String> {
        let key = &self.outcome.plan.key;
        let pause = format!("Pause: nightshift pause {key} --for 2h --why \"...\"");
        match self.outcome.mode {
            Mode::Act => vec![pause],
            Mode::Observe => vec!["Mode: observe (deploy with Mode=act to let it act)".to_owned(), pause],
        }
    }

    fn machine_body(&self) -> Value {
        let mut body = self.outcome.to_answer();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("nightshift".into(), json!(1));
            fields.insert("kind".into(), json!(self.kind));
            fields.insert("severity".into(), json!(self.severity.as_str()));
            fields.insert("region".into(), json!(self.region));
            fields.insert("at".into(), json!(self.outcome.at));
            fields.insert("console".into(), json!(self.console_link()));
        }
        body
    }

    fn attributes(&self) -> Vec<(&'static str, String)> {
        vec![
            ("system", self.outcome.plan.key.system.to_string()),
            ("service", self.outcome.plan.key.service.to_string()),
            ("severity", self.severity.as_str().to_owned()),
            ("kind", self.kind.to_owned()),
        ]
    }

    fn console_link(&self) -> String {
        let region = self.region;
        match self.outcome.plan.main_step().map(|step| &step.target) {
            Some(StepTarget::Tasks(EcsService { cluster, service })) => {
                format!("https://{region}.console.aws.amazon.com/ecs/v2/clusters/{cluster}/services/{service}/health?region={region}")
            }
            Some(StepTarget::Group(group)) => {
                format!("https://{region}.console.aws.amazon.com/ec2/home?region={region}#AutoScalingGroupDetails:id={group}")
            }
            None => format!("https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#alarmsV2:"),
        }
    }
}

/// What is remembered of having told people that nothing, or nothing but in words, is done; none for what is told each time.
fn told_token(outcome: &Outcome) -> Option<String> {
    match outcome.ending() {
        Ending::Held => {
            let told = outcome.plan.withheld.iter().find(|reason| reason.is_worth_telling());
            told.map(|reason| match reason {
                HoldReason::AtBound { direction, bound, .. } => format!("{}:{}:{bound}", reason.code(), direction_word(*direction)),
                _ => reason.code().to_owned(),
            })
        }
        Ending::WouldHaveActed => outcome.plan.main_step().map(|step| format!("would_have:{}:{}", step.from, step.to)),
        Ending::Unfinished => outcome.errors().next().map(|error| format!("failed:{}:{}", error.operation, error.kind)),
        Ending::Acted => None,
    }
}

/// What is remembered after this outcome of what people were told: forgotten once something is done or all is well.
pub fn told_after(outcome: &Outcome, before: Option<String>) -> Option<String> {
    match (outcome.ending(), told_token(outcome), outcome.plan.withheld.first()) {
        (_, Some(token), _) => Some(token),
        (Ending::Acted, None, _) => None,
        (_, None, Some(HoldReason::Quiet | HoldReason::AlarmCleared { .. } | HoldReason::MetricBack { .. })) => None,
        (_, None, _) => before,
    }
}

fn severity_of_failure(outcome: &Outcome) -> Severity {
    let needs_person = outcome.errors().any(|error| !error.kind.may_pass());
    if needs_person { Severity::Critical } else { Severity::Warning }
}

fn severity_of_hold(outcome: &Outcome) -> Severity {
    let needs_person = outcome.plan.withheld.iter().any(|reason| {
        matches!(reason, HoldReason::ServiceMissing | HoldReason::PlanRejected { .. })
            || matches!(reason, HoldReason::Unreadable { kind, .. } if !kind.may_pass())
    });
    if needs_person { Severity::Critical } else { Severity::Warning }
}

fn short_cause(outcome: &Outcome) -> String {
    match outcome.plan.main_step().map(|step| &step.reason) {
        Some(crate::scale::StepReason::Rule { rule, .. }) => rule.to_string(),
        Some(reason) => reason.code().replace('_', " "),
        None => String::new(),
    }
}

fn unit(target: &StepTarget) -> &'static str {
    match target {
        StepTarget::Tasks(_) => "tasks",
        StepTarget::Group(_) => "instances",
    }
}

fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Grow => "max",
        Direction::Shrink => "min",
    }
}
