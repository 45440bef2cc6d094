//! One invocation: which, until when, and what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// Calls to AWS have ended so long before Lambda ends the invocation: what is left is for the answer, and for Lambda to take it.
const CALLS_END_BEFORE: Duration = Duration::from_millis(900);
/// The answer is given so long before, whatever is still under way.
const ANSWERS_BEFORE: Duration = Duration::from_millis(600);

/// What a handler knows of the invocation it is in.
pub struct Invocation {
    /// Lambda's request id; the owner token of leases.
    pub request_id: String,
    /// The function's own ARN, for arranging later calls of itself.
    pub function_arn: String,
    /// When Lambda ends the invocation.
    pub deadline: Timestamp,
    clock: Box<dyn Fn() -> Timestamp>,
}

impl Invocation {
    /// An invocation with a clock of its own, for tests and the CLI.
    pub fn new(request_id: String, function_arn: String, deadline: Timestamp, clock: impl Fn() -> Timestamp + 'static) -> Self {
        Self { request_id, function_arn, deadline, clock: Box::new(clock) }
    }

    /// The invocation that Lambda tells of.
    pub fn from_lambda(context: &lambda_runtime::Context) -> Self {
        let deadline = i64::try_from(context.deadline).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
        Self::new(context.request_id.clone(), context.invoked_function_arn.clone(), deadline.unwrap_or(Timestamp::MAX), system_time)
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// How long Lambda lets the invocation go on.
    pub fn time_left(&self) -> Duration {
        Duration::try_from(self.deadline.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }

    /// How long calls to AWS may still take.
    pub fn time_for_calls(&self) -> Duration {
        self.time_left().saturating_sub(CALLS_END_BEFORE)
    }

    /// When an answer has to be given.
    pub(crate) fn time_to_answer(&self) -> Duration {
        self.time_left().saturating_sub(ANSWERS_BEFORE)
    }
}

fn system_time() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::try_from(SystemTime::UNIX_EPOCH + since_epoch).unwrap_or(Timestamp::UNIX_EPOCH)
}
