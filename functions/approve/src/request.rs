//! A request of the function URL, read leniently from Lambda's payload format 2.0.
//!
//! Owns which parts of the event are looked at. Cookies and headers other than the content type never are.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A form of ours has some 600 bytes.
const LONGEST_BODY: usize = 8_192;

/// What HTTP calls the wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Other,
}

impl Method {
    /// The method in the log; what is not ours is not repeated there.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Other => "other",
        }
    }
}

/// Names and values, decoded, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    fn read(encoded: &[u8]) -> Self {
        Self(form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The value of a name that stands there once; a name that stands there twice has none.
    pub fn only(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
        found.next().filter(|_| found.next().is_none())
    }
}

/// Why a body is no form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoForm;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub method: Method,
    pub path: String,
    pub query: Fields,
    pub form: Result<Fields, NoForm>,
    pub source_ip: Option<String>,
}

impl Request {
    /// The request in an event; none if the event is something else.
    pub fn of(event: &Value) -> Option<Self> {
        let http = event.get("requestContext")?.get("http")?;
        let method = match http.get("method")?.as_str()? {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            _ => Method::Other,
        };
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        Some(Self {
            method,
            path: text("rawPath").to_owned(),
            query: Fields::read(text("rawQueryString").as_bytes()),
            form: form(event),
            source_ip: http.get("sourceIp").and_then(Value::as_str).map(str::to_owned),
        })
    }
}

fn form(event: &Value) -> Result<Fields, NoForm> {
    let headers = event.get("headers").and_then(Value::as_object);
    let is_form = headers.is_some_and(|headers| {
        let content_type = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let essence = content_type.and_then(|(_, value)| value.as_str()).and_then(|value| value.split(';').next());
        essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
    });
    let body = event.get("body").and_then(Value::as_str).unwrap_or_default();
    // Base 64 makes four letters of three bytes.
    if !is_form || body.len() > LONGEST_BODY * 4 / 3 {
        return Err(NoForm);
    }
    // Function URLs hand form bodies over in base 64 (Lambda developer guide, "Invoking function URLs").
    match event.get("isBase64Encoded").and_then(Value::as_bool).unwrap_or(false) {
        true => STANDARD.decode(body).map(|bytes| Fields::read(&bytes)).map_err(|_| NoForm),
        false => Ok(Fields::read(body.as_bytes())),
    }
}
