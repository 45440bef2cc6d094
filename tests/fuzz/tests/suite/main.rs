//! Every target shortly, each time the same; damaged events through whole functions; big and deep events.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test ends by panicking"
)]

mod big;
mod events;
mod probe;
mod targets;
