//! All fleet files together: several systems, and which of their rules an alarm belongs to.
//!
//! Owns what two files may not both say: the same system, the same resource in the same region, the same alarm name.

use super::alarm_name::is_alarm_of;
use super::file::{Fleet, Service};
use super::names::ServiceName;
use super::read::{self, FleetErrors};
use super::rule::Rule;

/// One rule where it stands: its system, service and the rule itself.
pub type ServiceRule<'a> = (&'a Fleet, &'a ServiceName, &'a Service, &'a Rule);

/// The systems of all fleet files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fleets {
    fleets: Vec<Fleet>,
}

impl Fleets {
    /// Reads files given as (name, text); the errors are those of all files together.
    pub fn from_files(files: Vec<(String, String)>) -> Result<Self, FleetErrors> {
        read::fleets_from_yaml(&files).map(|fleets| Self { fleets })
    }

    /// The systems, in the order of the files.
    pub fn iter(&self) -> impl Iterator<Item = &Fleet> {
        self.fleets.iter()
    }

    /// How many systems there are.
    pub fn len(&self) -> usize {
        self.fleets.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.fleets.is_empty()
    }

    /// A system by name.
    pub fn system(&self, system: &str) -> Option<&Fleet> {
        self.fleets.iter().find(|fleet| fleet.system.as_str() == system)
    }

    /// A service by its system's name and its own.
    pub fn service(&self, system: &str, service: &str) -> Option<(&Fleet, &ServiceName, &Service)> {
        let fleet = self.system(system)?;
        fleet.services.get_key_value(service).map(|(name, service)| (fleet, name, service))
    }

    /// The rules that stand on an alarm: one for an alarm that Nightshift made, perhaps several for an existing one.
    pub fn services_for_alarm(&self, alarm_name: &str) -> Vec<ServiceRule<'_>> {
        let services = self.fleets.iter().flat_map(|fleet| fleet.services.iter().map(move |(name, service)| (fleet, name, service)));
        services
            .flat_map(|(fleet, name, service)| service.rules.iter().map(move |rule| (fleet, name, service, rule)))
            .filter(|(fleet, name, _, rule)| is_alarm_of(alarm_name, &fleet.system, name, rule))
            .collect()
    }
}
