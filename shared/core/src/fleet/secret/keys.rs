//! Secrets that log in nowhere: keys that services sign with, and keys that somebody else issues.
//!
//! Field documentation here becomes the JSON schema's, so it speaks to the person who writes the file. Owns shapes; what
//! must fit together is checked in `read/check`.

use serde::{Deserialize, Serialize};

use crate::fleet::amount::Seconds;

/// Keys that the services make and check signatures with. The next key is published one rotation before it signs, and the
/// previous one stays for one more, so that readers of two neighbouring versions understand each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// The field of the key that signs.
    pub field: String,
    /// The field of the key that signs after the next rotation; readers accept it already.
    pub next_field: String,
    /// The field of the key that signed before; readers still accept it.
    pub previous_field: String,
    /// How many random bytes a key has; 16 to 128.
    #[cfg_attr(feature = "schema", schemars(range(min = 16, max = 128)))]
    pub bytes: u16,
    /// How the bytes are written.
    pub encoding: KeyEncoding,
}

impl Default for Keys {
    fn default() -> Self {
        let [field, next_field, previous_field] = ["key", "next_key", "previous_key"].map(str::to_owned);
        Self { field, next_field, previous_field, bytes: 48, encoding: KeyEncoding::Base64url }
    }
}

/// How a key's bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyEncoding {
    /// Base64 for URLs, without padding.
    Base64url,
    /// Hexadecimal digits in small letters.
    Hex,
}

/// A key that somebody else issues: its age is watched, a person is told in time, and `nightshift secret put` takes the new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// The secret's field; without it the whole secret is the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How old it may become; at least a day.
    pub max_age: Seconds,
    /// How long before that a person is told; shorter than `max_age`.
    #[serde(default = "two_weeks")]
    pub warn_before: Seconds,
    /// What a person has to do to get a new one and to revoke the old one; comes with the notice.
    pub how: String,
    /// How the key is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
}

fn two_weeks() -> Seconds {
    Seconds::new(14 * 24 * 3600)
}

/// A request that only a valid key may make. It is sent with GET and should cost nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Where; https only. The key goes into the header, never in here.
    pub url: String,
    /// The header that carries the key.
    #[serde(default = "authorization")]
    pub header: String,
    /// The header's value, with `{key}` where the key stands.
    #[serde(default = "bearer")]
    pub value: String,
    /// The statuses of a valid key, 200 to 599.
    #[serde(default = "ok_only")]
    pub valid: Vec<u16>,
    /// The statuses of one that is not; any other says nothing about the key. Those of trouble (429, 500 and above) cannot be here.
    #[serde(default = "unauthorized")]
    pub invalid: Vec<u16>,
    /// Certificates, as PEM, that are trusted in place of the public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

fn authorization() -> String {
    "authorization".to_owned()
}

fn bearer() -> String {
    "Bearer {key}".to_owned()
}

fn ok_only() -> Vec<u16> {
    vec![200]
}

fn unauthorized() -> Vec<u16> {
    vec![401, 403]
}
