//! What a pause covers: everything, a system, or a service; and whether the fleet files know it.

use std::fmt;
use std::str::FromStr;

use nightshift_core::fleet::read::nearest;
use nightshift_core::fleet::{Fleets, SystemName};
use nightshift_core::ledger::ServiceKey;

/// What a pause covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// One system.
    System(SystemName),
    /// One service.
    Service(ServiceKey),
}

impl FromStr for Scope {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            _ if text.contains('/') => crate::args::service_key(text).map(Self::Service),
            _ => SystemName::try_from(text.to_owned()).map(Self::System),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => out.write_str("all"),
            Self::System(system) => system.fmt(out),
            Self::Service(key) => key.fmt(out),
        }
    }
}

impl Scope {
    /// The scope's own text and those of the scopes around it, innermost first: what can pause it.
    pub(crate) fn with_surroundings(&self) -> Vec<String> {
        let mut scopes = vec![self.to_string()];
        if let Self::Service(key) = self {
            scopes.push(key.system.to_string());
        }
        if *self != Self::All {
            scopes.push("all".to_owned());
        }
        scopes
    }

    /// Whether the fleet files name it; if not, what may have been meant.
    pub fn check(&self, fleets: &Fleets) -> Result<(), String> {
        match self {
            Self::All => Ok(()),
            Self::System(system) if fleets.system(system.as_str()).is_some() => Ok(()),
            Self::Service(key) => known_service(key, fleets),
            Self::System(system) => {
                let systems = fleets.iter().map(|fleet| fleet.system.as_str().to_owned()).collect();
                Err(unknown("system", system.as_str(), systems))
            }
        }
    }
}

/// Whether the fleet files name the service; if not, what may have been meant.
pub(crate) fn known_service(key: &ServiceKey, fleets: &Fleets) -> Result<(), String> {
    match fleets.service(key.system.as_str(), key.service.as_str()) {
        Some(_) => Ok(()),
        None => {
            let of_fleet = fleets.iter().flat_map(|fleet| fleet.services.keys().map(move |name| format!("{}/{name}", fleet.system)));
            Err(unknown("service", &key.to_string(), of_fleet.collect()))
        }
    }
}

fn unknown(kind: &str, name: &str, known: Vec<String>) -> String {
    let remedy = match nearest(name, known.iter().map(String::as_str)) {
        Some(meant) => format!("did you mean {meant}?"),
        None if known.is_empty() => format!("they name no {kind} at all"),
        None => format!("they name {}", known.join(", ")),
    };
    format!("no fleet file names the {kind} {name}; {remedy}")
}
