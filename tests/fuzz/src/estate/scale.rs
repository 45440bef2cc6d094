//! The estate of `scale`.

use nightshift_core::fleet::{EcsService, TaskCount};
use nightshift_core::ledger::{HistoryEntry, LedgerView, ServiceKey, ServiceRecord};
use nightshift_core::ports::{GroupReader, GroupScaler, Ledger, PortResult, TaskReader, TaskScaler};
use nightshift_core::scale::{GroupNow, InstanceRoom, OtherScaler, TaskNeed, TasksNow};

use super::Quiet;

impl TaskReader for Quiet {
    async fn tasks_now(&self, _: &EcsService) -> PortResult<TasksNow> {
        self.read()
    }
    async fn task_need(&self, _: &str) -> PortResult<TaskNeed> {
        self.read()
    }
    async fn instances(&self, _: &str) -> PortResult<Vec<String>> {
        self.read()
    }
    async fn instance_rooms(&self, _: &str, _: &[String]) -> PortResult<Vec<InstanceRoom>> {
        self.read()
    }
    async fn other_scaler(&self, _: &EcsService) -> PortResult<Option<OtherScaler>> {
        self.read_none(None)
    }
}

impl TaskScaler for Quiet {
    async fn set_desired_tasks(&self, _: &EcsService, _: TaskCount) -> PortResult<()> {
        self.change("set_desired_tasks")
    }
}

impl GroupReader for Quiet {
    async fn group_now(&self, _: &str) -> PortResult<GroupNow> {
        self.read()
    }
}

impl GroupScaler for Quiet {
    async fn set_group_capacity(&self, _: &str, _: TaskCount) -> PortResult<()> {
        self.change("set_group_capacity")
    }
}

impl Ledger for Quiet {
    async fn read(&self, _: &ServiceKey) -> PortResult<LedgerView> {
        self.read_ledger(LedgerView::default())
    }
    async fn store(&self, _: &ServiceKey, _: u64, _: &ServiceRecord) -> PortResult<()> {
        self.note_in_ledger(())
    }
    async fn append(&self, _: &ServiceKey, _: &HistoryEntry) -> PortResult<()> {
        self.note_in_ledger(())
    }
}

impl nightshift_scale::Estate for Quiet {
    type Alarms = Self;
    type Tasks = Self;
    type Groups = Self;
    type Memory = Self;
    type Rechecks = Self;
    type People = Self;

    fn alarms(&self) -> &Self {
        self
    }
    fn tasks(&self) -> &Self {
        self
    }
    fn groups(&self) -> &Self {
        self
    }
    fn ledger(&self) -> &Self {
        self
    }
    fn rechecks(&self) -> &Self {
        self
    }
    fn people(&self) -> &Self {
        self
    }
}
