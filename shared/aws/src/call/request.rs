//! What is sent: forms of the query protocols and requests of the REST ones.
//!
//! Owns how names, lists and paths are written and encoded. A body's text is never shown, and a form's values are wiped when
//! it is dropped: one of them may be a password.

use std::fmt;

use aws_smithy_http::label::{self, EncodingStrategy};
use aws_smithy_http::query;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::hidden;
use super::services::Bodies;
use super::xml::Xml;
use crate::error::shorten;

/// The parameters of a query call, in the order in which they were added.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form {
    parameters: Vec<(String, String)>,
}

impl Form {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One parameter, such as `LaunchTemplateName`, or a nested one, such as `Filter.1.Name`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.parameters.push((name.into(), value.to_string()));
        self
    }

    /// One parameter, if there is a value.
    #[must_use]
    pub fn with_some(self, name: impl Into<String>, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A list as EC2 takes it: `LaunchTemplateId.1`, `LaunchTemplateId.2`.
    #[must_use]
    pub fn with_list(self, name: &str, values: impl IntoIterator<Item = impl ToString>) -> Self {
        let numbered = values.into_iter().zip(1..);
        numbered.fold(self, |form, (value, number): (_, usize)| form.with(format!("{name}.{number}"), value))
    }

    /// A list as the other query services take it: `TargetGroupArns.member.1`, `TargetGroupArns.member.2`.
    #[must_use]
    pub fn with_members(self, name: &str, values: impl IntoIterator<Item = impl ToString>) -> Self {
        self.with_list(&format!("{name}.member"), values)
    }

    /// As it is sent.
    pub(super) fn encoded(&self, action: &str, version: &str) -> String {
        let own = [("Action", action), ("Version", version)];
        let parameters = self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        joined(own.into_iter().chain(parameters))
    }
}

impl Drop for Form {
    fn drop(&mut self) {
        self.parameters.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.parameters.iter().map(|(name, _)| name)).finish()
    }
}

/// A request of a REST protocol.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RestRequest {
    method: &'static str,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl RestRequest {
    /// Such as `GET`, and the path's parts, each of which is encoded: `["2015-03-31", "functions", arn, "invocations"]`.
    pub fn new(method: &'static str, path: &[&str]) -> Self {
        let parts = path.iter().map(|part| format!("/{}", label::fmt_string(part, EncodingStrategy::Default)));
        Self { method, path: parts.collect(), ..Self::default() }
    }

    /// A parameter after the question mark.
    #[must_use]
    pub fn with_query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// A header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A body of this content type.
    #[must_use]
    pub fn with_body(mut self, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.with_header("content-type", content_type)
    }

    /// A JSON body.
    #[must_use]
    pub fn with_json(self, body: &Value) -> Self {
        self.with_body("application/json", body.to_string())
    }

    /// An XML body.
    #[must_use]
    pub fn with_xml(self, body: impl Into<Vec<u8>>) -> Self {
        self.with_body("application/xml", body)
    }

    /// The hash of the body that the signature needs.
    pub(super) fn body_sha256(&self) -> String {
        hidden::sha256(&self.body)
    }

    /// As the SDK sends it; the endpoint is put before the path later.
    pub(super) fn into_http(self, bodies: Bodies) -> Result<HttpRequest, BoxError> {
        let mut request = HttpRequest::new(match bodies {
            Bodies::Plain => SdkBody::from(self.body),
            Bodies::Secret => hidden::body(self.body),
        });
        request.set_method(self.method)?;
        let path = if self.path.is_empty() { "/".to_owned() } else { self.path };
        let query = joined(self.query.iter().map(|(name, value)| (*name, value.as_str())));
        let separator = if query.is_empty() { "" } else { "?" };
        request.set_uri(format!("{path}{separator}{query}"))?;
        for (name, value) in self.headers {
            request.headers_mut().try_insert(name, value)?;
        }
        Ok(request)
    }
}

impl fmt::Debug for RestRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} ({} bytes)", self.method, self.path, self.body.len())
    }
}

/// What a REST service answered with a status of the two hundreds.
#[derive(Clone, PartialEq, Eq)]
pub struct RestAnswer {
    pub(super) action: &'static str,
    /// The status.
    pub status: u16,
    /// The headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl RestAnswer {
    /// The header of this name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Unavailable` if it is none.
    pub fn json(&self) -> PortResult<Value> {
        serde_json::from_slice(&self.body).map_err(|error| self.unreadable("JSON", &error.to_string()))
    }

    /// The body as XML; `Unavailable` if it is none.
    pub fn xml(&self) -> PortResult<Xml> {
        let text = std::str::from_utf8(&self.body).map_err(|error| error.to_string());
        text.and_then(Xml::parse).map_err(|problem| self.unreadable("XML", &problem))
    }

    fn unreadable(&self, format: &str, problem: &str) -> PortError {
        let message = format!("the answer of {} bytes is no {format}: {problem}", self.body.len());
        PortError::new(PortErrorKind::Unavailable, self.action, shorten(&message))
    }
}

impl fmt::Debug for RestAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HTTP {} ({} bytes)", self.status, self.body.len())
    }
}

/// Every character but letters, digits and `-_.~` is encoded, a blank as `%20`. Written into memory of the right size, since a
/// text that grows leaves pieces of itself behind.
fn joined<'a>(parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let parts: Vec<(String, Zeroizing<String>)> =
        parameters.map(|(name, value)| (query::fmt_string(name), Zeroizing::new(query::fmt_string(value)))).collect();
    let mut text = String::with_capacity(parts.iter().map(|(name, value)| name.len() + value.len() + 2).sum());
    for (name, value) in &parts {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_numbers_its_lists_and_encodes_its_values() {
        let form = Form::new().with("Name", "a b&c/ü").with_some("None", None::<&str>).with_some("Max", Some(5));
        let form = form.with_list("Id", ["x", "y"]).with_members("Arns", ["z"]);
        let text = "Action=Do&Version=2016-11-15&Name=a%20b%26c%2F%C3%BC&Max=5&Id.1=x&Id.2=y&Arns.member.1=z";
        assert_eq!(form.encoded("Do", "2016-11-15"), text);
    }

    #[test]
    fn a_rest_request_encodes_every_part_of_its_path() {
        let arn = "arn:aws:lambda:us-east-1:1:function:a/b";
        let request = RestRequest::new("POST", &["2015-03-31", "functions", arn, "invocations"]).with_query("Qualifier", "a&b");
        let http = request.with_json(&Value::from(1)).into_http(Bodies::Plain).unwrap();
        let path = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Aa%2Fb/invocations?Qualifier=a%26b";
        assert_eq!((http.method(), http.uri(), http.body().bytes()), ("POST", path, Some(&b"1"[..])));
        assert_eq!(http.headers().get("content-type"), Some("application/json"));
    }

    #[test]
    fn a_header_that_cannot_be_sent_is_an_error() {
        assert!(RestRequest::new("GET", &[]).with_header("if-match", "a\nb").into_http(Bodies::Plain).is_err());
    }

    #[test]
    fn no_body_is_printed() {
        let form = Form::new().with("Password", "very-secret");
        let request = RestRequest::new("POST", &["a"]).with_xml("very-secret");
        let answer = RestAnswer { action: "lambda:InvokeFunction", status: 200, headers: Vec::new(), body: b"very-secret".to_vec() };
        let printed = format!("{form:?} {request:?} {answer:?}");
        assert_eq!(printed, "[\"Password\"] POST /a (11 bytes) HTTP 200 (11 bytes)");
    }
}
