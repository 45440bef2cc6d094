//! The function that rotates, asked to go on with one secret, waited for, and told of in words.
//!
//! Its answer has facts, codes and names in it. The event may be delivered twice: the function goes on from what is there.

use anyhow::anyhow;
use jiff::Timestamp;
use nightshift_aws::FunctionAnswer;
use nightshift_core::ports::{PortError, PortErrorKind};
use nightshift_core::rotation::Instruction;
use serde_json::Value;

use crate::args::{RotateFunctionArgs, SecretKey};
use crate::books::CommandTaker;
use crate::times::second;
use crate::trouble::{Usage, sentence};
use crate::world::World;

/// The function from the option or the environment.
pub(super) fn function(args: &RotateFunctionArgs, world: &World<'_>) -> Result<String, Usage> {
    let missing =
        "which function rotates? give --function or NIGHTSHIFT_ROTATE_FUNCTION the output RotateFunctionName of Nightshift's stack";
    let given = args.function.clone().or_else(|| world.variable("NIGHTSHIFT_ROTATE_FUNCTION"));
    given.ok_or_else(|| Usage(missing.to_owned()))
}

/// What the function made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It is done.
    Done,
    /// It goes on later, by itself.
    Waits,
    /// It does not go on before a person has done something.
    Stopped,
}

/// Has the function go on with a secret and tells what it answered.
pub(super) async fn go_on(taker: &impl CommandTaker, key: &SecretKey, function: &str, world: &mut World<'_>) -> anyhow::Result<Ended> {
    let input = Instruction::Look { system: key.system.to_string(), secret: key.secret.to_string(), is_asked: true }.to_input();
    let answer = match taker.command(function, &input).await {
        Ok(FunctionAnswer::Returned(answer)) => answer,
        Ok(FunctionAnswer::Failed { code, message }) => return Err(failed(&code, &message, key, function)),
        Err(error) => return Err(not_taken(&error, key, function)),
    };
    for line in in_words(&answer) {
        world.say(line);
    }
    Ok(match text(&answer, "ending") {
        Some("done") => Ended::Done,
        Some("waits") => Ended::Waits,
        // An answer without an ending is one about another secret, or none.
        _ => Ended::Stopped,
    })
}

fn in_words(answer: &Value) -> Vec<String> {
    let reason = text(answer, "reason").map(|reason| format!(" ({reason})")).unwrap_or_default();
    let mut lines = match (text(answer, "decision"), text(answer, "text")) {
        (Some(decision), Some(words)) => vec![format!("{decision}{reason}: {words}")],
        (Some(decision), None) => vec![format!("{decision}{reason}")],
        (None, _) => vec!["the function answered something that is not understood; its log says more".to_owned()],
    };
    let list = |name: &str| answer.get(name).and_then(Value::as_array).into_iter().flatten();
    lines.extend(list("steps").filter_map(Value::as_str).map(|step| format!("  {step}")));
    if let Some(at) = text(answer, "look_again_at").and_then(|at| at.parse::<Timestamp>().ok()) {
        lines.push(format!("  it looks again by itself at {}", second(at)));
    }
    let errors = list("errors").filter_map(|error| serde_json::from_value::<PortError>(error.clone()).ok());
    lines.extend(errors.map(|error| format!("  this failed beside it: {error}")));
    if text(answer, "mode") == Some("observe") {
        lines.push("the function is in mode observe: it changes no secret; deploy the stack with Mode=act".to_owned());
    }
    lines
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn not_taken(error: &PortError, key: &SecretKey, function: &str) -> anyhow::Error {
    match error.kind {
        PortErrorKind::NotFound => anyhow!(
            "there is no function {function} in this account and region; give --function or NIGHTSHIFT_ROTATE_FUNCTION the stack's output \
             RotateFunctionName, and AWS_REGION the stack's region"
        ),
        PortErrorKind::Unavailable => anyhow!(
            "{}; the function may be at work all the same: look with `nightshift secrets {}` before you repeat it",
            sentence(error),
            key.system
        ),
        _ => anyhow!(sentence(error)),
    }
}

fn failed(code: &str, message: &str, key: &SecretKey, function: &str) -> anyhow::Error {
    let code = if code.is_empty() { String::new() } else { format!("{code}: ") };
    anyhow!(
        "the function {function} failed: {code}{message}; its log says more, and docs/operations.md what to do; look with \
         `nightshift secrets {}` before you repeat the command",
        key.system
    )
}
