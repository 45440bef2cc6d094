//! What reaches the Lambda runtime when an invocation fails: a stable code, a class, and words that say what to do.

use lambda_runtime::Diagnostic;
use thiserror::Error;

/// What should happen with a failed event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// Lambda's own retry may mend it.
    Retry,
    /// The same event will fail again; it goes to the failure queue.
    DoNotRetry,
    /// A person has to do something first.
    PagePerson,
}

impl ErrorClass {
    /// The class in one word, as in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::DoNotRetry => "do_not_retry",
            Self::PagePerson => "page_person",
        }
    }
}

/// A failed invocation. The codes are entries of docs/operations.md.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HandlerError {
    /// The environment or the fleet files cannot be used.
    #[error("{message}")]
    Configuration {
        /// `config_invalid` or `fleet_invalid`.
        code: &'static str,
        /// What is wrong, and what to write instead.
        message: String,
    },
    /// Services were left unfinished and no later look could be arranged.
    #[error("{services} could not be finished and no later look could be arranged: {cause}")]
    NotArranged {
        /// Which services.
        services: String,
        /// The first error.
        cause: String,
    },
    /// AWS refused for good, on these services.
    #[error("{services}: {cause}; grant what is missing or correct the fleet file, then redrive the failure queue")]
    Refused {
        /// Which services.
        services: String,
        /// The first error.
        cause: String,
    },
    /// The invocation was as good as over.
    #[error("there was no time left in this invocation; what was begun shows in the estate, and the next try goes on from there")]
    OutOfTime,
    /// A step of a rotation is not done. Secrets Manager must not go on to the next one, and takes nothing but an error for a no.
    #[error("{secret}: {step} is not done: {why}")]
    Rotation {
        /// The secret's name, or its ARN where no fleet file has it.
        secret: String,
        /// The step.
        step: &'static str,
        /// The code of the ending.
        code: &'static str,
        /// In words, with what to do.
        why: String,
        /// Whether it goes on by itself.
        goes_on: bool,
    },
}

impl HandlerError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Configuration { code, .. } => code,
            Self::NotArranged { .. } => "recheck_not_arranged",
            Self::Refused { .. } => "refused_by_aws",
            Self::OutOfTime => "out_of_time",
            Self::Rotation { code, .. } => code,
        }
    }

    /// What should happen with the event.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Configuration { .. } | Self::Refused { .. } => ErrorClass::PagePerson,
            Self::NotArranged { .. } | Self::OutOfTime | Self::Rotation { goes_on: true, .. } => ErrorClass::Retry,
            Self::Rotation { goes_on: false, .. } => ErrorClass::PagePerson,
        }
    }
}

impl From<HandlerError> for Diagnostic {
    fn from(error: HandlerError) -> Self {
        Diagnostic { error_type: format!("Nightshift.{}", error.code()), error_message: error.to_string() }
    }
}
