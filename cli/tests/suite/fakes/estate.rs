//! An estate to look at: what alarms, metrics, tasks and ledger say. Whoever tries to change it fails the test.

use jiff::{SignedDuration, Timestamp};
use nightshift_core::alarms::MetricQuery;
use nightshift_core::fleet::{EcsService, TaskCount};
use nightshift_core::ledger::{HistoryEntry, LedgerView, ServiceKey, ServiceRecord};
use nightshift_core::notice::Message;
use nightshift_core::ports::{
    AlarmReader, GroupReader, GroupScaler, Ledger, Messenger, PortError, PortErrorKind, PortResult, RecheckRequest, RecheckScheduler,
    TaskReader, TaskScaler,
};
use nightshift_core::scale::{AlarmNow, GroupNow, InstanceRoom, MetricValue, OtherScaler, TaskNeed, TasksNow};
use nightshift_core::signal::AlarmState;
use nightshift_scale::Estate;

/// What is there.
#[derive(Clone)]
pub struct Looked {
    /// Names of alarms in ALARM; all others are OK.
    pub in_alarm: Vec<&'static str>,
    /// The value of every metric.
    pub value: f64,
    pub desired: u64,
    pub ledger: LedgerView,
    /// Reads that fail.
    pub broken: Vec<(&'static str, PortErrorKind)>,
    /// Instances under the tasks, and the room on each.
    pub rooms: Vec<InstanceRoom>,
}

impl Looked {
    pub fn quiet() -> Self {
        Self { in_alarm: Vec::new(), value: 50.0, desired: 2, ledger: LedgerView::default(), broken: Vec::new(), rooms: Vec::new() }
    }

    fn read<T>(&self, operation: &str, answer: T) -> PortResult<T> {
        match self.broken.iter().find(|(broken, _)| *broken == operation) {
            Some((_, kind)) => Err(PortError::new(*kind, operation, "as the test wishes")),
            None => Ok(answer),
        }
    }

    fn count(&self) -> TaskCount {
        TaskCount::saturating(self.desired)
    }
}

impl AlarmReader for Looked {
    async fn alarms_now(&self, names: &[String]) -> PortResult<Vec<AlarmNow>> {
        let state = |name: &String| if self.in_alarm.contains(&name.as_str()) { AlarmState::Alarm } else { AlarmState::Ok };
        let now = |name: &String| AlarmNow { name: name.clone(), state: state(name), since: None, suppressed_by: None };
        self.read("cloudwatch:DescribeAlarms", names.iter().map(now).collect())
    }

    async fn newest_values(&self, queries: &[MetricQuery], now: Timestamp) -> PortResult<Vec<Option<MetricValue>>> {
        let value = MetricValue { value: self.value, period_end: now.checked_sub(SignedDuration::from_secs(30)).unwrap() };
        self.read("cloudwatch:GetMetricData", vec![Some(value); queries.len()])
    }
}

impl TaskReader for Looked {
    async fn tasks_now(&self, _: &EcsService) -> PortResult<TasksNow> {
        let (desired, none) = (self.count(), TaskCount::saturating(0));
        let task_definition = "arn:aws:ecs:us-east-1:111122223333:task-definition/shop:1".to_owned();
        let now = TasksNow { status: "ACTIVE".to_owned(), desired, running: desired, pending: none, deployment: None, task_definition };
        self.read("ecs:DescribeServices", now)
    }

    async fn task_need(&self, _: &str) -> PortResult<TaskNeed> {
        self.read("ecs:DescribeTaskDefinition", TaskNeed { cpu: 512, memory: 512, host_ports: Vec::new(), has_own_interface: false })
    }

    async fn instances(&self, _: &str) -> PortResult<Vec<String>> {
        self.read("ecs:ListContainerInstances", vec!["instance".to_owned(); self.rooms.len()])
    }

    async fn instance_rooms(&self, _: &str, _: &[String]) -> PortResult<Vec<InstanceRoom>> {
        self.read("ecs:DescribeContainerInstances", self.rooms.clone())
    }

    async fn other_scaler(&self, _: &EcsService) -> PortResult<Option<OtherScaler>> {
        self.read("application-autoscaling:DescribeScalableTargets", None)
    }
}

impl TaskScaler for Looked {
    async fn set_desired_tasks(&self, _: &EcsService, _: TaskCount) -> PortResult<()> {
        panic!("a plan must not act");
    }
}

impl GroupReader for Looked {
    async fn group_now(&self, group: &str) -> PortResult<GroupNow> {
        let (one, three) = (TaskCount::saturating(1), TaskCount::saturating(3));
        let now =
            GroupNow { name: group.to_owned(), desired: one, min: one, max: three, in_service: one, refresh: None, other_scaler: None };
        self.read("autoscaling:DescribeAutoScalingGroups", now)
    }
}

impl GroupScaler for Looked {
    async fn set_group_capacity(&self, _: &str, _: TaskCount) -> PortResult<()> {
        panic!("a plan must not act");
    }
}

impl Ledger for Looked {
    async fn read(&self, _: &ServiceKey) -> PortResult<LedgerView> {
        self.read("dynamodb:BatchGetItem", self.ledger.clone())
    }

    async fn store(&self, _: &ServiceKey, _: u64, _: &ServiceRecord) -> PortResult<()> {
        panic!("a plan must not write");
    }

    async fn append(&self, _: &ServiceKey, _: &HistoryEntry) -> PortResult<()> {
        panic!("a plan must not write");
    }
}

impl RecheckScheduler for Looked {
    async fn schedule(&self, _: &RecheckRequest, _: &str) -> PortResult<()> {
        panic!("a plan must not schedule");
    }
}

impl Messenger for Looked {
    async fn publish(&self, _: &str, _: &Message) -> PortResult<()> {
        panic!("a plan must not tell anybody");
    }
}

impl Estate for Looked {
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
