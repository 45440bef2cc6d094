//! Integration tests of the pure core: one binary.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod alarms;
mod approve;
mod fleet;
mod front_end;
mod reasons;
mod release_blueprint;
mod release_gates;
mod release_properties;
mod release_rotations;
mod release_rules;
mod release_stories;
mod release_words;
mod release_world;
mod rotation_decisions;
mod rotation_town;
mod rotations;
mod scale_edges;
mod scale_outcomes;
mod scale_properties;
mod scale_table;
mod scale_world;
mod signals;
