//! What people wrote down about a service's releases, resolved for one region and one moment.

use jiff::Timestamp;

use crate::fleet::{Deploy, Fleet, Frozen, Path, Postgresql, PostgresqlUsers, SecretKind, Service};
use crate::ledger::ServiceKey;

/// A service's release policy.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleasePolicy<'a> {
    /// Which service.
    pub key: ServiceKey,
    /// What the fleet file says of it.
    pub service: &'a Service,
    /// How it is deployed, and its path; none where no push concerns it (its tasks may still be started anew).
    pub deploy: Option<(&'a Deploy, &'a Path)>,
    /// Everything that people wrote down about the service's system: its secrets are in it.
    pub fleet: &'a Fleet,
    /// The region that this is about.
    pub region: String,
    /// The freeze window that holds, of service or path.
    pub frozen: Option<Frozen>,
}

impl<'a> ReleasePolicy<'a> {
    /// The policy in `region` at `now`.
    pub fn at(key: ServiceKey, fleet: &'a Fleet, service: &'a Service, region: &str, now: Timestamp) -> Self {
        let deploy = service.deploy.as_ref().and_then(|deploy| Some((deploy, fleet.paths.get(&deploy.path)?)));
        let of_path = deploy.and_then(|(_, path)| path.frozen_at(now));
        let frozen = [service.frozen_at(now), of_path].into_iter().flatten().max_by_key(|frozen| frozen.until);
        Self { key, service, deploy, fleet, region: region.to_owned(), frozen }
    }

    /// Whether the fleet file says that the service reads this secret (its name or ARN), whatever its task definitions name.
    pub fn is_named_as_reader(&self, secret: &str) -> bool {
        self.fleet.secret_by(secret).is_some_and(|(_, managed)| managed.readers.contains(&self.key.service))
    }

    /// Whether readers that have not been started anew are locked out as soon as the secret has changed: nothing is to be waited
    /// for then.
    pub fn is_urgent(&self, secret: &str) -> bool {
        let kind = self.fleet.secret_by(secret).map(|(_, managed)| &managed.kind);
        matches!(kind, Some(SecretKind::Postgresql(Postgresql { users: PostgresqlUsers::Single, .. })))
    }

    /// The region where a push is taken up: the first of the path.
    pub fn home(&self) -> Option<&str> {
        let (_, path) = self.deploy?;
        path.stages.first()?.waves.first()?.regions.first().map(String::as_str)
    }

    /// The path.
    pub fn path(&self) -> Option<&'a Path> {
        self.deploy.map(|(_, path)| path)
    }
}
