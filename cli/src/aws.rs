//! AWS for the commands: the SDK configured for somebody who waits at a terminal, and the adapters behind our seams.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use anyhow::{Context, anyhow};
use aws_types::SdkConfig;
use jiff::Timestamp;
use nightshift_aws::{CallLimits, CloudWatch, DynamoLedger, FunctionAnswer, Functions, HistoryQuery, Keep, ManagedSecrets, RotationSetup};
use nightshift_core::alarms::{ALARM_PREFIX, AlarmDefinition};
use nightshift_core::ledger::{BoundsOverride, HistoryEntry, Pause, ServiceKey};
use nightshift_core::ports::{PortError, PortResult};
use nightshift_core::rotation::SecretNow;
use serde_json::Value;

use crate::args::{AwsArgs, FunctionArgs, LedgerArgs};
use crate::books::{AlarmBook, CommandTaker, HistoryBook, OverrideBook, PauseBook, RotationDesk, SecretBook};
use crate::trouble::{Usage, ledger_failed};
use crate::world::World;

/// For one call that somebody waits for.
pub(crate) const ONE_CALL: CallLimits = CallLimits {
    connect: Duration::from_secs(3),
    attempt: Duration::from_secs(10),
    operation: Duration::from_secs(30),
    attempts: 3,
    first_backoff: Duration::from_millis(250),
};

/// For hundreds of calls in a row, which are sure to be throttled: CloudWatch takes three PutMetricAlarm a second (CloudWatch
/// service quotas).
pub(crate) const MANY_CALLS: CallLimits = CallLimits { operation: Duration::from_secs(120), attempts: 10, ..ONE_CALL };

/// For a function that is waited for: it may work for a minute (template.yaml). What it is told may be told
/// twice, so a lost answer is asked for again.
pub(crate) const FUNCTION_CALL: CallLimits =
    CallLimits { attempt: Duration::from_secs(75), operation: Duration::from_secs(180), attempts: 2, ..ONE_CALL };

/// For a function that waits itself, for databases and for what Secrets Manager does not show yet, some minutes if need be. It
/// goes on from what is there, so that it may be told twice, too.
pub(crate) const ROTATION_CALL: CallLimits =
    CallLimits { attempt: Duration::from_secs(320), operation: Duration::from_secs(650), attempts: 2, ..ONE_CALL };

/// The SDK's configuration from the environment, `--region` before all.
pub(crate) fn sdk(aws: &AwsArgs, limits: CallLimits, world: &World<'_>) -> anyhow::Result<SdkConfig> {
    let lookup = |name: &str| match (name, &aws.region) {
        ("AWS_REGION", Some(region)) => Some(region.clone()),
        _ => world.variable(name),
    };
    nightshift_aws::sdk_config_with(lookup, limits).map_err(|error| anyhow!(error))
}

/// The configuration's region; there is always one, since the configuration is refused without.
pub(crate) fn region_of(config: &SdkConfig) -> String {
    config.region().map(ToString::to_string).unwrap_or_default()
}

/// Runs a command's calls.
pub(crate) fn block_on<T>(calls: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.context("the asynchronous runtime could not be started")?.block_on(calls))
}

/// The ledger, with its table's name for messages.
pub(crate) struct OpenLedger {
    pub dynamo: DynamoLedger,
    /// The region that it is in.
    pub region: String,
    table: String,
}

impl OpenLedger {
    pub(crate) fn open(args: &LedgerArgs, world: &World<'_>) -> anyhow::Result<Self> {
        let table = table(args, world)?;
        let config = sdk(&args.aws, ONE_CALL, world)?;
        Ok(Self { dynamo: DynamoLedger::new(&config, &table, Keep::default()), region: region_of(&config), table })
    }

    pub(crate) fn failed(&self, error: &PortError) -> anyhow::Error {
        ledger_failed(error, &self.table)
    }

    /// An error of a command that works on the ledger: one of the ledger's own is explained.
    pub(crate) fn explained(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast::<PortError>() {
            Ok(of_ledger) => self.failed(&of_ledger),
            Err(other) => other,
        }
    }
}

/// A question to the ledger whose answer is no where it cannot be asked.
pub(crate) fn ask_ledger<A: Future<Output = bool>>(args: &LedgerArgs, world: &World<'_>, ask: impl FnOnce(DynamoLedger) -> A) -> bool {
    OpenLedger::open(args, world).is_ok_and(|ledger| block_on(ask(ledger.dynamo)).unwrap_or(false))
}

/// The ledger's table, from the option or the environment.
pub(crate) fn table(args: &LedgerArgs, world: &World<'_>) -> anyhow::Result<String> {
    let given = args.table.clone().or_else(|| world.variable("NIGHTSHIFT_TABLE"));
    let missing = "which table is the ledger? give --table or NIGHTSHIFT_TABLE the output LedgerTableName of Nightshift's stack";
    given.ok_or_else(|| Usage(missing.to_owned()).into())
}

/// The function that deploys, from the option or the environment.
pub(crate) fn deploy_function(args: &FunctionArgs, world: &World<'_>) -> Option<String> {
    args.function.clone().or_else(|| world.variable("NIGHTSHIFT_DEPLOY_FUNCTION"))
}

pub(crate) fn alarm_book(config: &SdkConfig) -> CloudWatch {
    CloudWatch::new(config)
}

impl AlarmBook for CloudWatch {
    async fn find(&self) -> PortResult<Vec<AlarmDefinition>> {
        self.find_alarms(ALARM_PREFIX).await
    }

    async fn put(&self, alarm: &AlarmDefinition) -> PortResult<()> {
        self.put_alarm(alarm).await
    }

    async fn delete(&self, names: &[String]) -> PortResult<()> {
        self.delete_alarms(names).await
    }
}

impl PauseBook for DynamoLedger {
    async fn put_pause(&self, pause: &Pause) -> PortResult<()> {
        self.put_pause(pause).await
    }

    async fn remove_pause(&self, scope: &str) -> PortResult<Option<Pause>> {
        self.remove_pause(scope).await
    }

    async fn pauses(&self) -> PortResult<Vec<Pause>> {
        self.pauses().await
    }
}

impl OverrideBook for DynamoLedger {
    async fn put_override(&self, key: &ServiceKey, bounds: &BoundsOverride) -> PortResult<()> {
        self.put_override(key, bounds).await
    }

    async fn remove_override(&self, key: &ServiceKey) -> PortResult<Option<BoundsOverride>> {
        self.remove_override(key).await
    }

    async fn overrides(&self) -> PortResult<Vec<(ServiceKey, BoundsOverride)>> {
        self.overrides().await
    }
}

impl HistoryBook for DynamoLedger {
    async fn entries(&self, key: &ServiceKey, since: Timestamp, most: usize) -> PortResult<Vec<HistoryEntry>> {
        self.history(key, HistoryQuery { since: Some(since), until: None, most: Some(most) }).await
    }
}

impl CommandTaker for Functions {
    async fn command(&self, function: &str, input: &Value) -> PortResult<FunctionAnswer> {
        self.call_now(function, input).await
    }
}

impl SecretBook for ManagedSecrets {
    async fn secret_and_setup(&self, secret: &str) -> PortResult<(SecretNow, Option<RotationSetup>)> {
        self.secret_and_setup(secret).await
    }

    async fn versions_made_at(&self, secret: &str) -> PortResult<BTreeMap<String, Timestamp>> {
        self.versions_made_at(secret).await
    }
}

impl RotationDesk for ManagedSecrets {
    async fn set_rotation(&self, secret: &str, setup: &RotationSetup, token: &str) -> PortResult<()> {
        self.set_rotation(secret, setup, token).await
    }

    async fn stop_rotation(&self, secret: &str) -> PortResult<()> {
        self.stop_rotation(secret).await
    }
}
