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

impl Config {
    /// The configuration, from a look-up of environment variables.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let config = {
            let mut needed = |name: &str| {
                let value = lookup(name).filter(|value| !value.trim().is_empty());
                value.unwrap_or_else(|| {
                    problems.push(format!("{name} is not set; deploy template.yaml, which sets it"));
                    String::new()
                })
            };
            Self {
                fleet: lookup("NIGHTSHIFT_FLEET").filter(|fleet| !fleet.trim().is_empty()).unwrap_or_else(|| FLEET_LAYER.to_owned()),
                table: needed("NIGHTSHIFT_TABLE"),
                topic_arn: needed("NIGHTSHIFT_TOPIC_ARN"),
                schedule_group: needed("NIGHTSHIFT_SCHEDULE_GROUP"),
                schedule_role_arn: needed("NIGHTSHIFT_SCHEDULE_ROLE_ARN"),
                region: needed("AWS_REGION"),
                mode: Mode::Observe,
            }
        };
        let mode = match lookup("NIGHTSHIFT_MODE").as_deref() {
            Some("act") => Mode::Act,
            Some("observe") => Mode::Observe,
            Some(other) => {
                problems.push(format!("NIGHTSHIFT_MODE is \"{other}\"; write act or observe"));
                Mode::Observe
            }
            None => {
                problems.push("NIGHTSHIFT_MODE is not set; write act or observe".to_owned());
                Mode::Observe
            }
        };
        if problems.is_empty() { Ok(Self { mode, ..config }) } else { Err(ConfigError { problems }) }
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
