//! What every Nightshift function shares around its decision: configuration from the environment, start-up, the deadline,
//! log and metric lines, and errors with a stable code and a class.
//!
//! Knows Lambda, knows no AWS service. Nothing that belongs to one invocation outlives it here.

mod answer;
mod config;
mod error;
mod fleet_files;
mod invocation;
mod lines;
mod run;

pub use answer::one_answer;
pub use config::{Config, ConfigError, ENVIRONMENT, Variables};
pub use error::{ErrorClass, HandlerError};
pub use fleet_files::{FleetSource, fleet_paths, load_fleets};
pub use invocation::Invocation;
pub use lines::{embedded_metrics, ignored_line, metric_line, summary_line};
pub use run::{Handler, run};
