//! The one line that each request leaves in the log, with its metric: who was asked what, and what came of it.
//!
//! Never a link, a code, an address or a form's contents. The address of who answered stands in the ledger.

use jiff::Timestamp;
use nightshift_core::ports::PortError;
use nightshift_core::release::approve::{About, Claims};
use serde_json::{Value, json};

use crate::page::Notice;
use crate::reply::Reply;

/// What is to be logged of a request.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    method: &'static str,
    claims: Option<Claims>,
    outcome: &'static str,
    status: u16,
    errors: Vec<PortError>,
}

impl Line {
    pub fn new(method: &'static str) -> Self {
        Self { method, claims: None, outcome: "", status: 0, errors: Vec::new() }
    }

    /// The line of a question that CodePipeline sent.
    pub fn of_question(outcome: &'static str, claims: Claims) -> Self {
        Self { method: "event", claims: Some(claims), outcome, status: 0, errors: Vec::new() }
    }

    /// What the link says, once it is known to be ours.
    pub fn concerns(&mut self, claims: &Claims) {
        self.claims = Some(claims.clone());
    }

    /// An error of AWS that does not change the answer.
    pub fn note(&mut self, error: PortError) {
        self.errors.push(error);
    }

    /// An error of AWS for which there is no answer.
    pub fn failed(&mut self, error: PortError) -> Reply {
        self.errors.push(error);
        Reply::page(503, "unavailable", &Notice::unavailable())
    }

    pub fn ended(mut self, reply: &Reply) -> Self {
        (self.outcome, self.status) = (reply.outcome, reply.status);
        self
    }

    fn subject(&self) -> (Value, Value, Value, Value) {
        match self.claims.as_ref().map(|claims| &claims.about) {
            Some(About::Release { key, release, stage, .. }) => (json!(key.system), json!(key.service), json!(release), json!(stage)),
            Some(About::Pipeline { system, pipeline, question }) => (json!(system), json!(pipeline), json!(question), Value::Null),
            None => (Value::Null, Value::Null, Value::Null, Value::Null),
        }
    }

    fn message(&self) -> String {
        let (system, service, release, stage) = self.subject();
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        let about = match (&self.claims, stage.as_str()) {
            (None, _) => "a request without a link of ours".to_owned(),
            (Some(claims), Some(stage)) => {
                format!("{}/{}: {} was asked to let {} into {stage}", text(&system), text(&service), claims.approver, text(&release))
            }
            (Some(claims), None) => {
                format!("{}/{}: {} was asked to let the pipeline go on", text(&system), text(&service), claims.approver)
            }
        };
        format!("{about}; {} {}", self.method, self.outcome)
    }
}

/// Logs one line: the summary, with one metric in the embedded metric format.
pub(crate) fn tell(line: &Line, function: &str, began: Timestamp, ended: Timestamp) {
    print(&summary(line, function, began, ended));
}

fn summary(line: &Line, function: &str, began: Timestamp, ended: Timestamp) -> Value {
    let (system, service, release, stage) = line.subject();
    let metric = metric(line.outcome);
    let mut summary = json!({
        "_aws": {
            "Timestamp": ended.as_millisecond(),
            "CloudWatchMetrics": [{ "Namespace": "Nightshift", "Dimensions": [["Function"]], "Metrics": [{ "Name": metric, "Unit": "Count" }] }],
        },
        "timestamp": began,
        "level": level(line),
        "message": line.message(),
        "Function": function,
        "outcome": line.outcome,
        "method": line.method,
        "status": line.status,
        "system": system,
        "service": service,
        "release": release,
        "stage": stage,
        "approver": line.claims.as_ref().map(|claims| claims.approver.as_str()),
        "errors": line.errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "duration_ms": i64::try_from(ended.duration_since(began).as_millis()).unwrap_or(i64::MAX),
    });
    if let Some(fields) = summary.as_object_mut() {
        fields.insert(metric.to_owned(), json!(1));
    }
    summary
}

fn metric(outcome: &str) -> &'static str {
    match outcome {
        "already_asked" => "ApprovalAskedTwice",
        "shown" => "ApprovalShown",
        "approved" => "Approved",
        "rejected" => "Rejected",
        "asked" => "ApprovalAsked",
        "wrong_code" | "locked" => "ApprovalWrongCode",
        "unavailable" | "pipeline_not_told" => "ApprovalFailed",
        _ => "ApprovalRefused",
    }
}

fn level(line: &Line) -> &'static str {
    match (line.outcome, line.errors.is_empty()) {
        ("unavailable" | "pipeline_not_told", _) => "ERROR",
        ("wrong_code" | "locked" | "forged", _) | (_, false) => "WARN",
        _ => "INFO",
    }
}

#[allow(clippy::print_stdout, reason = "standard output is the log of a Lambda function")]
pub(crate) fn print(line: &Value) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use nightshift_core::ports::PortErrorKind;
    use nightshift_core::release::approve::ApprovalKey;

    use super::*;

    fn claims() -> Claims {
        let (system, service) = ("shop".to_owned().try_into().unwrap(), "web".to_owned().try_into().unwrap());
        let key = nightshift_core::ledger::ServiceKey { system, service };
        let release = nightshift_core::release::ReleaseId::from_text("20261120t203000z-4f5c1a0be2d3");
        let about = About::Release { key, release, digest: "sha256:4f5c".into(), stage: "production".into() };
        Claims::new(about, "ann".to_owned().try_into().unwrap(), Timestamp::from_second(1_795_000_000).unwrap())
    }

    #[test]
    fn a_line_reads_alone_and_tells_neither_link_nor_code() {
        let key = ApprovalKey::new(&[3; 32]).unwrap();
        let mut line = Line::new("POST");
        line.concerns(&claims());
        line.note(PortError::new(PortErrorKind::Throttled, "lambda:InvokeFunction", "slow down"));
        line.outcome = "approved";
        let at = Timestamp::from_second(1_794_990_000).unwrap();
        let text = summary(&line, "nightshift-approve", at, at).to_string();
        let message = "shop/web: ann was asked to let 20261120t203000z-4f5c1a0be2d3 into production; POST approved";
        assert!(text.contains(message), "{text}");
        assert!(text.contains("\"Approved\":1") && text.contains("\"level\":\"WARN\"") && text.contains("slow down"), "{text}");
        for secret in [key.token(&claims()), key.code(&claims())] {
            assert!(!text.contains(&secret));
        }
    }

    #[test]
    fn a_request_without_a_link_has_a_line_too() {
        let line = Line { outcome: "forged", status: 400, ..Line::new("GET") };
        let at = Timestamp::from_second(1_794_990_000).unwrap();
        let line = summary(&line, "approve", at, at);
        assert_eq!((&line["message"], &line["system"]), (&json!("a request without a link of ours; GET forged"), &Value::Null));
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"], "ApprovalRefused");
    }
}
