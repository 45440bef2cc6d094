//! The adapters on recorded answers: the bytes that AWS sends, through the SDK's own parsers, and what was asked for them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod approve;
mod autoscaling;
mod call;
mod cloudfront;
mod cloudwatch;
mod cloudwatch_alarms;
mod config;
mod dependencies;
mod ecr;
mod ecs;
mod ecs_placement;
mod elasticache;
mod events;
mod front_ends;
mod invoke;
mod ledger;
mod ledger_people;
mod other_scaler;
mod recorded;
mod releases;
mod rotations;
mod scheduler;
mod secret_canary;
mod secrets_manager;
mod sns;
mod targets;
