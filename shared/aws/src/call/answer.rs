//! What came back: JSON, XML or bytes, and refusals with their code and words.
//!
//! Owns where each protocol hides an error's code. A body that may hold a secret is never shown, not even its beginning, and
//! of what AWS says about such a call only words that cannot repeat what was sent.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::ErrorMetadata;
use serde_json::Value;

use super::request::RestAnswer;
use super::services::Bodies;
use super::xml::Xml;
use crate::error::bare;

/// Codes of secret-bearing services whose words name the caller, the resource or its state, never a value that was sent;
/// validation errors repeat the value.
const QUOTABLE: [&str; 19] = [
    "AccessDenied",
    "DecryptionFailure",
    "EncryptionFailure",
    "ExpiredToken",
    "InternalServerError",
    "InternalServiceError",
    "InvalidClientTokenId",
    "InvalidReplicationGroupState",
    "InvalidRequest",
    "InvalidUserState",
    "LimitExceeded",
    "ParameterNotFound",
    "ReplicationGroupNotFound",
    "ResourceNotFound",
    "SignatureDoesNotMatch",
    "Throttling",
    "UnrecognizedClient",
    "UserGroupNotFound",
    "UserNotFound",
];

/// A JSON object.
pub(super) fn json(answer: &HttpResponse, bodies: Bodies) -> Result<Value, BoxError> {
    let body = answer.body().bytes().unwrap_or_default();
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(unreadable("is JSON but no object", body, bodies)),
        // The parser's words say where it stopped, never what stood there.
        Err(error) => Err(unreadable(&format!("is no JSON ({error})"), body, bodies)),
    }
}

/// The result of a query call: the element `<action>Result` if there is one, else the root.
pub(super) fn xml(answer: &HttpResponse, bodies: Bodies) -> Result<Xml, BoxError> {
    let body = answer.body().bytes().unwrap_or_default();
    let root = std::str::from_utf8(body).map_err(|error| error.to_string()).and_then(Xml::parse);
    let root = root.map_err(|problem| match bodies {
        Bodies::Plain => unreadable(&format!("is no XML ({problem})"), body, bodies),
        Bodies::Secret => unreadable("is no XML", body, bodies),
    })?;
    match root.name().strip_suffix("Response") {
        // A page that some proxy made, perhaps.
        None => Err(unreadable("is XML but no response", body, bodies)),
        Some(action) => Ok(root.first(&format!("{action}Result")).cloned().unwrap_or(root)),
    }
}

/// Whatever it is.
pub(super) fn raw(action: &'static str, answer: &HttpResponse) -> RestAnswer {
    let headers = answer.headers().iter().map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let body = answer.body().bytes().unwrap_or_default().to_vec();
    RestAnswer { action, status: answer.status().as_u16(), headers: headers.collect(), body }
}

/// What AWS says when it refuses: its code and its words, as far as there are any.
pub(super) fn refusal(answer: &HttpResponse, bodies: Bodies) -> ErrorMetadata {
    let body = answer.body().bytes().unwrap_or_default();
    let (in_body, text) = in_json(body).or_else(|| in_xml(body)).unwrap_or_default();
    let in_header = answer.headers().get("x-amzn-errortype").map(bare_code).filter(|code| !code.is_empty());
    let code = in_header.map(str::to_owned).or(in_body);
    let text = match (bodies, &code) {
        (Bodies::Plain, _) => text,
        (Bodies::Secret, Some(code)) if QUOTABLE.contains(&bare(code)) => text,
        (Bodies::Secret, Some(_)) => None,
        // Without words of ours the beginning of the body would be shown.
        (Bodies::Secret, None) => Some(format!("HTTP {}; the answer is not shown, it may hold a secret", answer.status().as_u16())),
    };
    let mut metadata = ErrorMetadata::builder();
    if let Some(code) = code {
        metadata = metadata.code(code);
    }
    if let Some(text) = text {
        metadata = metadata.message(text);
    }
    metadata.build()
}

/// Code and words of an error.
type CodeAndText = (Option<String>, Option<String>);

fn in_json(body: &[u8]) -> Option<CodeAndText> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |names: &[&str]| names.iter().find_map(|name| body.get(name).and_then(Value::as_str)).map(str::to_owned);
    let code = text(&["__type", "code", "Code"]).map(|code| bare_code(&code).to_owned());
    Some((code.filter(|code| !code.is_empty()), text(&["message", "Message", "errorMessage"])))
}

/// `ErrorResponse/Error` in the query and REST protocols, `Response/Errors/Error` in EC2's.
fn in_xml(body: &[u8]) -> Option<CodeAndText> {
    let root = Xml::parse(std::str::from_utf8(body).ok()?).ok()?;
    let error = if root.name() == "Error" { Some(&root) } else { root.first("Error").or_else(|| root.first("Errors/Error")) };
    let text = |name: &str| error.and_then(|error| error.text(name)).map(str::to_owned);
    Some((text("Code"), text("Message")))
}

/// A code may stand behind a namespace and a `#`, and before a `:` and a URL (restJson1, "Operation error serialization").
fn bare_code(code: &str) -> &str {
    let code = code.split_once(':').map_or(code, |(code, _)| code);
    code.rsplit_once('#').map_or(code, |(_, code)| code).trim()
}

fn unreadable(problem: &str, body: &[u8], bodies: Bodies) -> BoxError {
    let begin = String::from_utf8_lossy(body.get(..body.len().min(80)).unwrap_or_default());
    match (bodies, body.len()) {
        (_, 0) => "it is empty".into(),
        (Bodies::Plain, length) => format!("it {problem}; its {length} bytes begin with {begin:?}").into(),
        (Bodies::Secret, length) => format!("it {problem}; it has {length} bytes").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    fn answered(header: Option<&'static str>, body: &'static str) -> HttpResponse {
        let mut answer = HttpResponse::new(StatusCode::try_from(400).unwrap(), SdkBody::from(body));
        if let Some(code) = header {
            answer.headers_mut().insert("x-amzn-ErrorType", code);
        }
        answer
    }

    #[test]
    fn code_and_words_are_found_where_each_protocol_puts_them() {
        let table = [
            (None, r#"{"__type":"com.amazonaws.ecs#ClientException","message":"no"}"#, "ClientException", "no"),
            (None, r#"{"__type":"ServerException","Message":"no"}"#, "ServerException", "no"),
            (Some("ResourceNotFoundException:http://internal/coral/"), r#"{"Message":"no"}"#, "ResourceNotFoundException", "no"),
            (None, r#"{"__type":"a.b#XException:http://u/#y","message":"no"}"#, "XException", "no"),
            (Some("A"), r#"{"__type":"B"}"#, "A", ""),
            (Some(""), r#"{"__type":"B"}"#, "B", ""),
            (None, "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>no</Message></Error></ErrorResponse>", "NoSuchEntity", "no"),
            (None, "<Response><Errors><Error><Code>A.NotFound</Code></Error></Errors></Response>", "A.NotFound", ""),
            (None, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>", "AccessDenied", "no"),
            (None, "<html>Bad Gateway</html>", "", ""),
            (None, "not even this", "", ""),
            (None, "", "", ""),
            (None, "[1]", "", ""),
        ];
        for (header, body, code, text) in table {
            let refusal = refusal(&answered(header, body), Bodies::Plain);
            assert_eq!((refusal.code().unwrap_or_default(), refusal.message().unwrap_or_default()), (code, text), "{body}");
        }
    }

    #[test]
    fn of_a_secret_only_words_that_cannot_repeat_it_are_kept() {
        let words = |body| refusal(&answered(None, body), Bodies::Secret).message().map(str::to_owned);
        assert_eq!(words(r#"{"__type":"ResourceNotFoundException","message":"can't find it"}"#).as_deref(), Some("can't find it"));
        assert_eq!(words(r#"{"__type":"ValidationException","message":"value 'hunter2' is too short"}"#), None);
        assert!(!words("hunter2").unwrap().contains("hunter2"));
        let unread = json(&answered(None, "{\"SecretString\":\"hunter2\""), Bodies::Secret).unwrap_err().to_string();
        assert!(unread.contains("25 bytes") && !unread.contains("hunter2"), "{unread}");
        let unread = xml(&answered(None, "<a><hunter2></a>"), Bodies::Secret).unwrap_err().to_string();
        assert!(!unread.contains("hunter2"), "{unread}");
    }
}
