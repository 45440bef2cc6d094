//! The `approve` function: shows a person what is to be released and takes the answer, behind a function URL.
//!
//! Opening a page changes nothing, whatever opens it: an answer is a POST with a code that stands in a mail of its own. What
//! an answer does is decided by `deploy`; here it is only written down, once, with who and when.

mod deps;
mod page;
mod pipeline;
mod record;
mod release;
mod reply;
mod request;
mod visit;

pub use deps::{ApproveConfig, AwsEstate, Deps, ENVIRONMENT, Estate, start};

use nightshift_core::release::approve::ports::KeyReader;
use nightshift_core::release::approve::{About, TokenError};
use nightshift_core::signal::{Signal, parse};
use nightshift_lambda::{HandlerError, Invocation, ignored_line};
use serde_json::{Value, json};

use crate::page::Notice;
use crate::record::Line;
use crate::reply::Reply;
use crate::request::{Method, Request};
use crate::visit::{Asks, Visit};

/// Handles a request of the function URL, or an event that carries a question of CodePipeline. A request is always answered
/// with a page; an event fails where Lambda's own retry may mend it.
pub async fn handle<E: Estate>(invocation: &Invocation, deps: &Deps<E>, event: &Value) -> Result<Value, HandlerError> {
    match Request::of(event) {
        Some(request) => Ok(serve(invocation, deps, &request).await.into_answer(request.method == Method::Head)),
        None => take_questions(invocation, deps, event).await,
    }
}

/// One request: the page, and one line in the log.
async fn serve<E: Estate>(invocation: &Invocation, deps: &Deps<E>, request: &Request) -> Reply {
    let began = invocation.now();
    let mut line = Line::new(request.method.word());
    let reply = answer(invocation, deps, request, &mut line).await;
    record::tell(&line.ended(&reply), &deps.function, began, invocation.now());
    reply
}

async fn answer<E: Estate>(invocation: &Invocation, deps: &Deps<E>, request: &Request, line: &mut Line) -> Reply {
    let asks = match Asks::of(request) {
        Ok(asks) => asks,
        Err(refused) => return refused,
    };
    let key = match deps.estate.keys().approval_key().await {
        Ok(key) => key,
        Err(error) => return line.failed(error),
    };
    let claims = match key.read(asks.token(), invocation.now()) {
        Ok(claims) => claims,
        Err(TokenError::Expired(claims)) => {
            line.concerns(&claims);
            return Reply::page(410, "expired", &Notice::expired_link(&claims));
        }
        Err(error) => return Reply::page(400, error.code(), &Notice::bad_link()),
    };
    line.concerns(&claims);
    let visit = Visit { now: invocation.now(), key: &key, claims: &claims, asks: &asks, from: request.source_ip.as_deref() };
    match &claims.about {
        About::Release { key, release, digest, stage } => {
            let asked = release::Subject { key, release, digest, stage };
            release::serve(deps, &visit, &asked, line).await
        }
        About::Pipeline { pipeline, question, .. } => pipeline::serve(deps, &visit, pipeline, question, line).await,
    }
}

/// Everything that is no request: questions of CodePipeline are put to people, the rest is told as ignored.
async fn take_questions<E: Estate>(invocation: &Invocation, deps: &Deps<E>, event: &Value) -> Result<Value, HandlerError> {
    let mut answers = Vec::new();
    for record in &parse(event).records {
        let taken = match &record.result {
            Ok(Signal::Pipeline(signal)) => pipeline::ask(invocation, deps, signal).await?,
            Ok(other) => held("not_ours", format!("{other} is for another function")),
            Err(ignored) => held(ignored.code(), format!("{ignored}. {}", ignored.remedy())),
        };
        answers.push(taken);
    }
    for answer in answers.iter().filter(|answer| answer.get("decision") == Some(&json!("hold"))) {
        record::print(&ignored_line(&deps.function, answer, invocation.now()));
    }
    let first = answers.first().cloned().unwrap_or_else(|| held("quiet", "there is nothing in the event".to_owned()));
    Ok(with_all(first, answers))
}

/// The answer for what nothing is done about.
pub(crate) fn held(reason: &str, text: String) -> Value {
    json!({ "decision": "hold", "reason": reason, "text": text, "steps": [], "plan_id": null })
}

fn with_all(mut first: Value, all: Vec<Value>) -> Value {
    if let Some(fields) = first.as_object_mut().filter(|_| all.len() > 1) {
        fields.insert("outcomes".into(), Value::Array(all));
    }
    first
}
