//! Which secrets an event concerns.
//!
//! A step about a secret that no fleet file has is an error: Secrets Manager must not take silence for success.

use nightshift_core::fleet::{Fleet, Fleets, ManagedSecret, SecretName};
use nightshift_core::rotation::{Ending, Instruction, Request, SecretPolicy, StepEvent, StepProblem, Stop, Why};
use nightshift_lambda::{Config, HandlerError};
use serde_json::{Value, json};

/// One secret to look at.
pub(crate) struct Call<'a> {
    pub fleet: &'a Fleet,
    pub name: &'a SecretName,
    pub secret: &'a ManagedSecret,
    pub policy: SecretPolicy<'a>,
    /// How Secrets Manager is asked for it: by the ARN that it told us, else by name.
    pub id: String,
    pub request: Request,
}

/// What an event asks for.
pub(crate) enum Wakes<'a> {
    /// A step that somebody waits for.
    Step(Call<'a>),
    /// Looks of our own.
    Looks(Vec<Call<'a>>),
    /// Nothing of ours; the answer.
    Ignored(Value),
}

pub(crate) fn read<'a>(event: &Value, fleets: &'a Fleets, config: &Config) -> Result<Wakes<'a>, HandlerError> {
    let here = || fleets.iter().filter(|fleet| fleet.regions.contains(&config.region));
    match (Instruction::read(event), StepEvent::read(event)) {
        (Some(Instruction::Sweep), _) => {
            let all = here().flat_map(|fleet| fleet.secrets.iter().map(move |(name, secret)| (fleet, name, secret)));
            let sweep = |(fleet, name, secret)| Call::new(fleet, name, secret, config, Request::Carry { why: Why::Sweep });
            Ok(Wakes::Looks(all.map(sweep).collect()))
        }
        (Some(Instruction::Look { system, secret, is_asked }), _) => {
            let why = if is_asked { Why::Asked } else { Why::Arranged };
            let found = here().find(|fleet| fleet.system.as_str() == system);
            match found.and_then(|fleet| fleet.secrets.get_key_value(secret.as_str()).map(|(name, secret)| (fleet, name, secret))) {
                Some((fleet, name, secret)) => Ok(Wakes::Looks(vec![Call::new(fleet, name, secret, config, Request::Carry { why })])),
                None => Ok(ignored("secret_unknown", &Stop::SecretUnknown { secret: format!("{system}/{secret}") }.to_string())),
            }
        }
        (None, Ok(step)) => match fleets.secret(&step.secret, &config.region) {
            Some((fleet, name, secret)) => {
                let id = step.secret.clone();
                Ok(Wakes::Step(Call { id, ..Call::new(fleet, name, secret, config, Request::Step(step)) }))
            }
            None => Err(refused_step(&step)),
        },
        (None, Err(StepProblem::NotAStep)) => Ok(ignored(
            "not_for_rotate",
            "this is neither a step of a rotation nor an instruction for this function. Narrow the rule that sends it here.",
        )),
        // It names a step, so somebody waits for an answer that is no success.
        (None, Err(problem)) => Err(HandlerError::Rotation {
            secret: event.get("SecretId").and_then(Value::as_str).unwrap_or("?").chars().take(200).collect(),
            step: "the step",
            code: "step_unreadable",
            why: problem.to_string(),
            goes_on: false,
        }),
    }
}

fn refused_step(step: &StepEvent) -> HandlerError {
    let ending = Ending::Stop(Stop::SecretUnknown { secret: step.secret.clone() });
    let (code, why) = (ending.code(), ending.to_string());
    HandlerError::Rotation { secret: step.secret.clone(), step: step.step.as_str(), code, why, goes_on: false }
}

fn ignored(code: &str, text: &str) -> Wakes<'static> {
    Wakes::Ignored(json!({ "decision": "hold", "reason": code, "text": text, "steps": [], "plan_id": null }))
}

impl<'a> Call<'a> {
    fn new(fleet: &'a Fleet, name: &'a SecretName, secret: &'a ManagedSecret, config: &Config, request: Request) -> Self {
        let is_home = fleet.regions.first() == Some(&config.region);
        let policy = SecretPolicy { system: &fleet.system, name, secret, mode: config.mode, is_home };
        Self { fleet, name, secret, policy, id: name.to_string(), request }
    }
}
