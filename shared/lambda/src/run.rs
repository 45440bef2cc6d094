//! The one way into Lambda's runtime loop.

use std::future::Future;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

use crate::error::HandlerError;
use crate::invocation::Invocation;

/// A function's handler: built once, called for each event.
pub trait Handler {
    /// Handles one event.
    fn handle(&self, invocation: Invocation, event: Value) -> impl Future<Output = Result<Value, HandlerError>>;
}

/// Serves invocations until Lambda ends the process. A handler that could not be built answers each event with the reason,
/// so that events go to the failure queue instead of being lost with a process that never starts.
pub async fn run<H: Handler>(start: Result<H, HandlerError>) -> Result<(), Error> {
    let start = &start;
    let serve = |event: LambdaEvent<Value>| async move {
        let handler = start.as_ref().map_err(HandlerError::clone)?;
        let invocation = Invocation::from_lambda(&event.context);
        let time = invocation.time_to_answer();
        if time.is_zero() {
            return Err(HandlerError::OutOfTime);
        }
        // Boxed: the futures of a whole invocation, nested as types, are deeper than the compiler's limit.
        let answer = tokio::time::timeout(time, Box::pin(handler.handle(invocation, event.payload))).await;
        answer.unwrap_or(Err(HandlerError::OutOfTime))
    };
    lambda_runtime::run(service_fn(serve)).await
}
