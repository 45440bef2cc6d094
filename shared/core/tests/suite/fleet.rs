//! The fleet file: what is read from a good one, what is said about a bad one, what the calendar makes of a moment.

// Clippy's "allow in tests" does not reach helper functions of integration tests.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod calendar;
mod deploy_mistakes;
mod edges;
mod fleets;
mod good;
mod mistakes;
mod properties;
mod remedies;
mod schema;
mod secret_mistakes;
mod secrets;
mod systems;
mod tags;

use std::path::PathBuf;

use nightshift_core::fleet::{Fleet, FleetErrors, fleet_from_yaml};

/// A file that uses every field; the tests of mistakes change one thing in it.
pub const WHOLE: &str = include_str!("fleet/whole.yaml");

/// The systems of this checkout, by their folders.
pub const SYSTEMS: [&str; 5] = ["ecommerce", "ecs-postgres", "multi-region", "pizza", "stateless"];

pub fn read(text: &str) -> Fleet {
    fleet_from_yaml("fleet.yaml", text).unwrap_or_else(|errors| panic!("{errors}"))
}

pub fn errors(text: &str) -> FleetErrors {
    match fleet_from_yaml("fleet.yaml", text) {
        Ok(_) => panic!("no mistake was found in\n{text}"),
        Err(errors) => errors,
    }
}

/// The text with one thing changed, which must be there exactly once.
pub fn changed(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "not exactly once in the text: {from:?}");
    text.replacen(from, to, 1)
}

pub fn system_file(system: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../systems").join(system).join("fleet.yaml");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
