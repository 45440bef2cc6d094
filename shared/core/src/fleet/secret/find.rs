//! Which secret of a file a name or an ARN means.
//!
//! Events, task definitions and people name secrets in different ways. Must never match a secret of another name: what is in
//! no file is nobody's.

use super::ManagedSecret;
use super::name::{SecretName, resource_of};
use crate::fleet::file::Fleet;
use crate::fleet::fleets::Fleets;

impl Fleet {
    /// The secret that a name or an ARN means. ECS's form of an ARN, with a key of the secret's JSON behind it, is one too.
    ///
    /// A name is compared whole. The end of an ARN is read as Secrets Manager reads it (parameter SecretId of its API): a hyphen
    /// and six characters were added; only where there is no such name, the ARN may be one without them.
    pub fn secret_by(&self, name_or_arn: &str) -> Option<(&SecretName, &ManagedSecret)> {
        names_in(name_or_arn).into_iter().flatten().find_map(|name| self.secrets.get_key_value(name))
    }
}

impl Fleets {
    /// The secret that a name or an ARN means in a region, with its system. An ARN of another region means another secret.
    pub fn secret(&self, name_or_arn: &str, region: &str) -> Option<(&Fleet, &SecretName, &ManagedSecret)> {
        if resource_of(name_or_arn).is_some_and(|arn| arn.region != region) {
            return None;
        }
        let here = || self.iter().filter(|fleet| fleet.regions.iter().any(|known| known == region));
        let found = |name| here().find_map(|fleet| fleet.secrets.get_key_value(name).map(|(name, secret)| (fleet, name, secret)));
        names_in(name_or_arn).into_iter().flatten().find_map(found)
    }
}

/// The names that a text may mean, the likeliest first.
fn names_in(name_or_arn: &str) -> [Option<&str>; 2] {
    match resource_of(name_or_arn) {
        Some(arn) => [arn.name(), Some(arn.resource)],
        None => [Some(name_or_arn), None],
    }
}
