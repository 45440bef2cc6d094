//! The pure half of Nightshift: what woke us (signals), what people wrote down (fleet), what is there (observation), what
//! to do about it (plan) and how it is told (rendering), with the ports through which effects happen.
//!
//! Nothing here reads a clock, does I/O, logs or rolls dice; CI proves from `cargo tree` that no runtime or SDK comes in.

pub mod alarms;
pub mod fleet;
pub mod ledger;
pub mod notice;
pub mod outcome;
pub mod ports;
pub mod release;
pub mod rotation;
pub mod scale;
pub mod signal;
