//! What the function works with: configuration, fleet files, and the estate as ports.

use nightshift_core::fleet::Fleets;
use nightshift_core::ports::Messenger;
use nightshift_core::release::ports::{ReleaseLedger, TargetReader};
use nightshift_core::rotation::ports::{
    CacheClusters, KeyProbe, PostgresqlServer, ReaderWaker, RedisServer, RotationLedger, RotationTimer, SecretReader, SecretStages,
};
use nightshift_lambda::{Config, Handler, HandlerError, Invocation};
use serde_json::Value;

/// The environment variables that this function reads besides those of every function.
pub const ENVIRONMENT: &[&str] = &["NIGHTSHIFT_DEPLOY_FUNCTION"];

/// The estate, port by port. One type in production, one fake in tests.
pub trait Estate {
    /// Secrets Manager.
    type Secrets: SecretReader + SecretStages;
    /// PostgreSQL servers.
    type Postgresql: PostgresqlServer;
    /// Redis servers.
    type Redis: RedisServer;
    /// ElastiCache.
    type Clusters: CacheClusters;
    /// Issuers of keys.
    type Issuers: KeyProbe;
    /// What is remembered of rotations, and of the releases of readers.
    type Memory: RotationLedger + ReleaseLedger;
    /// What reads secrets.
    type Targets: TargetReader;
    /// Who starts readers anew.
    type Waker: ReaderWaker;
    /// Later looks.
    type Timer: RotationTimer;
    /// People and machines.
    type People: Messenger;

    /// Secrets Manager.
    fn secrets(&self) -> &Self::Secrets;
    /// PostgreSQL servers.
    fn postgresql(&self) -> &Self::Postgresql;
    /// Redis servers.
    fn redis(&self) -> &Self::Redis;
    /// ElastiCache.
    fn clusters(&self) -> &Self::Clusters;
    /// Issuers of keys.
    fn issuers(&self) -> &Self::Issuers;
    /// What is remembered.
    fn ledger(&self) -> &Self::Memory;
    /// What reads secrets.
    fn targets(&self) -> &Self::Targets;
    /// Who starts readers anew.
    fn waker(&self) -> &Self::Waker;
    /// Later looks.
    fn timer(&self) -> &Self::Timer;
    /// People and machines.
    fn people(&self) -> &Self::People;
    /// Fills a slice with random bytes of the operating system; false if there are none to be had.
    fn dice(&self, bytes: &mut [u8]) -> bool;
}

/// Everything that outlives an invocation; built once. There is no secret in it.
pub struct Deps<E> {
    /// The function's name in logs and metrics.
    pub function: String,
    /// The environment.
    pub config: Config,
    /// What people wrote down.
    pub fleets: Fleets,
    /// The ports.
    pub estate: E,
}

impl<E: Estate> Handler for Deps<E> {
    async fn handle(&self, invocation: Invocation, event: Value) -> Result<Value, HandlerError> {
        nightshift_aws::within(invocation.time_for_calls(), crate::handle(&invocation, self, &event)).await
    }
}
