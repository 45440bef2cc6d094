//! The servers whose passwords are changed or tried, behind the ports of `nightshift_core::rotation`.
//!
//! Owns connections, what they trust, how long they may take, and the words for what went wrong. Holds no connection between
//! two calls. A password, a connection string, a verifier or a hash is never in an error, a `Debug` or a `Display` of it.

mod channel_binding;
mod dial;
mod limits;
mod postgresql;
mod probe;
mod redis;
mod tls;
mod words;

use std::sync::Arc;
use std::time::Duration;

pub use limits::TimeLimits;

/// PostgreSQL, Redis and the issuers of keys. Implements `PostgresqlServer`, `RedisServer` and `KeyProbe`; clones share what
/// they trust, which is read at the first TLS connection.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    limits: TimeLimits,
    roots: Arc<tls::Roots>,
}

impl Servers {
    /// With the usual limits: 5 seconds to connect, 10 for a whole call.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same servers for a caller who has this much time left for one call. Never longer than the usual limits.
    pub fn within(&self, time_left: Duration) -> Self {
        Self { limits: self.limits.within(time_left), roots: Arc::clone(&self.roots) }
    }
}
