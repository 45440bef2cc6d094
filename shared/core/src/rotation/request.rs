//! What woke the function: one of Secrets Manager's four steps, or a look of our own.
//!
//! Owns how a step's event is read, in both spellings of its name. Must never take an event for a step that it is not.

use std::fmt;

use serde_json::{Value, json};
use thiserror::Error;

/// One of the four steps (Secrets Manager user guide, "Lambda rotation functions").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepName {
    /// Make the new value.
    Create,
    /// Set it where it is used.
    Set,
    /// Try it.
    Test,
    /// Make it current.
    Finish,
}

impl StepName {
    /// The four, in their order.
    pub const ALL: [Self; 4] = [Self::Create, Self::Set, Self::Test, Self::Finish];

    /// The name that Secrets Manager sends.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }

    /// A step by its name: `createSecret` comes in practice, `create_secret` stands in a table of the user guide.
    fn named(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(|letter| *letter != '_').collect();
        Self::ALL.into_iter().find(|step| step.as_str().eq_ignore_ascii_case(&plain))
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A step as Secrets Manager asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepEvent {
    /// The step.
    pub step: StepName,
    /// The secret's ARN.
    pub secret: String,
    /// The version that is being made.
    pub token: String,
    /// Says where the request comes from; passed on with the new value where it is present.
    pub rotation_token: Option<String>,
}

/// Why an event is no step that can be taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StepProblem {
    /// It has none of a step's fields.
    #[error("this is no step of a rotation")]
    NotAStep,
    /// A field is missing or empty.
    #[error("the step lacks {field}; Secrets Manager sends Step, SecretId and ClientRequestToken")]
    Lacks {
        /// Which.
        field: &'static str,
    },
    /// The step's name is unknown.
    #[error("there is no step \"{name}\"; the steps are createSecret, setSecret, testSecret and finishSecret")]
    UnknownStep {
        /// The name, shortened.
        name: String,
    },
}

impl StepEvent {
    /// Reads an event.
    pub fn read(event: &Value) -> Result<Self, StepProblem> {
        let text = |field: &str| event.get(field).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        if ["Step", "SecretId", "ClientRequestToken"].iter().all(|field| event.get(field).is_none()) {
            return Err(StepProblem::NotAStep);
        }
        let needed = |field: &'static str| text(field).map(str::to_owned).ok_or(StepProblem::Lacks { field });
        let name = needed("Step")?;
        let step = StepName::named(&name).ok_or_else(|| StepProblem::UnknownStep { name: name.chars().take(40).collect() })?;
        let (secret, token) = (needed("SecretId")?, needed("ClientRequestToken")?);
        Ok(Self { step, secret, token, rotation_token: text("RotationToken").map(str::to_owned) })
    }
}

/// Why a secret is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Everything is looked at: a rotation that began just now is left to Secrets Manager.
    Sweep,
    /// The look was arranged.
    Arranged,
    /// A person asks: readers whose restart failed are started once more.
    Asked,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// One step, and no other.
    Step(StepEvent),
    /// Whatever is left to do: a rotation that was abandoned, a hand-over that has not ended, a key that grows old.
    Carry {
        /// Why it is looked at.
        why: Why,
    },
}

/// What an event of our own asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// A look at every secret of the fleet files.
    Sweep,
    /// A look at one secret.
    Look {
        /// Its system.
        system: String,
        /// Its name.
        secret: String,
        /// Whether a person asks for it: readers whose restart failed are then started once more.
        is_asked: bool,
    },
}

impl Instruction {
    /// Reads an event; none if it is no instruction for this function.
    pub fn read(event: &Value) -> Option<Self> {
        let text = |field: &str| event.get(field).and_then(Value::as_str).map(str::to_owned);
        match text("nightshift")?.as_str() {
            "secrets" => Some(Self::Sweep),
            "rotation" => {
                let is_asked = event.get("asked").and_then(Value::as_bool).unwrap_or_default();
                Some(Self::Look { system: text("system")?, secret: text("secret")?, is_asked })
            }
            _ => None,
        }
    }

    /// The event that asks for it.
    pub fn to_input(&self) -> Value {
        match self {
            Self::Sweep => json!({ "nightshift": "secrets" }),
            Self::Look { system, secret, is_asked: false } => json!({ "nightshift": "rotation", "system": system, "secret": secret }),
            Self::Look { system, secret, is_asked: true } => {
                json!({ "nightshift": "rotation", "system": system, "secret": secret, "asked": true })
            }
        }
    }
}
