//! Commands to the function: handed over, waited for, and told what became of them.
//!
//! What the function answers is words; what counts is what the ledger says afterwards. The command carries the time at which
//! it was typed, so that a repeated delivery is one release.

use anyhow::anyhow;
use jiff::Timestamp;
use nightshift_aws::FunctionAnswer;
use nightshift_core::ledger::ServiceKey;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::release::ports::ReleaseLedger;
use nightshift_core::release::{Book, Progress, Release, ReleaseId, Scope, StartedBy};
use nightshift_core::signal::{ReleaseCommand, ReleaseVerb};
use serde_json::Value;

use super::show::how_to_follow;
use crate::args::FunctionArgs;
use crate::aws;
use crate::books::CommandTaker;
use crate::exit::Exit;
use crate::trouble::{Usage, sentence};
use crate::world::World;

/// A command on its way.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// The service.
    pub key: &'a ServiceKey,
    /// Who says so.
    pub by: &'a str,
    /// What.
    pub verb: &'a ReleaseVerb,
    /// The function that deploys.
    pub function: &'a str,
}

impl Sent<'_> {
    fn command(&self, at: Timestamp) -> ReleaseCommand {
        let (system, service) = (self.key.system.to_string(), self.key.service.to_string());
        ReleaseCommand { system, service, by: self.by.to_owned(), at: Some(at), verb: self.verb.clone() }
    }

    /// The release that this command began, or was about.
    fn release<'b>(&self, book: &'b Book, at: Timestamp) -> Option<&'b Release> {
        let mut all = book.releases();
        match self.verb {
            ReleaseVerb::Deploy { .. } => {
                let is_ours =
                    |release: &&Release| release.ordered_at == at && matches!(&release.started_by, StartedBy::Hand { by } if by == self.by);
                all.find(is_ours)
            }
            ReleaseVerb::Abort { release, .. } | ReleaseVerb::Rollback { release, .. } => {
                release.as_ref().and_then(|id| book.release(&ReleaseId::from_text(id)))
            }
            ReleaseVerb::Answered => None,
        }
    }

    /// Whether the ledger shows that the command took effect.
    fn is_heeded(&self, release: &Release) -> bool {
        match self.verb {
            ReleaseVerb::Deploy { .. } | ReleaseVerb::Answered => true,
            ReleaseVerb::Abort { .. } => release.unwind.is_some() || release.end.is_some(),
            ReleaseVerb::Rollback { .. } => release.unwind.as_ref().is_some_and(|unwind| unwind.scope == Scope::Everything),
        }
    }
}

/// The function's name, or what to give.
pub(super) fn function(args: &FunctionArgs, world: &World<'_>) -> Result<String, Usage> {
    let missing =
        "which function deploys? give --function or NIGHTSHIFT_DEPLOY_FUNCTION the output DeployFunctionName of Nightshift's stack";
    aws::deploy_function(args, world).ok_or_else(|| Usage(missing.to_owned()))
}

/// Hands a command over and tells what became of it; the release is given back where there is one now.
pub async fn send(
    taker: &impl CommandTaker,
    ledger: &impl ReleaseLedger,
    sent: &Sent<'_>,
    world: &mut World<'_>,
) -> anyhow::Result<(Exit, Option<ReleaseId>)> {
    let answered = taker.command(sent.function, &sent.command(world.now).to_input()).await.map_err(|error| not_taken(&error, sent))?;
    let answer = match answered {
        FunctionAnswer::Returned(answer) => answer,
        FunctionAnswer::Failed { code, message } => return Err(failed(&code, &message, sent)),
    };
    for line in in_words(&answer, sent.key) {
        world.say(line);
    }
    match ledger.read_book(sent.key).await {
        Ok(view) => Ok(tell(sent, &view.book, world)),
        Err(error) => {
            world.complain(format!("what the ledger says now could not be read: {}", sentence(&error)));
            Ok((Exit::Problems, None))
        }
    }
}

fn tell(sent: &Sent<'_>, book: &Book, world: &mut World<'_>) -> (Exit, Option<ReleaseId>) {
    let Some(release) = sent.release(book, world.now).filter(|release| sent.is_heeded(release)) else {
        world.complain(match sent.verb {
            ReleaseVerb::Deploy { .. } => format!("no release of {} was begun", sent.key),
            _ => format!("nothing is changed; see what there is with: nightshift release list {}", sent.key),
        });
        return (Exit::Problems, None);
    };
    let progress = Progress::of(release);
    let is_next = book.is_waiting_for_its_turn(&release.id);
    let state = if is_next { "waiting for its turn".to_owned() } else { progress.phrase(release) };
    world.say(format!("release {} of {}: {}, {state}", release.id, sent.key, release.name()));
    if let Progress::Ended(end) = &progress {
        world.say(format!("  {}", end.why));
        world.say(format!("see what happened: nightshift release show {} {}", sent.key, release.id));
        let is_deploy = matches!(sent.verb, ReleaseVerb::Deploy { .. });
        return (if is_deploy { Exit::Problems } else { Exit::Fine }, Some(release.id.clone()));
    }
    world.say(how_to_follow(sent.key, &release.id));
    (Exit::Fine, Some(release.id.clone()))
}

/// The function's answer as lines: what was decided and why. Answers for several services have them under `outcomes`.
fn in_words(answer: &Value, key: &ServiceKey) -> Vec<String> {
    let is_ours = |one: &&Value| text(one, "system") == Some(key.system.as_str()) && text(one, "service") == Some(key.service.as_str());
    let outcomes = answer.get("outcomes").and_then(Value::as_array);
    let own = outcomes.and_then(|outcomes| outcomes.iter().find(is_ours)).unwrap_or(answer);
    let reason = text(own, "reason").map(|reason| format!(" ({reason})")).unwrap_or_default();
    let mut lines = match (text(own, "decision"), text(own, "text")) {
        (Some(decision), Some(words)) => vec![format!("{decision}{reason}: {words}")],
        (Some(decision), None) => vec![format!("{decision}{reason}")],
        (None, _) => vec![format!("the function answered: {own}")],
    };
    if text(own, "mode") == Some("observe") {
        lines.push("the function is in mode observe: it notes the release and changes nothing that runs".to_owned());
    }
    lines
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn not_taken(error: &PortError, sent: &Sent<'_>) -> anyhow::Error {
    let (function, key) = (sent.function, sent.key);
    match error.kind {
        PortErrorKind::NotFound => anyhow!(
            "there is no function {function} in this account and region; give --function or NIGHTSHIFT_DEPLOY_FUNCTION the stack's output \
             DeployFunctionName, and AWS_REGION the stack's region"
        ),
        PortErrorKind::Unavailable => anyhow!(
            "{}; the function may have taken the command all the same: look with `nightshift release list {key}` before you repeat it",
            sentence(error)
        ),
        _ => anyhow!(sentence(error)),
    }
}

fn failed(code: &str, message: &str, sent: &Sent<'_>) -> anyhow::Error {
    let code = if code.is_empty() { String::new() } else { format!("{code}: ") };
    anyhow!(
        "the function {} failed: {code}{message}; its log says more, and docs/operations.md what to do; look at what there is with \
         `nightshift release list {}` before you repeat the command",
        sent.function,
        sent.key
    )
}
