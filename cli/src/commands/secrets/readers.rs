//! Who reads a secret: services that the fleet file names, and those whose task definitions name it.
//!
//! Looks where the function looks, so that both know the same readers. A task definition that cannot be read is told; a
//! service without one reads nothing.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use nightshift_core::fleet::{DeployTarget, Fleet, Service, ServiceName};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::ports::TargetReader;
use nightshift_core::release::reads_secret;
use serde_json::Value;

use super::facts::Facts;

/// So many services are read side by side, two calls each: far from ECS's limits (Amazon ECS API reference, "Request throttling").
const SIDE_BY_SIDE: usize = 8;

/// The task definitions of every service of some systems.
pub(crate) struct Definitions {
    of: BTreeMap<String, PortResult<Vec<Value>>>,
}

impl Definitions {
    /// Reads those of all services of these systems.
    pub(crate) async fn read<'f>(targets: &impl TargetReader, fleets: impl IntoIterator<Item = &'f Fleet>) -> Self {
        let mut services: BTreeMap<String, &Service> = BTreeMap::new();
        for fleet in fleets {
            services.extend(fleet.services.iter().map(|(name, service)| (named(fleet, name), service)));
        }
        let reads = services.into_iter().map(|(name, service)| async move { (name, bodies(targets, service).await) });
        Self { of: stream::iter(reads).buffered(SIDE_BY_SIDE).collect().await }
    }

    /// The services that read a secret, in the order of their names.
    pub(super) fn readers(&self, facts: &Facts<'_>) -> Vec<ServiceName> {
        let arn = facts.now().map_or_else(|| facts.key.secret.as_str(), |secret| secret.arn.as_str());
        let reads = |name: &&ServiceName| {
            let bodies = self.of.get(&named(facts.fleet, name)).and_then(|bodies| bodies.as_ref().ok());
            facts.secret_file.readers.contains(name) || bodies.into_iter().flatten().any(|body| reads_secret(body, arn))
        };
        facts.fleet.services.keys().filter(reads).cloned().collect()
    }

    /// The services whose task definitions could not be read.
    pub(super) fn unread(&self) -> impl Iterator<Item = (&str, &PortError)> {
        self.of.iter().filter_map(|(name, bodies)| Some((name.as_str(), bodies.as_ref().err()?)))
    }

    /// Whether everything that the readers of this system rest on could be read.
    pub(super) fn is_whole(&self, fleet: &Fleet) -> bool {
        fleet.services.keys().all(|name| self.of.get(&named(fleet, name)).is_none_or(Result::is_ok))
    }
}

fn named(fleet: &Fleet, service: &ServiceName) -> String {
    format!("{}/{service}", fleet.system)
}

async fn bodies(targets: &impl TargetReader, service: &Service) -> PortResult<Vec<Value>> {
    let mut bodies = Vec::new();
    for target in service.all_targets().iter().filter(|target| matches!(target, DeployTarget::Tasks(_))) {
        match targets.blueprint(target, None, None).await {
            Ok(blueprint) => bodies.push(blueprint.running.body),
            Err(error) if error.kind == PortErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bodies)
}
