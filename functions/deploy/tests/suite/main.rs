//! The function's handler on a hand-written estate in memory: one integration binary.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod events;
mod fake;
mod front_end;
mod no_front_ends;
mod rotations;
mod schedules;
mod soak;
mod stories;
mod town;
mod troubles;
