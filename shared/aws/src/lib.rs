//! The ports of `nightshift-core` on AWS: one file per service, each built from one `SdkConfig`, so that a function makes
//! only the clients that it uses.
//!
//! Owns every call to AWS, reading all pages and looking at every batch's failed items. Must never decide anything: no
//! cooldown, no bound, no retry beyond the SDK's own.

mod application_autoscaling;
mod autoscaling;
mod call;
mod cloudfront;
mod cloudwatch;
mod codepipeline;
mod config;
mod deadline;
mod dynamodb;
mod ecr;
mod ecs;
mod elasticache;
mod error;
mod events;
mod invoke;
mod pages;
mod scheduler;
mod secrets;
mod secrets_manager;
mod sns;
mod targets;
mod transport;

pub use autoscaling::AutoScalingGroups;
pub use call::{AwsCaller, Form, RestAnswer, RestRequest, Xml, services};
pub use cloudfront::CloudFrontEdges;
pub use cloudwatch::CloudWatch;
pub use codepipeline::Pipelines;
pub use config::{CallLimits, ConfigError, VARIABLES, sdk_config, sdk_config_with};
pub use deadline::within;
pub use dynamodb::{DynamoLedger, HistoryQuery, Keep};
pub use ecr::EcrImages;
pub use ecs::EcsServices;
pub use elasticache::CacheGroups;
pub use events::RegionBuses;
pub use invoke::{FunctionAnswer, Functions, ReleaseReaders};
pub use scheduler::OneTimeSchedules;
pub use secrets::ApprovalSecret;
pub use secrets_manager::{ManagedSecrets, RotationSetup};
pub use sns::SnsTopics;
pub use targets::ReleaseTargets;
