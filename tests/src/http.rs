//! Calls to the local AWS for which no SDK client is compiled: CloudFormation, Lambda, SQS, IAM, Logs, ECR, S3, its own
//! endpoints, and all of other regions.
//!
//! The signature is a dummy: a local AWS routes by the credential scope and takes the root key at its word.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use crate::local_aws::REGION;

/// A client of one local AWS, in one region.
#[derive(Clone, Debug)]
pub struct Http {
    endpoint: String,
    region: String,
    agent: Agent,
}

/// An answer with its status, headers and body.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Lambda's `X-Amz-Function-Error`: the function answered with an error.
    pub function_error: Option<String>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON; panics with the body where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}), status {}: {}", self.status, self.body))
    }

    /// The answer, if AWS did as asked.
    pub fn expect_done(self, what: &str) -> Self {
        assert!((200..300).contains(&self.status), "{what} failed with {}: {}", self.status, self.body);
        self
    }
}

impl Http {
    pub(crate) fn new(endpoint: String) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(60)));
        Self { endpoint, region: REGION.to_owned(), agent: config.build().new_agent() }
    }

    /// The same in another region: the local AWS takes it from the signature's scope.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    /// Whether the local AWS is up.
    pub fn is_up(&self) -> bool {
        self.agent.get(format!("{}/_ministack/health", self.endpoint)).call().is_ok_and(|answer| answer.status() == 200)
    }

    /// A path of the local AWS's own, such as `/_ministack/sqs/messages`.
    pub fn own(&self, path: &str) -> Value {
        answer(self.agent.get(format!("{}{path}", self.endpoint)).call()).expect_done(path).json()
    }

    /// A REST operation that only reads.
    pub fn get(&self, service: &str, path: &str) -> Answer {
        answer(self.agent.get(format!("{}{path}", self.endpoint)).header("authorization", self.signature(service)).call())
    }

    /// The query protocol: CloudFormation, IAM.
    pub fn query(&self, service: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.agent.post(format!("{}/", self.endpoint)).header("authorization", self.signature(service));
        answer(request.send_form(fields.iter().copied()))
    }

    /// The JSON protocol: SQS, Logs, EventBridge.
    pub fn json(&self, service: &str, target: &str, body: &Value) -> Answer {
        let request = self.agent.post(format!("{}/", self.endpoint)).header("authorization", self.signature(service));
        let request = request.header("x-amz-target", target).header("content-type", "application/x-amz-json-1.1");
        answer(request.send(body.to_string()))
    }

    /// Lambda's Invoke; `kind` is RequestResponse or Event.
    pub fn invoke(&self, function: &str, kind: &str, event: &Value) -> Answer {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint);
        let request = self.agent.post(url).header("authorization", self.signature("lambda")).header("x-amz-invocation-type", kind);
        answer(request.send(event.to_string()))
    }

    /// A REST operation that writes.
    pub fn put(&self, service: &str, path: &str, body: &str) -> Answer {
        answer(self.agent.put(format!("{}{path}", self.endpoint)).header("authorization", self.signature(service)).send(body))
    }

    /// A page, as a browser asks for it.
    pub fn page(&self, url: &str) -> Answer {
        answer(self.agent.get(url).call())
    }

    /// A form, as a browser posts it.
    pub fn post_form(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        answer(self.agent.post(url).send_form(fields.iter().copied()))
    }

    fn signature(&self, service: &str) -> String {
        let scope = format!("20260101/{}/{service}/aws4_request", self.region);
        format!("AWS4-HMAC-SHA256 Credential=test/{scope}, SignedHeaders=host, Signature=none")
    }
}

fn answer(received: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut received = received.expect("the local AWS answers");
    let header = |name: &str| received.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (status, function_error) = (received.status().as_u16(), header("x-amz-function-error"));
    Answer { status, function_error, body: received.body_mut().read_to_string().expect("an answer is text") }
}
