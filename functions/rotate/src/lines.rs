//! What came of one secret in one invocation, and the lines that it leaves: the answer, the summary, the metrics, the error.
//!
//! There is no value in it: it is made of facts, codes and names.

use jiff::Timestamp;
use nightshift_core::outcome::Mode;
use nightshift_core::ports::PortError;
use nightshift_core::rotation::{Deed, Done, Ending, Request, Seen, Stop};
use nightshift_lambda::{HandlerError, embedded_metrics};
use serde_json::{Value, json};

use crate::deps::Deps;
use crate::wakes::Call;

/// What came of one secret.
pub struct Outcome {
    at: Timestamp,
    system: String,
    secret: String,
    step: Option<&'static str>,
    token: Option<String>,
    mode: Mode,
    done: Vec<Deed>,
    ending: Ending,
    look_again_at: Option<Timestamp>,
    troubles: Vec<PortError>,
}

impl Outcome {
    pub(crate) fn new<E>(
        deps: &Deps<E>,
        call: &Call<'_>,
        at: Timestamp,
        seen: Seen,
        ending: Ending,
        look_again_at: Option<Timestamp>,
        troubles: Vec<PortError>,
    ) -> Self {
        let token = match (&call.request, &seen.secret) {
            (Request::Step(event), _) => Some(event.token.clone()),
            (Request::Carry { .. }, Some(Ok(secret))) => secret.unfinished().or(secret.current()).map(str::to_owned),
            (Request::Carry { .. }, _) => None,
        };
        let step = call.step().map(|event| event.step.as_str());
        let (system, secret) = (call.policy.system.to_string(), call.name.to_string());
        Self { at, system, secret, step, token, mode: deps.config.mode, done: seen.done, ending, look_again_at, troubles }
    }

    /// The answer: `decision`, `reason`, `steps`, `plan_id` and what explains them.
    pub fn to_answer(&self) -> Value {
        json!({
            "system": self.system,
            "secret": self.secret,
            "step": self.step,
            "decision": if self.done.is_empty() { "hold" } else { "act" },
            "ending": self.class(),
            "reason": self.ending.code(),
            "text": self.ending.to_string(),
            "steps": self.done.iter().map(Deed::word).collect::<Vec<_>>(),
            "plan_id": self.plan_id(),
            "mode": self.mode,
            "look_again_at": self.look_again_at,
            "errors": self.troubles,
        })
    }

    fn class(&self) -> &'static str {
        match &self.ending {
            Ending::Done { .. } => "done",
            Ending::Wait { .. } => "waits",
            Ending::Stop(_) => "stopped",
        }
    }

    fn plan_id(&self) -> String {
        let version = self.token.as_deref().unwrap_or("-");
        format!("{}/{}/{version}/{}/{}", self.system, self.secret, self.step.unwrap_or("look"), self.ending.code())
    }

    /// The error that tells Secrets Manager that a step is not done.
    pub(crate) fn step_failure(&self) -> Option<HandlerError> {
        let goes_on = match &self.ending {
            Ending::Done { .. } => return None,
            Ending::Wait { .. } => true,
            Ending::Stop(_) => false,
        };
        let (code, why) = (self.ending.code(), self.ending.to_string());
        Some(HandlerError::Rotation { secret: self.secret.clone(), step: self.step.unwrap_or("look"), code, why, goes_on })
    }

    /// A look of our own fails only where nobody would come back to it before the hour is over, and Lambda's retry may.
    pub(crate) fn look_failure(&self) -> Option<HandlerError> {
        let is_left = self.ending.look_at().is_some() && self.look_again_at.is_none();
        is_left.then(|| HandlerError::NotArranged {
            services: self.secret.clone(),
            cause: self.troubles.first().map_or_else(|| self.ending.to_string(), ToString::to_string),
        })
    }

    /// A sweep that found nothing to do is not worth a line.
    fn is_routine(&self) -> bool {
        let is_quiet = matches!(&self.ending, Ending::Done { done: Done::Quiet | Done::Replica | Done::LeftToSecretsManager, .. });
        is_quiet && self.done.is_empty() && self.troubles.is_empty() && self.step.is_none()
    }
}

#[allow(clippy::print_stdout, reason = "standard output is the log of a Lambda function")]
pub(crate) fn tell(outcome: &Outcome, function: &str, duration_ms: i128) {
    if outcome.is_routine() {
        return;
    }
    let duration_ms = i64::try_from(duration_ms).unwrap_or(i64::MAX);
    println!("{}", summary_line(function, outcome, duration_ms));
    println!("{}", metric_line(function, outcome, duration_ms));
}

/// One summary event; ids are fields, the message reads alone.
pub fn summary_line(function: &str, outcome: &Outcome, duration_ms: i64) -> Value {
    let level = match (&outcome.ending, outcome.troubles.is_empty()) {
        (Ending::Stop(Stop::Observe), _) => "INFO",
        (Ending::Stop(_), _) => "ERROR",
        (Ending::Wait { .. }, _) | (_, false) => "WARN",
        _ => "INFO",
    };
    let mut line = outcome.to_answer();
    if let Some(fields) = line.as_object_mut() {
        let message = format!("{}: {}", outcome.secret, outcome.ending);
        fields.remove("text");
        fields.extend([
            ("timestamp".to_owned(), json!(outcome.at)),
            ("level".to_owned(), json!(level)),
            ("message".to_owned(), json!(message)),
            ("function".to_owned(), json!(function)),
            ("version".to_owned(), json!(outcome.token)),
            ("errors".to_owned(), json!(outcome.troubles.iter().map(ToString::to_string).collect::<Vec<_>>())),
            ("duration_ms".to_owned(), json!(duration_ms)),
        ]);
    }
    line
}

/// Metrics by system: how looks ended, and how long they took. An alarm stands on `Stopped`; what waits goes on by itself.
pub fn metric_line(function: &str, outcome: &Outcome, duration_ms: i64) -> Value {
    let is = |class: &str| usize::from(outcome.class() == class);
    let is_observed = matches!(outcome.ending, Ending::Stop(Stop::Observe));
    let counts = [("Done", is("done")), ("Waiting", is("waits")), ("Stopped", if is_observed { 0 } else { is("stopped") })];
    embedded_metrics(outcome.at, &[("Function", function), ("System", &outcome.system)], &counts, Some(duration_ms))
}
