//! The capabilities that rotations need besides those of [`crate::ports`].

use jiff::Timestamp;

use super::{Credential, RotationRecord, RotationView, SecretNow, SecretText};
use crate::fleet::{Probe, SecretName, SystemName, Tls};
use crate::ports::PortResult;

/// A version's value and when it was made.
#[derive(Clone, Debug)]
pub struct VersionValue {
    /// The version.
    pub version: String,
    /// The value.
    pub text: SecretText,
    /// When the version was made.
    pub created_at: Option<Timestamp>,
}

/// Which version of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionRef<'a> {
    /// The one that has this label, such as AWSCURRENT.
    Stage(&'a str),
    /// This one, which must have the label AWSPENDING.
    Pending(&'a str),
}

/// Reads secrets.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait SecretReader {
    /// What is known of a secret (its ARN or name) besides its values.
    async fn secret_now(&self, secret: &str) -> PortResult<SecretNow>;

    /// A version's value; none if there is no such version, or it has no value yet.
    async fn value(&self, secret: &str, version: VersionRef<'_>) -> PortResult<Option<VersionValue>>;
}

/// Makes versions of secrets and moves their labels.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait SecretStages {
    /// Gives the version `token` this value and the label AWSPENDING; the same value twice is once, `Conflict` if it has another.
    async fn put_pending(&self, secret: &str, token: &str, value: &SecretText, rotation_token: Option<&str>) -> PortResult<()>;

    /// Moves AWSCURRENT to `to`, if `from` has it still; Secrets Manager moves AWSPREVIOUS to `from` by itself.
    async fn make_current(&self, secret: &str, from: Option<&str>, to: &str) -> PortResult<()>;

    /// Takes AWSPENDING from a version.
    async fn drop_pending(&self, secret: &str, version: &str) -> PortResult<()>;
}

/// How a connection is protected, and whom it trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Whether TLS is spoken.
    pub tls: Tls,
    /// Certificates, as PEM, in place of the usual ones.
    pub ca: Option<String>,
}

/// What came of trying a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginAnswer {
    /// It is good.
    Accepted,
    /// The server says that it is not; never said of a server that did not answer.
    Refused {
        /// Its words, without the password.
        why: String,
    },
}

/// PostgreSQL. Errors are `Unavailable` (no answer, read-only, a lock that was not had), `Denied` (not permitted, certificate).
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait PostgresqlServer {
    /// Logs in and asks something.
    async fn login(&self, as_whom: &Credential, trust: &Trust) -> PortResult<LoginAnswer>;

    /// Sets the password of `user`; the server sees its SCRAM verifier only.
    async fn set_password(&self, via: &Credential, trust: &Trust, user: &str, password: &SecretText) -> PortResult<()>;

    /// Makes `other` a user with what `base` may and its settings, and this password, whatever it was before.
    async fn set_twin(&self, via: &Credential, trust: &Trust, base: &str, other: &str, password: &SecretText) -> PortResult<()>;
}

/// Redis. Errors as with PostgreSQL.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait RedisServer {
    /// Logs in and asks something.
    async fn login(&self, as_whom: &Credential, trust: &Trust) -> PortResult<LoginAnswer>;

    /// Gives `user` exactly these passwords; the server sees their SHA-256 only.
    async fn set_passwords(&self, via: &Credential, trust: &Trust, user: &str, passwords: &[SecretText]) -> PortResult<()>;
}

/// A replication group or a user of ElastiCache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterNow {
    /// Whether no change is under way.
    pub is_settled: bool,
    /// What ElastiCache calls its state.
    pub status: String,
    /// Where to log in: host and port of the primary or configuration endpoint.
    pub endpoint: Option<(String, u16)>,
}

/// How a new AUTH token comes in (ElastiCache user guide, "Modifying the AUTH token").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStrategy {
    /// Beside the present one.
    Rotate,
    /// In place of every other.
    Set,
}

/// ElastiCache.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait CacheClusters {
    /// A replication group, with the user if one is given: settled only if both are.
    async fn cluster_now(&self, replication_group: &str, user_id: Option<&str>) -> PortResult<ClusterNow>;

    /// Begins a change of the AUTH token.
    async fn set_token(&self, replication_group: &str, token: &SecretText, strategy: TokenStrategy) -> PortResult<()>;

    /// Begins to give a user exactly these passwords, two at most.
    async fn set_user_passwords(&self, user_id: &str, passwords: &[SecretText]) -> PortResult<()>;
}

/// Tries keys that are issued elsewhere.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait KeyProbe {
    /// Makes the request with the key. A status that says nothing about the key is `Unavailable`.
    async fn probe(&self, probe: &Probe, key: &SecretText) -> PortResult<LoginAnswer>;
}

/// The ledger of rotations: one record per secret.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait RotationLedger {
    /// The record and what else holds for the secret, read consistently in one call.
    async fn rotation(&self, system: &SystemName, secret: &SecretName) -> PortResult<RotationView>;

    /// Writes the record if its stored version is still `seen_version` (0: there is none yet); `Conflict` if it is not.
    async fn store_rotation(&self, system: &SystemName, secret: &SecretName, seen_version: u64, record: &RotationRecord) -> PortResult<()>;
}

/// Wakes the function that starts readers anew.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait ReaderWaker {
    /// Hands it the news that `version` of the secret (its ARN) is current since `at`.
    async fn tell_readers(&self, secret: &str, version: &str, at: Timestamp) -> PortResult<()>;

    /// Has the readers of the secret (its ARN) started once more, whatever was done for its version already.
    async fn start_readers_again(&self, secret: &str) -> PortResult<()>;
}

/// Arranges later looks of the same function.
#[allow(async_fn_in_trait, reason = "our runtime is current_thread: no Send bound is wanted")]
pub trait RotationTimer {
    /// Arranges a look at one secret; `Conflict` if that very look is arranged already.
    async fn look_at_secret(&self, system: &SystemName, secret: &SecretName, at: Timestamp, function_arn: &str) -> PortResult<()>;
}
