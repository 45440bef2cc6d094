//! EventBridge Scheduler: one-time schedules that call the same function again.
//!
//! Owns their names, which come from the service and the request's token, so that the same look is arranged once. Nothing
//! here recurs.

use std::fmt::Display;

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::BuildError;
use aws_sdk_scheduler::types::{ActionAfterCompletion, FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, Target};
use aws_types::SdkConfig;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use nightshift_core::fleet::{SecretName, SystemName};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult, RecheckRequest, RecheckScheduler};
use nightshift_core::release::front_end::{FrontEndKey, FrontEndTimer};
use nightshift_core::rotation::Instruction;
use nightshift_core::rotation::ports::RotationTimer;
use nightshift_core::signal::{FrontEndSignal, RecheckSignal};
use serde_json::Value;

use crate::error::port_error;

const CREATE_SCHEDULE: &str = "scheduler:CreateSchedule";

/// A look that is an hour late is worth nothing: by then the alarm or the calendar has called.
const OLDEST_SECONDS: i32 = 3_600;
const RETRIES: i32 = 3;

/// One-time schedules in one schedule group.
#[derive(Clone, Debug)]
pub struct OneTimeSchedules {
    client: Client,
    group: String,
    role_arn: String,
}

impl OneTimeSchedules {
    /// Schedules are made in `group`; they call the function in the role `role_arn`.
    pub fn new(config: &SdkConfig, group: impl Into<String>, role_arn: impl Into<String>) -> Self {
        Self { client: Client::new(config), group: group.into(), role_arn: role_arn.into() }
    }

    /// One call of `function_arn` with `input` at `due`, a whole second.
    async fn create(&self, name: String, due: Timestamp, input: &Value, function_arn: &str) -> PortResult<()> {
        let unbuilt = |error: BuildError| PortError::new(PortErrorKind::Denied, CREATE_SCHEDULE, error.to_string());
        let exactly_then = FlexibleTimeWindow::builder().mode(FlexibleTimeWindowMode::Off).build().map_err(unbuilt)?;
        let schedule = self
            .client
            .create_schedule()
            .group_name(&self.group)
            .client_token(&name)
            .name(name)
            .schedule_expression(format!("at({})", due.strftime("%Y-%m-%dT%H:%M:%S")))
            .schedule_expression_timezone("UTC")
            .flexible_time_window(exactly_then)
            .action_after_completion(ActionAfterCompletion::Delete)
            .target(self.target(function_arn, input).map_err(unbuilt)?);
        schedule.send().await.map(|_| ()).map_err(|error| port_error(CREATE_SCHEDULE, error))
    }

    fn target(&self, function_arn: &str, input: &Value) -> Result<Target, BuildError> {
        let retries = RetryPolicy::builder().maximum_event_age_in_seconds(OLDEST_SECONDS).maximum_retry_attempts(RETRIES);
        let target = Target::builder().arn(function_arn).role_arn(&self.role_arn).retry_policy(retries.build());
        target.input(input.to_string()).build()
    }
}

impl RecheckScheduler for OneTimeSchedules {
    async fn schedule(&self, request: &RecheckRequest, function_arn: &str) -> PortResult<()> {
        let due = whole_second(request.at);
        let name = schedule_name(&request.key.system, &request.key.service, &format!("{}#{}", request.key, request.token));
        self.create(name, due, &signal(request, due).to_input(), function_arn).await
    }
}

impl FrontEndTimer for OneTimeSchedules {
    async fn look_later(&self, key: &FrontEndKey, at: Timestamp, function_arn: &str) -> PortResult<()> {
        let due = whole_second(at);
        // A service may bear the same name, and be looked at in the same second.
        let name = schedule_name(&key.system, &key.name, &format!("front-end#{key}#{}", due.as_second()));
        let signal = FrontEndSignal { system: key.system.to_string(), front_end: key.name.to_string(), due: Some(due) };
        self.create(name, due, &signal.to_input(), function_arn).await
    }
}

impl RotationTimer for OneTimeSchedules {
    async fn look_at_secret(&self, system: &SystemName, secret: &SecretName, at: Timestamp, function_arn: &str) -> PortResult<()> {
        let due = whole_second(at);
        // A secret's name has characters that a schedule's may not have.
        let name = schedule_name(system, &"secret", &format!("secret#{system}#{secret}#{}", due.as_second()));
        let look = Instruction::Look { system: system.to_string(), secret: secret.to_string(), is_asked: false };
        self.create(name, due, &look.to_input(), function_arn).await
    }
}

fn signal(request: &RecheckRequest, due: Timestamp) -> RecheckSignal {
    RecheckSignal {
        system: request.key.system.to_string(),
        service: request.key.service.to_string(),
        attempt: request.attempt,
        due: Some(due),
        because: Some(request.because.clone()),
    }
}

/// Scheduler knows seconds; up, so that a cooldown is really over.
fn whole_second(at: Timestamp) -> Timestamp {
    at.round(TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Ceil)).unwrap_or(at)
}

/// At most 64 of `[0-9a-zA-Z-_.]`: system and service or front end as far as they fit, for people, and a digest of the whole
/// (`a-b/c` and `a/b-c` look alike).
fn schedule_name(system: &impl Display, name: &impl Display, whole: &str) -> String {
    let readable: String = format!("{system}-{name}").chars().take(40).collect();
    format!("{readable}-{:016x}", digest(whole))
}

/// FNV-1a, 64 bits: the same in every build, which the standard library's hasher does not promise.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_tells_services_and_tokens_apart() {
        let of = |system: &str, service: &str, token: &str| schedule_name(&system, &service, &format!("{system}/{service}#{token}"));
        let name = of("pizza", "api", "plan-1");
        assert!(name.starts_with("pizza-api-"), "{name}");
        assert_eq!(name, of("pizza", "api", "plan-1"));
        assert_ne!(name, of("pizza", "api", "plan-2"));
        assert_ne!(of("a-b", "c", "t"), of("a", "b-c", "t"));
        let longest = of(&"a".repeat(40), &"b".repeat(40), &"token".repeat(40));
        assert!(longest.len() <= 64, "{longest}");
    }

    #[test]
    fn the_second_is_rounded_up() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(whole_second(at("2026-11-20T03:10:00.001Z")), at("2026-11-20T03:10:01Z"));
        assert_eq!(whole_second(at("2026-11-20T03:10:01Z")), at("2026-11-20T03:10:01Z"));
    }
}
