//! Seeded schedules of invocations on fakes: who goes next, how long a call takes, where a process dies.
//!
//! A fake says [`before`] and [`after`] each of its calls; outside of a schedule that does nothing. A [`Schedule`] polls the
//! invocations one at a time in the order of its dice, so that the same seed is the same run. [`Runs`] goes through the seeds,
//! [`soak`] measures memory, and `proof` writes down what was run. Not for product code.
//!
//! No library does this with plain futures: loom and shuttle want their own threads and locks in the product's place (and
//! tasks that are `Send`), madsim its own tokio, and turmoil simulates networks of hosts.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stderr, reason = "a test fails by panicking")]

mod hook;
mod proof;
mod runs;
mod schedule;
mod soak;
mod tasks;

pub use hook::{after, before, elapsed, is_scheduled};
pub use runs::{Kind, Runs, count_runs};
pub use schedule::{Called, Schedule};
pub use soak::Soak;
