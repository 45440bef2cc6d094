//! Damaged input for everything that parses: events, fleet files, links, secrets, what servers answer.
//!
//! Owns the targets, the damage that is done to real material, and an estate on which nothing may happen. A target is a
//! function of bytes that panics when a promise is broken; `tests/suite` runs each shortly and always the same, `run.py` has
//! libFuzzer run it for long. Must never need AWS.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a target tells by panicking")]

pub mod big;
pub mod estate;
pub mod functions;
pub mod mutate;
pub mod samples;
pub mod short;
pub mod targets;
