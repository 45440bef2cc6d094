//! How long a call to a server may take. Whoever waits for a frozen server gets an answer in time all the same.

use std::time::Duration;

use nightshift_core::ports::{PortError, PortErrorKind};

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(10);
/// The server gives up this much before we do, so that it is the server that says how a statement ended.
const HEAD_START: Duration = Duration::from_secs(1);
/// A lock on a role is held for a moment; whoever holds it longer has a transaction open.
const LOCK: Duration = Duration::from_secs(3);

/// The limits of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    connect: Duration,
    whole: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self { connect: CONNECT, whole: WHOLE }
    }
}

impl TimeLimits {
    /// These limits, shortened to what is left.
    pub fn within(self, time_left: Duration) -> Self {
        let whole = self.whole.min(time_left);
        // Something has to be left for the question: a login that comes at the last moment would be worth nothing.
        Self { connect: self.connect.min(whole * 3 / 4), whole }
    }

    /// Until the server has accepted the login: name, TCP, TLS, password.
    pub fn connect(self) -> Duration {
        self.connect
    }

    /// From the first packet to the answer.
    pub fn whole(self) -> Duration {
        self.whole
    }

    /// How long the server may work on one statement.
    pub(crate) fn statement(self) -> Duration {
        self.whole.saturating_sub(HEAD_START).max(self.whole / 2)
    }

    /// How long a statement may wait for somebody else's lock.
    pub(crate) fn lock(self) -> Duration {
        LOCK.min(self.statement() / 2)
    }

    /// The whole call, cut off at its limit.
    pub(crate) async fn whole_call<T, E: From<PortError>>(self, operation: &str, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        cut_off(self.whole, operation, "the server did not answer", call).await
    }

    /// The part of a call until the login is accepted.
    pub(crate) async fn connecting<T, E: From<PortError>>(self, operation: &str, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        cut_off(self.connect, operation, "no connection came about", call).await
    }
}

async fn cut_off<T, E: From<PortError>>(
    limit: Duration,
    operation: &str,
    what: &str,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
        let milliseconds = limit.as_millis();
        let message = format!(
            "{what} within {milliseconds} ms; is it up, is it the right port, and do its security group and our subnets let us in?"
        );
        Err(PortError::new(PortErrorKind::Unavailable, operation, message).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_can_shorten_the_limits_and_never_lengthen_them() {
        let usual = TimeLimits::default();
        assert_eq!((usual.connect(), usual.whole()), (Duration::from_secs(5), Duration::from_secs(10)));
        assert_eq!(usual.within(Duration::from_secs(60)), usual);
        let short = usual.within(Duration::from_secs(2));
        assert_eq!((short.connect(), short.whole()), (Duration::from_millis(1500), Duration::from_secs(2)));
    }

    #[test]
    fn the_server_gives_up_before_we_do() {
        for seconds in [1, 2, 5, 10] {
            let limits = TimeLimits::default().within(Duration::from_secs(seconds));
            assert!(limits.lock() < limits.statement() && limits.statement() < limits.whole(), "{limits:?}");
        }
    }
}
