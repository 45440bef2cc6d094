//! The estate of `deploy`, front ends included.

use jiff::Timestamp;
use nightshift_core::fleet::{DeployTarget, Replacement};
use nightshift_core::ledger::HistoryEntry;
use nightshift_core::ports::PortResult;
use nightshift_core::release::front_end::{
    FrontEndKey, FrontEndLedger, FrontEndTimer, FrontEndView, InvalidationNow, Invalidator, Made, Stale, Takes, Uploads, Work,
};
use nightshift_core::release::ports::{ImageReader, Neighbours, TargetDeployer};
use nightshift_core::release::{Image, ImageRef, ReleaseId, Report, ScanNow};
use serde_json::Value;

use super::Quiet;

impl ImageReader for Quiet {
    async fn image(&self, _: &str, _: &ImageRef) -> PortResult<Option<Image>> {
        self.read_none(None)
    }
    async fn newer_images(&self, _: &str, _: Option<Timestamp>) -> PortResult<Vec<Image>> {
        self.read_none(Vec::new())
    }
    async fn scan(&self, _: &str, _: &str) -> PortResult<ScanNow> {
        self.read()
    }
}

impl TargetDeployer for Quiet {
    async fn make_revision(&self, _: &DeployTarget, _: &str, _: &Value, _: &ReleaseId) -> PortResult<String> {
        self.change("make_revision")
    }
    async fn roll_out(&self, _: &DeployTarget, _: &str, _: &str, _: &Replacement) -> PortResult<Option<String>> {
        self.change("roll_out")
    }
    async fn take_back(&self, _: &DeployTarget, _: &str) -> PortResult<()> {
        self.change("take_back")
    }
}

impl Neighbours for Quiet {
    async fn tell(&self, _: &str, _: &Report) -> PortResult<()> {
        self.note()
    }
}

impl FrontEndLedger for Quiet {
    async fn note_arrival(&self, _: &FrontEndKey, _: &Stale, _: Timestamp) -> PortResult<Uploads> {
        self.note_in_ledger(Uploads::default())
    }
    async fn note_look(&self, _: &FrontEndKey, _: Timestamp) -> PortResult<()> {
        self.note_in_ledger(())
    }
    async fn read_front_end(&self, _: &FrontEndKey) -> PortResult<FrontEndView> {
        self.read_ledger(FrontEndView::default())
    }
    async fn store_work(&self, _: &FrontEndKey, _: u64, _: &Work, _: Option<&Takes>) -> PortResult<()> {
        self.note_in_ledger(())
    }
    async fn append_front_end(&self, _: &FrontEndKey, _: &HistoryEntry) -> PortResult<()> {
        self.note_in_ledger(())
    }
}

impl FrontEndTimer for Quiet {
    async fn look_later(&self, _: &FrontEndKey, _: Timestamp, _: &str) -> PortResult<()> {
        self.note()
    }
}

impl Invalidator for Quiet {
    async fn invalidate(&self, _: &str, _: &str, _: &[String]) -> PortResult<InvalidationNow> {
        self.change("invalidate")
    }
    async fn invalidation(&self, _: &Made) -> PortResult<InvalidationNow> {
        self.read()
    }
}

impl nightshift_deploy::Estate for Quiet {
    type Alarms = Self;
    type Images = Self;
    type Targets = Self;
    type Memory = Self;
    type Regions = Self;
    type Rechecks = Self;
    type People = Self;
    type Keys = Self;

    fn alarms(&self) -> &Self {
        self
    }
    fn images(&self) -> &Self {
        self
    }
    fn targets(&self) -> &Self {
        self
    }
    fn ledger(&self) -> &Self {
        self
    }
    fn regions(&self) -> &Self {
        self
    }
    fn rechecks(&self) -> &Self {
        self
    }
    fn people(&self) -> &Self {
        self
    }
    fn keys(&self) -> &Self {
        self
    }
}

impl nightshift_deploy::FrontEndEstate for Quiet {
    type FrontEnds = Self;
    type Timer = Self;
    type Edges = Self;
    type Told = Self;

    fn front_ends(&self) -> &Self {
        self
    }
    fn front_end_timer(&self) -> &Self {
        self
    }
    fn edges(&self) -> &Self {
        self
    }
    fn front_end_people(&self) -> &Self {
        self
    }
}
