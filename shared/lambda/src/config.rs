//! Configuration from the environment: read once, all problems reported together.
//!
//! Nothing that selects a resource has a default. The names are a const that the template's test reads.

use nightshift_core::outcome::Mode;
use thiserror::Error;

/// The environment variables that a function reads, as `template.yaml` must set them. `AWS_*` are the SDK's own.
pub const ENVIRONMENT: &[&str] = &[
    "NIGHTSHIFT_FLEET",
    "NIGHTSHIFT_TABLE",
    "NIGHTSHIFT_TOPIC_ARN",
    "NIGHTSHIFT_MODE",
    "NIGHTSHIFT_SCHEDULE_GROUP",
    "NIGHTSHIFT_SCHEDULE_ROLE_ARN",
];

/// Where the fleet layer puts its files.
const FLEET_LAYER: &str = "/opt/fleet";

/// A function's configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where the fleet files are.
    pub fleet: String,
    /// The ledger's table.
    pub table: String,
    /// The topic for people.
    pub topic_arn: String,
    /// Whether to act.
    pub mode: Mode,
    /// The schedule group of re-checks.
    pub schedule_group: String,
    /// The role with which EventBridge Scheduler calls the function again.
    pub schedule_role_arn: String,
    /// The region that the function runs in.
    pub region: String,
}

/// Everything that is wrong with the environment.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the function's environment is not usable: {}", problems.join("; "))]
pub struct ConfigError {
    /// One sentence for each problem, with what to do.
    pub problems: Vec<String>,
}

/// Reads variables one after the other and gathers what is wrong with them.
pub struct Variables<L> {
    lookup: L,
    problems: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Variables<L> {
    /// Through this look-up function.
    pub fn new(lookup: L) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    /// A variable that must be set, and not to blanks.
    pub fn needed(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problems.push(format!("{name} is not set; deploy template.yaml, which sets it"));
            String::new()
        })
    }

    /// A variable that may be missing or blank.
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    /// Where the fleet files are.
    pub fn fleet(&self) -> String {
        self.optional("NIGHTSHIFT_FLEET").unwrap_or_else(|| FLEET_LAYER.to_owned())
    }

    /// Whether to act.
    pub fn mode(&mut self) -> Mode {
        match (self.lookup)("NIGHTSHIFT_MODE").as_deref() {
            Some("act") => return Mode::Act,
            Some("observe") => {}
            Some(other) => self.problems.push(format!("NIGHTSHIFT_MODE is \"{other}\"; write act or observe")),
            None => self.problems.push("NIGHTSHIFT_MODE is not set; write act or observe".to_owned()),
        }
        Mode::Observe
    }

    /// What was read, if nothing is wrong with it.
    pub fn checked<C>(self, config: C) -> Result<C, ConfigError> {
        if self.problems.is_empty() { Ok(config) } else { Err(ConfigError { problems: self.problems }) }
    }
}

impl Config {
    /// The configuration, from a look-up of environment variables.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut variables = Variables::new(lookup);
        let config = Self {
            fleet: variables.fleet(),
            table: variables.needed("NIGHTSHIFT_TABLE"),
            topic_arn: variables.needed("NIGHTSHIFT_TOPIC_ARN"),
            schedule_group: variables.needed("NIGHTSHIFT_SCHEDULE_GROUP"),
            schedule_role_arn: variables.needed("NIGHTSHIFT_SCHEDULE_ROLE_ARN"),
            region: variables.needed("AWS_REGION"),
            mode: variables.mode(),
        };
        variables.checked(config)
    }

    /// The same with what one function reads besides; everything that is wrong with both is told at once.
    pub fn with_more<L, M>(lookup: &L, more: impl FnOnce(&mut Variables<&L>) -> M) -> Result<(Self, M), ConfigError>
    where
        L: Fn(&str) -> Option<String>,
    {
        let mut variables = Variables::new(lookup);
        let more = more(&mut variables);
        match (Self::from_lookup(lookup), variables.checked(more)) {
            (Ok(config), Ok(more)) => Ok((config, more)),
            (config, more) => {
                let problems = [config.err(), more.err()].into_iter().flatten().flat_map(|error| error.problems).collect();
                Err(ConfigError { problems })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(name: &str) -> Option<String> {
        let value = match name {
            "NIGHTSHIFT_MODE" => "act",
            "AWS_REGION" => "us-east-1",
            "NIGHTSHIFT_FLEET" => return None,
            _ => "something",
        };
        Some(value.to_owned())
    }

    #[test]
    fn a_complete_environment_is_read_and_the_fleet_has_the_layer_as_its_default() {
        let config = Config::from_lookup(complete).unwrap();
        assert_eq!(config.mode, Mode::Act);
        assert_eq!(config.fleet, "/opt/fleet");
        assert_eq!(config.region, "us-east-1");
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let error = Config::from_lookup(|name| (name == "NIGHTSHIFT_MODE").then(|| "maybe".to_owned())).unwrap_err();
        assert_eq!(error.problems.len(), 6, "{error}");
        for name in ENVIRONMENT.iter().filter(|name| **name != "NIGHTSHIFT_FLEET") {
            assert!(error.to_string().contains(name), "{name} is missing from: {error}");
        }
    }

    #[test]
    fn an_empty_value_is_a_missing_one() {
        let error = Config::from_lookup(|name| if name == "NIGHTSHIFT_TABLE" { Some(" ".into()) } else { complete(name) }).unwrap_err();
        assert_eq!(error.problems.len(), 1);
        assert!(error.problems[0].starts_with("NIGHTSHIFT_TABLE"));
    }
}
