//! Integration tests of the pure core: one binary.
mod alarms;
mod fleet;
mod scale_properties;
mod scale_table;
mod scale_world;
mod signals;
