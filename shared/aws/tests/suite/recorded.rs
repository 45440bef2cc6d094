//! An HTTP client that answers with recordings, by operation and in order, and keeps what was asked.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_types::SdkConfig;
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::Full;
use minicbor::data::Tag;
use nightshift_aws::{CallLimits, sdk_config_with};
use nightshift_core::fleet::{ServiceName, SystemName};
use nightshift_core::ledger::ServiceKey;
use nightshift_core::ports::{PortErrorKind, PortResult};
use serde_json::Value;

/// What was asked: the operation's name (of a REST call its method and path), and its body as text (CBOR in its diagnostic
/// notation).
#[derive(Clone, Debug)]
pub struct Asked {
    pub operation: String,
    pub url: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

#[derive(Debug)]
struct Answer {
    operation: &'static str,
    status: u16,
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
    /// Whether the body comes as one from the network does: it cannot be looked into before it was read.
    is_streamed: bool,
}

/// Clones share answers and journal.
#[derive(Clone, Default)]
pub struct Recorded {
    answers: Arc<Mutex<Vec<Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Recorded {
    /// The next answer to this operation: JSON, or XML, or an error's body.
    pub fn answer(self, operation: &'static str, status: u16, body: impl Into<String>) -> Self {
        self.answer_with(operation, status, &[], body)
    }

    /// The same with headers.
    pub fn answer_with(
        self,
        operation: &'static str,
        status: u16,
        headers: &'static [(&'static str, &'static str)],
        body: impl Into<String>,
    ) -> Self {
        let body = body.into().into_bytes();
        self.answers.lock().unwrap().push(Answer { operation, status, headers, body, is_streamed: false });
        self
    }

    /// The same as a real answer comes, which the SDK's traces cannot print before it was read.
    pub fn unseen(self, operation: &'static str, status: u16, body: impl Into<String>) -> Self {
        let body = body.into().into_bytes();
        self.answers.lock().unwrap().push(Answer { operation, status, headers: &[], body, is_streamed: true });
        self
    }

    pub fn json(self, operation: &'static str, body: Value) -> Self {
        self.answer(operation, 200, body.to_string())
    }

    /// An error of the JSON protocols.
    pub fn json_error(self, operation: &'static str, code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "__type": format!("com.amazonaws.service#{code}"), "message": message });
        self.answer(operation, 400, body.to_string())
    }

    /// CloudWatch's protocol; `{"$time": 1763608200}` is a timestamp.
    pub fn cbor(self, operation: &'static str, status: u16, body: &Value) -> Self {
        let mut encoder = minicbor::Encoder::new(Vec::new());
        encode(&mut encoder, body);
        self.answers.lock().unwrap().push(Answer { operation, status, headers: &[], body: encoder.into_writer(), is_streamed: false });
        self
    }

    pub fn config(&self) -> SdkConfig {
        let lookup = |name: &str| match name {
            "AWS_REGION" => Some("us-east-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
            _ => None,
        };
        let limits = CallLimits { first_backoff: Duration::from_millis(1), ..CallLimits::default() };
        sdk_config_with(lookup, limits).unwrap().to_builder().http_client(self.clone()).build()
    }

    /// Everything that was asked, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The requests of one operation, in order.
    pub fn asked_for(&self, operation: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.operation == operation).collect()
    }

    /// Whether every recording was used.
    pub fn is_used_up(&self) -> bool {
        self.answers.lock().unwrap().is_empty()
    }
}

/// The SDK prints the client with all that it is made of: what was asked must not be part of that.
impl fmt::Debug for Recorded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Recorded")
    }
}

impl HttpConnector for Recorded {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let body = std::mem::replace(request.body_mut(), SdkBody::taken());
        let asked = asked(&request, &bytes_of(body));
        let mut answers = self.answers.lock().unwrap();
        let next = answers.iter().position(|answer| answer.operation == asked.operation);
        let result = match next.map(|next| answers.remove(next)) {
            Some(answer) => Ok(response(answer)),
            None => Err(ConnectorError::user(format!("no recording for {}", asked.operation).into())),
        };
        self.asked.lock().unwrap().push(asked);
        HttpConnectorFuture::ready(result)
    }
}

impl HttpClient for Recorded {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn response(answer: Answer) -> HttpResponse {
    let body = match answer.is_streamed {
        true => SdkBody::from_body_1_x(Full::new(Bytes::from(answer.body))),
        false => SdkBody::from(answer.body),
    };
    let mut response = HttpResponse::new(StatusCode::try_from(answer.status).unwrap(), body);
    response.headers_mut().insert("smithy-protocol", "rpc-v2-cbor");
    for (name, value) in answer.headers {
        response.headers_mut().insert(*name, *value);
    }
    response
}

/// Bodies that may hold a secret cannot be looked into, only read to their end.
fn bytes_of(body: SdkBody) -> Vec<u8> {
    ByteStream::new(body).collect().now_or_never().unwrap().unwrap().to_vec()
}

fn asked(request: &HttpRequest, bytes: &[u8]) -> Asked {
    let path = request.uri().split_once("amazonaws.com").map_or("", |(_, path)| path).to_owned();
    let is_cbor = request.headers().get("smithy-protocol") == Some("rpc-v2-cbor");
    let body = match is_cbor {
        true => minicbor::display(bytes).to_string(),
        false => String::from_utf8(bytes.to_vec()).unwrap(),
    };
    let target = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
    let operation = target
        .or_else(|| path.split_once("/operation/").map(|(_, operation)| operation))
        .or_else(|| body.strip_prefix("Action=").and_then(|rest| rest.split('&').next()))
        .or_else(|| path.starts_with("/schedules/").then_some("CreateSchedule"));
    let operation = operation.map_or_else(|| format!("{} {}", request.method(), path.split('?').next().unwrap()), str::to_owned);
    let headers = request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Asked { operation, url: request.uri().to_owned(), path, headers, body }
}

fn encode(encoder: &mut minicbor::Encoder<Vec<u8>>, value: &Value) {
    match value {
        Value::Null => drop(encoder.null().unwrap()),
        Value::Bool(flag) => drop(encoder.bool(*flag).unwrap()),
        Value::Number(number) if number.is_f64() => drop(encoder.f64(number.as_f64().unwrap()).unwrap()),
        Value::Number(number) => drop(encoder.i64(number.as_i64().unwrap()).unwrap()),
        Value::String(text) => drop(encoder.str(text).unwrap()),
        Value::Array(items) => {
            encoder.array(items.len() as u64).unwrap();
            items.iter().for_each(|item| encode(encoder, item));
        }
        Value::Object(fields) => match fields.get("$time") {
            Some(seconds) => drop(encoder.tag(Tag::new(1)).unwrap().f64(seconds.as_f64().unwrap()).unwrap()),
            None => {
                encoder.map(fields.len() as u64).unwrap();
                for (name, item) in fields {
                    encoder.str(name).unwrap();
                    encode(encoder, item);
                }
            }
        },
    }
}

/// Runs one call to its end, as a function does: on one thread.
pub fn wait<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(call)
}

pub fn kind_of<T: std::fmt::Debug>(result: PortResult<T>) -> PortErrorKind {
    result.unwrap_err().kind
}

pub fn key(system: &str, service: &str) -> ServiceKey {
    let (system, service) = (SystemName::try_from(system.to_owned()), ServiceName::try_from(service.to_owned()));
    ServiceKey { system: system.unwrap(), service: service.unwrap() }
}
