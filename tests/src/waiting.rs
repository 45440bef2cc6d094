//! Waiting for what happens somewhere else: looks again and again, and tells at the end what was seen last.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(100);
/// After so long a wait, say every so often what is waited for: a test that hangs tells where.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Looks until there is something; panics with what was seen last when `within` is over.
pub async fn wait_until<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    let mut tell_at = TELL_EVERY;
    loop {
        let seen = match look().await {
            Ok(found) => return found,
            Err(seen) => seen,
        };
        assert!(began.elapsed() < within, "waited {} s in vain until {what}; seen last: {seen}", within.as_secs());
        if began.elapsed() > tell_at {
            eprintln!("still waiting until {what}; seen: {seen}");
            tell_at += TELL_EVERY;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks for the whole of `during`; panics as soon as what should stay as it is does not.
pub async fn holds_for(what: &str, during: Duration, mut look: impl AsyncFnMut() -> Result<(), String>) {
    let began = Instant::now();
    while began.elapsed() < during {
        if let Err(seen) = look().await {
            panic!("{what} did not hold: after {:.1} s {seen}", began.elapsed().as_secs_f32());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
