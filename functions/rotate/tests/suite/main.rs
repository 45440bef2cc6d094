//! Tests of the `rotate` function.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests end by panicking, and say how much they did"
)]

mod aws;
mod canary;
mod contract;
mod crash;
mod estate;
mod fakes;
mod gate;
mod hand_over;
mod real;
mod schedules;
mod servers;
mod soak;
mod town;
