//! Real PostgreSQL and Redis servers for tests and the demo, and an HTTPS server beside them: each in a folder of its own, on
//! free ports of 127.0.0.1, stopped and cleared away when it is dropped, and also when the process ends in any other way.
//!
//! For Linux. A missing server is a panic that says what to install, never a skipped test. Nothing here may reach a function.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a harness ends a test by panicking")]

mod authority;
mod https;
mod postgresql;
mod process;
mod redis;

pub use authority::{Authority, Issued};
pub use https::HttpsServer;
pub use postgresql::Postgres;
pub use redis::{Keeps, Redis};
