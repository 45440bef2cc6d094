//! The function on an estate in memory: pages, answers, failures, and a thousand scanners.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod fake;
mod pages;
mod pipelines;
mod requests;
mod scanners;
mod schedules;
mod soak;
mod troubles;
/// The release that the core's own tests ask about.
#[allow(dead_code, reason = "the core's tests use the rest")]
#[path = "../../../../shared/core/tests/suite/approve/world.rs"]
mod world;
