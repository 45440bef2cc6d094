//! The two messages that each approver gets: one with the facts and the link, one with the code and nothing else.
//!
//! Neither message ever contains what the other one is for: who reads, forwards or scans one of them cannot answer.

use serde_json::{Value, json};

use super::question::day_and_time;
use super::{About, ApprovalKey, Claims, Question};
use crate::notice::Message;

/// The two messages to one approver, the one with the link first. `page` is the address of the `approve` function.
pub fn question_mails(key: &ApprovalKey, page: &str, claims: &Claims, question: &Question) -> [Message; 2] {
    let link = format!("{}/?t={}", page.trim_end_matches('/'), key.token(claims));
    [with_link(&link, claims, question), with_code(&key.code(claims), claims, question)]
}

fn with_link(link: &str, claims: &Claims, question: &Question) -> Message {
    let Question { subject, headline, .. } = question;
    let subject = format!("{subject}: {headline}?");
    let text = format!(
        "{}, your answer is asked for.\n\n{headline}?\n\n{}\n\nAnswer here, until {}:\n{link}\n\nOpening the page changes nothing. \
         It asks for a code, which comes in a mail of its own.\nThe link is yours: do not pass it on.",
        claims.approver,
        question.text(),
        day_and_time(claims.expires_at),
    );
    let sms = format!("{subject} {link}");
    let machine = with_fields(machine(claims, question, "approval"), json!({ "link": link, "text": question.text() }));
    message(&subject, &text, &sms, &machine, claims, "approval")
}

fn with_code(code: &str, claims: &Claims, question: &Question) -> Message {
    let Question { subject, headline, .. } = question;
    let text = format!(
        "{}, this is your code for: {headline}.\n\n    {code}\n\nType it on the page whose link came in another mail. It is good \
         until {}.\nIf you do not expect it, do nothing: nothing happens without it.",
        claims.approver,
        day_and_time(claims.expires_at),
    );
    let sms = format!("{code} is your code for {subject}: {headline}");
    let machine = with_fields(machine(claims, question, "approval_code"), json!({ "code": code }));
    message(&format!("Code for {subject}: {headline}"), &text, &sms, &machine, claims, "approval_code")
}

fn message(subject: &str, text: &str, sms: &str, machine: &Value, claims: &Claims, kind: &str) -> Message {
    let (system, service) = subjects(claims);
    let attributes = vec![
        ("system", system),
        ("service", service),
        ("severity", "info".to_owned()),
        ("kind", kind.to_owned()),
        ("approver", claims.approver.to_string()),
    ];
    Message::for_everybody(subject, text, sms, machine, attributes)
}

/// What stands in the attributes `system` and `service`.
fn subjects(claims: &Claims) -> (String, String) {
    match &claims.about {
        About::Release { key, .. } => (key.system.to_string(), key.service.to_string()),
        About::Pipeline { system, pipeline, .. } => (system.to_string(), pipeline.clone()),
    }
}

fn machine(claims: &Claims, question: &Question, kind: &str) -> Value {
    let own = match &claims.about {
        About::Release { release, digest, stage, .. } => json!({ "release": release, "digest": digest, "stage": stage }),
        About::Pipeline { pipeline, .. } => json!({ "pipeline": pipeline }),
    };
    let (system, service) = subjects(claims);
    let common = json!({
        "nightshift": 1,
        "kind": kind,
        "severity": "info",
        "system": system,
        "service": service,
        "headline": question.headline,
        "approver": claims.approver,
        "expires_at": claims.expires_at,
    });
    with_fields(common, own)
}

fn with_fields(mut value: Value, more: Value) -> Value {
    if let (Some(fields), Value::Object(more)) = (value.as_object_mut(), more) {
        fields.extend(more);
    }
    value
}
