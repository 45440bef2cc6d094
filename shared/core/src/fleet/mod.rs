//! The fleet file, version 1: what people wrote down about one system.
//!
//! Owns the types, reading them strictly from YAML with every error at once, the checks that need more than one field,
//! calendars, and the JSON schema. Must never look at AWS or at a clock.

mod advice;
mod alarm_name;
mod amount;
mod approval;
mod calendar;
mod condition;
mod cron;
mod deploy;
mod file;
mod fleets;
mod front_end;
mod limits;
mod metric;
mod names;
mod path;
pub mod read;
mod rule;
mod runs_on;
mod scan_gate;
#[cfg(feature = "schema")]
pub mod schema;
mod secret;
mod tags;
mod times;
mod units;

pub use advice::{Advice, AdviceReason};
pub use alarm_name::{ALARM_PREFIX, alarm_for_rule, alarm_name};
pub use amount::{Amount, AmountFile, Seconds};
pub use approval::{ApprovalRule, Approver, Pipeline};
pub use calendar::{BoundsNow, BoundsSource, CalendarEntry, Frozen};
pub use condition::{Comparison, Condition, ConditionFile, MetricCondition};
pub use cron::{Cron, Zone};
pub use deploy::{Deploy, DeployTarget, DeployTargetFile, RotatedSecrets, TargetGroupFile};
pub use file::{Fleet, Notices, Service};
pub use fleets::{Fleets, ServiceRule};
pub use front_end::FrontEnd;
pub use limits::{Cooldown, FreezeFile, FreezeTime, FreezeWindow, Limits};
pub use metric::{Metric, Statistic};
pub use names::{ApproverName, FrontEndName, PathName, RuleName, ServiceName, StageName, SystemName};
pub use path::{DriftRule, OnFailure, Path, Replacement, Stage, Wave};
pub use read::{FleetError, FleetErrorCode, FleetErrors, fleet_from_yaml};
pub use rule::{Action, Direction, Rule};
pub use runs_on::{EcsService, GroupFile, GroupName, LoadBalancer, RunsOn, RunsOnFile};
pub use scan_gate::{AllowedFinding, FindingSeverity, ScanGate, WithoutResult};
pub use secret::{
    ConnectionFields, Elasticache, Issued, KeyEncoding, Keys, ManagedSecret, ManagedSecretFile, PasswordRule, Postgresql, PostgresqlUsers,
    Probe, Redis, RotationCron, RotationInterval, RotationSchedule, RotationScheduleFile, RotationTime, RotationWindow, SecretKind,
    SecretName, Tls,
};
pub use tags::{TagFilter, TagFilterFile, matches_pattern};
pub use units::{Bounds, BoundsFile, TaskCount};
