//! Secrets: of which kind each is, how its value is changed, who reads it, and when it is rotated.
//!
//! Field documentation here becomes the JSON schema's, so it speaks to the person who writes the file. Owns shapes; what
//! must fit together is checked in `read/check`. Never holds a secret's value: only its name.

mod find;
mod keys;
mod name;
mod schedule;
mod schedule_cron;
mod servers;

use serde::{Deserialize, Serialize};

use super::names::ServiceName;

pub use keys::{Issued, KeyEncoding, Keys, Probe};
pub use name::SecretName;
pub use schedule::{RotationInterval, RotationSchedule, RotationScheduleFile, RotationTime, RotationWindow};
pub use schedule_cron::RotationCron;
pub use servers::{ConnectionFields, Elasticache, PasswordRule, Postgresql, PostgresqlUsers, Redis, Tls};

/// A secret that Nightshift rotates, or whose age it watches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(with = "ManagedSecretFile"))]
#[serde(try_from = "ManagedSecretFile", into = "ManagedSecretFile")]
pub struct ManagedSecret {
    /// What it is, and how its value is changed.
    pub kind: SecretKind,
    /// When Secrets Manager begins a rotation.
    pub rotate: Option<RotationSchedule>,
    /// Services that read it without naming it in a task definition.
    pub readers: Vec<ServiceName>,
}

/// What a secret is.
#[derive(Clone, Debug, PartialEq)]
pub enum SecretKind {
    /// User and password of a PostgreSQL database.
    Postgresql(Postgresql),
    /// An ACL user of a Redis server that you run.
    Redis(Redis),
    /// ElastiCache: an AUTH token, or a user of a user group.
    Elasticache(Elasticache),
    /// Keys that the services make and check signatures with.
    Keys(Keys),
    /// A key that somebody else issues.
    Issued(Issued),
}

impl SecretKind {
    /// The word in tables and messages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Postgresql(Postgresql { users: PostgresqlUsers::Single, .. }) => "postgresql, single user",
            Self::Postgresql(Postgresql { users: PostgresqlUsers::Alternating, .. }) => "postgresql, alternating users",
            Self::Redis(_) => "redis",
            Self::Elasticache(Elasticache { user_id: Some(_), .. }) => "elasticache user",
            Self::Elasticache(Elasticache { user_id: None, .. }) => "elasticache auth token",
            Self::Keys(_) => "keys",
            Self::Issued(_) => "issued elsewhere",
        }
    }

    /// The field of the fleet file that it is written under.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Postgresql(_) => "postgresql",
            Self::Redis(_) => "redis",
            Self::Elasticache(_) => "elasticache",
            Self::Keys(_) => "keys",
            Self::Issued(_) => "issued",
        }
    }

    /// The secret of the user that may change others.
    pub fn admin_secret(&self) -> Option<&SecretName> {
        match self {
            Self::Postgresql(Postgresql { admin_secret, .. }) | Self::Redis(Redis { admin_secret, .. }) => admin_secret.as_ref(),
            Self::Elasticache(_) | Self::Keys(_) | Self::Issued(_) => None,
        }
    }

    /// How the connection to its server is protected, where it has one.
    pub fn tls(&self) -> Option<Tls> {
        match self {
            Self::Postgresql(Postgresql { tls, .. }) | Self::Redis(Redis { tls, .. }) | Self::Elasticache(Elasticache { tls, .. }) => {
                Some(*tls)
            }
            Self::Keys(_) | Self::Issued(_) => None,
        }
    }
}

/// A secret as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ManagedSecretFile {
    /// User and password of a PostgreSQL database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    postgresql: Option<Postgresql>,
    /// An ACL user of a Redis server that you run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redis: Option<Redis>,
    /// ElastiCache: an AUTH token, or a user of a user group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    elasticache: Option<Elasticache>,
    /// Keys that the services make and check signatures with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keys: Option<Keys>,
    /// A key that somebody else issues, such as an API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issued: Option<Issued>,
    /// When it is rotated; without it, only when somebody asks for it. Not for keys that are issued elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rotate: Option<RotationSchedule>,
    /// Services of this file that read it without naming it in a task definition (on instances, or through the SDK). Those whose
    /// task definitions name it are found without this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    readers: Vec<ServiceName>,
}

impl TryFrom<ManagedSecretFile> for ManagedSecret {
    type Error = String;
    fn try_from(file: ManagedSecretFile) -> Result<Self, String> {
        let ManagedSecretFile { postgresql, redis, elasticache, keys, issued, rotate, readers } = file;
        let kinds = [
            postgresql.map(SecretKind::Postgresql),
            redis.map(SecretKind::Redis),
            elasticache.map(SecretKind::Elasticache),
            keys.map(SecretKind::Keys),
            issued.map(SecretKind::Issued),
        ];
        let mut kinds = kinds.into_iter().flatten();
        match (kinds.next(), kinds.next()) {
            (Some(kind), None) => Ok(Self { kind, rotate, readers }),
            (Some(one), Some(other)) => {
                let (one, other) = (one.field(), other.field());
                Err(format!("a secret is of one kind, not both {one} and {other}; keep the one that it is"))
            }
            (None, _) => {
                Err("it is not said of which kind this secret is; write one of postgresql: { users: alternating, ... }, redis: {}, \
                              elasticache: { replication_group: ... }, keys: {} and issued: { max_age: 90d, how: ... }"
                    .into())
            }
        }
    }
}

impl From<ManagedSecret> for ManagedSecretFile {
    fn from(secret: ManagedSecret) -> Self {
        let ManagedSecret { kind, rotate, readers } = secret;
        let mut file = Self { postgresql: None, redis: None, elasticache: None, keys: None, issued: None, rotate, readers };
        match kind {
            SecretKind::Postgresql(kind) => file.postgresql = Some(kind),
            SecretKind::Redis(kind) => file.redis = Some(kind),
            SecretKind::Elasticache(kind) => file.elasticache = Some(kind),
            SecretKind::Keys(kind) => file.keys = Some(kind),
            SecretKind::Issued(kind) => file.issued = Some(kind),
        }
        file
    }
}
