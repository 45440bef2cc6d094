//! Scaling one service: what was seen, what is wished, what is allowed, and the plan that comes of it.
//!
//! `decide` is the only place where it is decided; the function, the CLI's `plan`, replay and back-test all call it.

mod check;
mod decide;
mod limits;
mod observation;
mod placement;
mod plan;
mod policy;
mod reason;
mod wish;

pub use check::{Violation, check};
pub use decide::decide;
pub use observation::*;
pub use plan::*;
pub use policy::*;
pub(crate) use reason::clock;
pub use reason::{HoldReason, StepReason};
