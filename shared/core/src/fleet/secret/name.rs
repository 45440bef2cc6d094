//! What a secret is called in Secrets Manager, and what of an ARN its name is.
//!
//! The name is the same in every region, the ARN is not: files hold names. Must never take part of a name for the six
//! characters that only an ARN has.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a secret in Secrets Manager, without the ending that an ARN adds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", schemars(with = "String", extend("pattern" = r"^[A-Za-z0-9/_+=.@-]{1,512}$")))]
pub struct SecretName(String);

/// Secrets Manager CreateSecret: the length of Name.
const LONGEST_NAME: usize = 512;
/// How many characters Secrets Manager adds behind a hyphen ("What's in a Secrets Manager secret?").
const ADDED: usize = 6;

impl SecretName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The part of a secret's ARN that names it, with the six characters. What ECS writes behind it (`:json-key:stage:version`) is left out.
pub(super) fn resource_of(arn: &str) -> Option<ArnParts<'_>> {
    let mut parts = arn.split(':');
    let mut next = || parts.next();
    let (Some("arn"), Some(_), Some("secretsmanager"), Some(region), Some(_), Some("secret"), Some(resource)) =
        (next(), next(), next(), next(), next(), next(), next())
    else {
        return None;
    };
    (!resource.is_empty()).then_some(ArnParts { region, resource })
}

/// What an ARN says of a secret.
pub(super) struct ArnParts<'a> {
    pub region: &'a str,
    pub resource: &'a str,
}

impl<'a> ArnParts<'a> {
    /// The name, if this is a complete ARN: without the hyphen and the six characters.
    pub fn name(&self) -> Option<&'a str> {
        let (name, added) = self.resource.rsplit_once('-')?;
        (added.len() == ADDED && added.chars().all(|letter| letter.is_ascii_alphanumeric()) && !name.is_empty()).then_some(name)
    }
}

impl TryFrom<String> for SecretName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let is_usual = |letter: char| letter.is_ascii_alphanumeric() || "/_+=.@-".contains(letter);
        if let Some(parts) = resource_of(&text) {
            let name = parts.name().unwrap_or(parts.resource);
            return Err(format!("this is an ARN, and those differ from region to region; write the secret's name alone: {name}"));
        }
        // "Secrets managed by other services": their names begin with the service and an exclamation mark, such as rds!db-1.
        if text.contains('!') {
            return Err(format!("\"{text}\" belongs to another AWS service, which rotates it itself; leave it out"));
        }
        match !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(is_usual) {
            true => Ok(Self(text)),
            false => Err(format!("\"{text}\" is no name of a secret; write 1 to {LONGEST_NAME} letters, digits and / _ + = . @ -")),
        }
    }
}

impl std::borrow::Borrow<str> for SecretName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<SecretName> for String {
    fn from(name: SecretName) -> Self {
        name.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
