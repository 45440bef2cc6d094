//! What is known of one secret: read from Secrets Manager and the ledger, all of one secret together, and never a value.

use std::collections::BTreeMap;

use futures_util::future::join3;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use nightshift_aws::RotationSetup;
use nightshift_core::fleet::{Fleet, Fleets, ManagedSecret, SecretKind, SystemName};
use nightshift_core::ports::PortResult;
use nightshift_core::rotation::ports::RotationLedger;
use nightshift_core::rotation::{RotationRecord, RotationView, SecretNow};

use super::standing::length;
use crate::args::SecretKey;
use crate::books::SecretBook;
use crate::scope::Scope;
use crate::trouble::Usage;

/// So many secrets are read side by side; Secrets Manager takes far more in a second (AWS Secrets Manager quotas).
const SIDE_BY_SIDE: usize = 8;

/// Where a secret stands in the fleet files.
#[derive(Clone, Debug)]
pub struct Entry<'f> {
    /// Its name with its system's.
    pub key: SecretKey,
    /// Its system.
    pub fleet: &'f Fleet,
    /// What the fleet file says of it.
    pub secret: &'f ManagedSecret,
}

/// A secret and how Secrets Manager rotates it, as it was read.
pub(super) type Described = PortResult<(SecretNow, Option<RotationSetup>)>;

/// What is known of one secret.
pub(crate) struct Facts<'f> {
    pub key: SecretKey,
    pub fleet: &'f Fleet,
    pub secret_file: &'f ManagedSecret,
    /// Whether the system lives here in the first place.
    pub is_home: bool,
    pub(super) secret: Described,
    pub made_at: PortResult<BTreeMap<String, Timestamp>>,
    pub view: PortResult<RotationView>,
}

impl Facts<'_> {
    pub(super) fn home(&self) -> &str {
        self.fleet.regions.first().map_or("another region", String::as_str)
    }

    pub(super) fn now(&self) -> Option<&SecretNow> {
        self.secret.as_ref().ok().map(|(secret, _)| secret)
    }

    pub(super) fn setup(&self) -> Option<&RotationSetup> {
        self.secret.as_ref().ok().and_then(|(_, setup)| setup.as_ref())
    }

    pub(super) fn record(&self) -> Option<&RotationRecord> {
        self.view.as_ref().ok().map(|view| &view.record)
    }

    /// Whether the last look found nobody who reads it: then the old credential stays until the next rotation.
    pub(super) fn keeps_the_old(&self) -> bool {
        self.record().and_then(|record| record.last.as_ref()).is_some_and(|last| last.code == "old_kept")
    }

    /// Since when a version is being made.
    pub(super) fn pending_since(&self, version: &str) -> Option<Timestamp> {
        let remembered = self.record().and_then(|record| record.pending.as_ref()).filter(|pending| pending.token == version);
        remembered.map(|pending| pending.since).or_else(|| self.version_made_at(version))
    }

    pub(super) fn version_made_at(&self, version: &str) -> Option<Timestamp> {
        self.made_at.as_ref().ok().and_then(|made_at| made_at.get(version).copied())
    }

    /// When the current version was made, as far as anything tells.
    pub(super) fn current_made_at(&self) -> Option<Timestamp> {
        let now = self.now()?;
        let current = now.current()?;
        let over = self.record().and_then(|record| record.hand_over.as_ref()).filter(|over| over.version == current);
        self.version_made_at(current).or(over.map(|over| over.since)).or(now.last_rotated_at).or(now.created_at)
    }

    /// By when a key that is issued elsewhere must be replaced.
    pub(super) fn due_at(&self) -> Option<Timestamp> {
        match &self.secret_file.kind {
            SecretKind::Issued(issued) => self.current_made_at()?.checked_add(length(issued.max_age)).ok(),
            _ => None,
        }
    }
}

/// The secrets of the files, or of one system, that belong into this region.
pub(crate) fn entries<'f>(fleets: &'f Fleets, system: Option<&SystemName>, region: &str) -> Result<Vec<Entry<'f>>, Usage> {
    if let Some(system) = system {
        Scope::System(system.clone()).check(fleets).map_err(Usage)?;
    }
    let meant: Vec<&Fleet> = fleets.iter().filter(|fleet| system.is_none_or(|system| fleet.system == *system)).collect();
    if meant.iter().all(|fleet| fleet.secrets.is_empty()) {
        return Err(Usage("none of these fleet files has secrets; write them under `secrets`, as docs/fleet-file.md shows".to_owned()));
    }
    let here: Vec<&Fleet> = meant.iter().copied().filter(|fleet| fleet.regions.iter().any(|own| own == region)).collect();
    if here.iter().all(|fleet| fleet.secrets.is_empty()) {
        let mut elsewhere: Vec<&str> =
            meant.iter().filter(|fleet| !fleet.secrets.is_empty()).flat_map(|fleet| fleet.regions.iter().map(String::as_str)).collect();
        elsewhere.sort_unstable();
        elsewhere.dedup();
        return Err(Usage(format!("none of these secrets belongs into {region}; give --region one of {}", elsewhere.join(", "))));
    }
    let of = |fleet: &'f Fleet| {
        let entry = |(name, secret): (&nightshift_core::fleet::SecretName, &'f ManagedSecret)| Entry {
            key: SecretKey { system: fleet.system.clone(), secret: name.clone() },
            fleet,
            secret,
        };
        fleet.secrets.iter().map(entry).collect::<Vec<_>>()
    };
    Ok(here.into_iter().flat_map(of).collect())
}

/// One secret of the files.
pub(crate) fn entry<'f>(fleets: &'f Fleets, key: &SecretKey, region: &str) -> Result<Entry<'f>, Usage> {
    let all = entries(fleets, Some(&key.system), region)?;
    if let Some(entry) = all.iter().find(|entry| entry.key == *key) {
        return Ok(entry.clone());
    }
    let known: Vec<String> = all.iter().map(|entry| entry.key.to_string()).collect();
    let meant = nightshift_core::fleet::read::nearest(&key.to_string(), known.iter().map(String::as_str));
    let remedy = meant.map_or_else(|| format!("it has {}", known.join(", ")), |meant| format!("did you mean {meant}?"));
    Err(Usage(format!("the fleet file of {} has no secret {}; {remedy}", key.system, key.secret)))
}

/// Reads all of them.
pub(crate) async fn observe<'f>(
    secrets: &impl SecretBook,
    ledger: &impl RotationLedger,
    entries: &[Entry<'f>],
    region: &str,
) -> Vec<Facts<'f>> {
    let reads = entries.iter().map(|entry| observe_one(secrets, ledger, entry, region));
    stream::iter(reads).buffered(SIDE_BY_SIDE).collect().await
}

/// Reads one, all of it side by side.
pub(crate) async fn observe_one<'f>(secrets: &impl SecretBook, ledger: &impl RotationLedger, entry: &Entry<'f>, region: &str) -> Facts<'f> {
    let Entry { key, fleet, secret: secret_file } = entry.clone();
    let name = key.secret.as_str();
    let reads = join3(secrets.secret_and_setup(name), secrets.versions_made_at(name), ledger.rotation(&key.system, &key.secret));
    let (secret, made_at, view) = reads.await;
    let is_home = fleet.regions.first().is_some_and(|home| home == region);
    Facts { key, fleet, secret_file, is_home, secret, made_at, view }
}
