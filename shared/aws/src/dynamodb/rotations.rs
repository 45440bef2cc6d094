//! Rotations in the ledger: one record per secret, kept for good.
//!
//! What is proven about a version is needed at the next rotation, perhaps after a year. Must never write a record without the
//! version that was read; there is no value of a secret in it.

use nightshift_core::fleet::{SecretName, SystemName};
use nightshift_core::ports::PortResult;
use nightshift_core::rotation::ports::RotationLedger;
use nightshift_core::rotation::{RotationRecord, RotationView};

use super::items::{self, Item, RECORD};
use super::{DynamoLedger, longer};

impl RotationLedger for DynamoLedger {
    async fn rotation(&self, system: &SystemName, secret: &SecretName) -> PortResult<RotationView> {
        let keys = vec![rotation_key(system, secret), items::pause_key("all"), items::pause_key(system.as_str())];
        let mut view = RotationView::default();
        for item in self.get_items(keys).await? {
            match items::partition(&item) {
                items::PAUSES => view.pause = longer(view.pause, items::pause(&item)?),
                _ => view.record = record(&item)?,
            }
        }
        Ok(view)
    }

    async fn store_rotation(&self, system: &SystemName, secret: &SecretName, seen_version: u64, record: &RotationRecord) -> PortResult<()> {
        let mut item = rotation_key(system, secret);
        items::put_number(&mut item, items::VERSION, record.version);
        items::put_text(&mut item, RECORD, items::to_json(record)?);
        // For people who look into the table.
        if let Some(last) = &record.last {
            items::put_text(&mut item, "last", format!("{} {}", last.at, last.code));
        }
        self.put_versioned(item, seen_version, RECORD).await
    }
}

fn rotation_key(system: &SystemName, secret: &SecretName) -> Item {
    items::item_key(&format!("rotation#{system}"), secret.as_str())
}

/// The attribute `version` is the one that conditions look at, so it wins over the one in the JSON.
fn record(item: &Item) -> PortResult<RotationRecord> {
    let version = items::number(item, items::VERSION)?;
    let record: RotationRecord =
        serde_json::from_str(items::text(item, RECORD)?).map_err(|error| items::unreadable(item, RECORD, &error.to_string()))?;
    Ok(RotationRecord { version, ..record })
}
