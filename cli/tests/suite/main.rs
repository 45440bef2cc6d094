//! The command line as people type it and read it, on a stage that is terminal, clock and environment; AWS is played by fakes.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod alarms;
mod arguments;
mod check;
mod fakes;
mod history;
mod pauses;
mod plan;
mod releases;
mod secrets;
mod stage;
