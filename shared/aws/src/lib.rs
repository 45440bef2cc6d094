//! The ports of `nightshift-core` on AWS: one file per service, each built from one `SdkConfig`, so that a function makes
//! only the clients that it uses.
//!
//! Owns every call to AWS, reading all pages and looking at every batch's failed items. Must never decide anything: no
//! cooldown, no bound, no retry beyond the SDK's own.

mod application_autoscaling;
mod autoscaling;
mod cloudwatch;
mod config;
mod dynamodb;
mod ecs;
mod error;
mod pages;
mod scheduler;
mod sns;
mod transport;

pub use autoscaling::AutoScalingGroups;
pub use cloudwatch::CloudWatch;
pub use config::{CallLimits, ConfigError, VARIABLES, sdk_config, sdk_config_with};
pub use dynamodb::{DynamoLedger, HistoryQuery, Keep};
pub use ecs::EcsServices;
pub use scheduler::OneTimeSchedules;
pub use sns::SnsTopics;
