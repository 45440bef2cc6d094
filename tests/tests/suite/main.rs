//! What only shows across crates: the template against the code, the crates against one another, and everything together on
//! a local AWS with the built function.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests panic as tests do")]
#![allow(clippy::print_stdout, reason = "a test that dies on purpose says where")]

mod alarms;
mod bad_input;
mod dependencies;
mod growing;
mod harness;
mod observing;
mod operations;
mod page;
mod permissions;
mod releases_events;
mod releases_hands;
mod releases_permissions;
mod releases_regions;
mod releases_secrets;
mod releases_systems;
mod releases_world;
mod repeats;
mod rotation_samples;
mod rotations_abandoned;
mod rotations_handed_in;
mod rotations_permissions;
mod rotations_postgresql;
mod rotations_redis;
mod rotations_world;
mod rule;
mod shop;
mod stopping;
mod template;
mod without_ledger;
