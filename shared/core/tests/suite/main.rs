//! Integration tests of the pure core: one binary.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod alarms;
mod fleet;
mod scale_properties;
mod scale_table;
mod scale_world;
mod signals;
