//! Lambda: handing an event to another function, with or without waiting for its answer, and where a function and its URL are.

use jiff::Timestamp;
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::approve::ports::{FunctionCaller, PageAddress};
use nightshift_core::rotation::ports::ReaderWaker;
use nightshift_core::signal::SecretSignal;
use serde_json::Value;

use crate::call::services::LAMBDA;
use crate::call::{AwsCaller, RestRequest};

const INVOKE_FUNCTION: &str = "lambda:InvokeFunction";
const GET_FUNCTION: &str = "lambda:GetFunctionConfiguration";
const GET_FUNCTION_URL: &str = "lambda:GetFunctionUrlConfig";

/// What Lambda answers to an event that it has taken into its queue (Lambda API reference, Invoke).
const ACCEPTED: u16 = 202;

/// What a function made of an event that somebody waited for.
#[derive(Clone, Debug, PartialEq)]
pub enum FunctionAnswer {
    /// It returned this.
    Returned(Value),
    /// It ended with an error, or was ended: by its time limit, or for want of memory.
    Failed {
        /// The error's type, such as `Nightshift.fleet_invalid`; empty where Lambda tells none.
        code: String,
        /// Its words.
        message: String,
    },
}

/// Lambda functions.
#[derive(Clone, Debug)]
pub struct Functions {
    caller: AwsCaller,
}

impl Functions {
    /// Called with `caller`.
    pub fn new(caller: AwsCaller) -> Self {
        Self { caller }
    }

    /// Hands an event to a function (its name or ARN) and waits for its answer. A lost answer is asked for again, so the event
    /// has to be one that may be delivered twice.
    pub async fn call_now(&self, function: &str, event: &Value) -> PortResult<FunctionAnswer> {
        let request = RestRequest::new("POST", &["2015-03-31", "functions", function, "invocations"]);
        let request = request.with_header("x-amz-invocation-type", "RequestResponse").with_json(event);
        let answer = self.caller.rest(&LAMBDA, INVOKE_FUNCTION, request).await?;
        let told = answer.json()?;
        // A function's own error comes with status 200 and this header (Lambda API reference, Invoke).
        if answer.header("x-amz-function-error").is_none() {
            return Ok(FunctionAnswer::Returned(told));
        }
        let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(FunctionAnswer::Failed { code: text("errorType"), message: text("errorMessage") })
    }

    /// The function's ARN, by its name.
    pub async fn function_arn(&self, function: &str) -> PortResult<String> {
        let request = RestRequest::new("GET", &["2015-03-31", "functions", function, "configuration"]);
        let answer = self.caller.rest(&LAMBDA, GET_FUNCTION, request).await?.json()?;
        let arn = answer.get("FunctionArn").and_then(Value::as_str);
        let unsaid = || PortError::new(PortErrorKind::Unavailable, GET_FUNCTION, "the answer has no FunctionArn");
        arn.map(str::to_owned).ok_or_else(unsaid)
    }
}

impl FunctionCaller for Functions {
    async fn call_later(&self, function: &str, event: &Value) -> PortResult<()> {
        let request = RestRequest::new("POST", &["2015-03-31", "functions", function, "invocations"]);
        let request = request.with_header("x-amz-invocation-type", "Event").with_json(event);
        let answer = self.caller.rest(&LAMBDA, INVOKE_FUNCTION, request).await?;
        match answer.status {
            ACCEPTED => Ok(()),
            other => {
                let words = format!("HTTP {other} in place of {ACCEPTED}: the event may not have been taken");
                Err(PortError::new(PortErrorKind::Unavailable, INVOKE_FUNCTION, words))
            }
        }
    }
}

impl PageAddress for Functions {
    async fn page_url(&self, function: &str) -> PortResult<String> {
        let request = RestRequest::new("GET", &["2021-10-31", "functions", function, "url"]);
        let answer = self.caller.rest(&LAMBDA, GET_FUNCTION_URL, request).await?.json()?;
        let url = answer.get("FunctionUrl").and_then(Value::as_str);
        let unsaid = || PortError::new(PortErrorKind::Unavailable, GET_FUNCTION_URL, "the answer has no FunctionUrl");
        url.map(str::to_owned).ok_or_else(unsaid)
    }
}

/// The function that starts readers anew, told of a secret's new version without waiting for it.
#[derive(Clone, Debug)]
pub struct ReleaseReaders {
    functions: Functions,
    deploy_function: String,
}

impl ReleaseReaders {
    /// Tells the function `deploy_function` (its name or ARN).
    pub fn new(functions: Functions, deploy_function: impl Into<String>) -> Self {
        Self { functions, deploy_function: deploy_function.into() }
    }
}

impl ReaderWaker for ReleaseReaders {
    async fn tell_readers(&self, secret: &str, version: &str, at: Timestamp) -> PortResult<()> {
        // The region is the one of the secret's ARN.
        let signal = SecretSignal { region: None, secret: secret.to_owned(), version: Some(version.to_owned()), at: Some(at) };
        self.functions.call_later(&self.deploy_function, &signal.to_input()).await
    }

    async fn start_readers_again(&self, secret: &str) -> PortResult<()> {
        // News without a version and a time are never old.
        let signal = SecretSignal { region: None, secret: secret.to_owned(), version: None, at: None };
        self.functions.call_later(&self.deploy_function, &signal.to_input()).await
    }
}
