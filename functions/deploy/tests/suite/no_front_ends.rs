//! The front ends' ports of the fake estate: the fleets of these tests have none, so nothing is ever called.

use jiff::Timestamp;
use nightshift_core::ledger::HistoryEntry;
use nightshift_core::ports::PortResult;
use nightshift_core::release::front_end::{
    FrontEndKey, FrontEndLedger, FrontEndTimer, FrontEndView, InvalidationNow, Invalidator, Made, Stale, Takes, Uploads, Work,
};
use nightshift_deploy::FrontEndEstate;

use crate::fake::FakeEstate;

impl FrontEndLedger for FakeEstate {
    async fn note_arrival(&self, _: &FrontEndKey, _: &Stale, _: Timestamp) -> PortResult<Uploads> {
        unreachable!()
    }
    async fn note_look(&self, _: &FrontEndKey, _: Timestamp) -> PortResult<()> {
        unreachable!()
    }
    async fn read_front_end(&self, _: &FrontEndKey) -> PortResult<FrontEndView> {
        unreachable!()
    }
    async fn store_work(&self, _: &FrontEndKey, _: u64, _: &Work, _: Option<&Takes>) -> PortResult<()> {
        unreachable!()
    }
    async fn append_front_end(&self, _: &FrontEndKey, _: &HistoryEntry) -> PortResult<()> {
        unreachable!()
    }
}

impl FrontEndTimer for FakeEstate {
    async fn look_later(&self, _: &FrontEndKey, _: Timestamp, _: &str) -> PortResult<()> {
        unreachable!()
    }
}

impl Invalidator for FakeEstate {
    async fn invalidate(&self, _: &str, _: &str, _: &[String]) -> PortResult<InvalidationNow> {
        unreachable!()
    }
    async fn invalidation(&self, _: &Made) -> PortResult<InvalidationNow> {
        unreachable!()
    }
}

impl FrontEndEstate for FakeEstate {
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
