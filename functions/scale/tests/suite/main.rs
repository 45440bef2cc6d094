//! The function's handler on a hand-written estate in memory: one integration binary.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod fake;
mod handler;
mod schedules;
mod soak;
mod troubles;
