//! A local AWS for the end-to-end tests and the demo: starts it, deploys the template and the systems on it as a person
//! would, puts load on metrics, and looks at what came of it.
//!
//! Knows the emulator's ways; must never know the function's insides beyond what it answers, tells and writes down.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a harness ends a test by panicking")]
#![allow(clippy::print_stderr, reason = "tests and the demo tell what they wait for")]

mod browser;
mod deploy;
mod estate;
mod fleet;
mod http;
mod local_aws;
mod nightshift;
pub mod project;
mod region;
mod releases;
mod rotation;
pub mod template;
mod waiting;

pub use browser::{Scheme, Visit, local_page};
pub use deploy::{Deployment, Mode};
pub use fleet::FleetFile;
pub use http::{Answer, Http};
pub use local_aws::{ACCOUNT, LocalAws, Permissions, REGION};
pub use nightshift::{Nightshift, Notice, Said};
pub use region::{Fate, Refresh, Region};
pub use releases::Question;
pub use rotation::{Rotation, STEPS, StepFailed};
pub use waiting::{holds_for, wait_until};
