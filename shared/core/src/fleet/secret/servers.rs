//! Secrets that log in to a server: PostgreSQL, Redis, ElastiCache.
//!
//! Field documentation here becomes the JSON schema's, so it speaks to the person who writes the file. Owns shapes; what
//! must fit together is checked in `read/check`.

use serde::{Deserialize, Serialize};

use super::SecretName;

/// Whose password is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PostgresqlUsers {
    /// The user's own. Readers that still have the old password cannot open connections until they were started anew.
    Single,
    /// Two users take turns, `<user>` and `<user>_clone`: the one that readers use keeps its password until they have moved on.
    Alternating,
}

/// User and password of a PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Postgresql {
    /// Whose password is changed; alternating where you can.
    pub users: PostgresqlUsers,
    /// The secret of a user that may create and change roles; alternating users need it. Its fields have the usual names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_secret: Option<SecretName>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: Tls,
    /// Certificates, as PEM (text, not a file's name), that are trusted in place of those of RDS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The database's host, where the secret does not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its port, where the secret does not name it; else 5432.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub port: Option<u16>,
    /// The database, where the secret does not name it; else `postgres`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// How the secret's fields are called.
    #[serde(default)]
    pub fields: ConnectionFields,
    /// What a new password looks like.
    #[serde(default)]
    pub password: PasswordRule,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// TLS, with the server's certificate and name verified.
    #[default]
    Verify,
    /// None: everything crosses the network readable. A field `ssl` in the secret changes nothing.
    Plaintext,
}

/// An ACL user of a Redis server that you run. During the hand-over it has two passwords.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// The secret of a user that may change ACLs; without it the user changes itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_secret: Option<SecretName>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: Tls,
    /// Certificates, as PEM, that are trusted; public ones are without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The server's host, where the secret does not name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Its port, where the secret does not name it; else 6379.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub port: Option<u16>,
    /// How the secret's fields are called.
    #[serde(default)]
    pub fields: ConnectionFields,
    /// What a new password looks like.
    #[serde(default)]
    pub password: PasswordRule,
}

/// ElastiCache: the AUTH token of a replication group, or a user of a user group. During the hand-over both passwords hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Elasticache {
    /// The replication group's id; its endpoint is where the new password is tried.
    pub replication_group: String,
    /// The id of the user; without it the replication group's AUTH token is rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: Tls,
    /// Certificates, as PEM, that are trusted; Amazon's are without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// How the secret's fields are called.
    #[serde(default)]
    pub fields: ConnectionFields,
    /// What a new password looks like; ElastiCache takes 16 to 128 letters, digits and ! & # $ ^ < > -.
    #[serde(default)]
    pub password: PasswordRule,
}

/// How the fields of a connection's secret are called. The usual names are those of Secrets Manager's database secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionFields {
    /// The host.
    pub host: String,
    /// The port.
    pub port: String,
    /// The user.
    pub username: String,
    /// The password, or the AUTH token.
    pub password: String,
    /// The database.
    pub database: String,
}

impl Default for ConnectionFields {
    fn default() -> Self {
        let [host, port, username, password, database] = ["host", "port", "username", "password", "dbname"].map(str::to_owned);
        Self { host, port, username, password, database }
    }
}

/// What a new password looks like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct PasswordRule {
    /// How many characters; 16 to 128, and enough for 96 bits: 17 letters and digits, or more.
    #[cfg_attr(feature = "schema", schemars(range(min = 16, max = 128)))]
    pub length: u16,
    /// Which characters, each once; each is equally likely. Letters and digits without it, which nothing has to quote.
    pub characters: String,
}

impl Default for PasswordRule {
    /// 32 letters and digits are 190 bits.
    fn default() -> Self {
        Self { length: 32, characters: ('A'..='Z').chain('a'..='z').chain('0'..='9').collect() }
    }
}
