//! When the calls of an invocation have to be over, whatever their own limits say.
//!
//! Belongs to the task that does the work, so that nothing of one invocation outlives it. Must never lengthen a call's limit.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

tokio::task_local! {
    static CALLS_END: Instant;
}

/// Does the work of one invocation; no call that it makes is waited for longer than `time` from now, and none is begun after.
pub async fn within<W: Future>(time: Duration, work: W) -> W::Output {
    match Instant::now().checked_add(time) {
        Some(end) => CALLS_END.scope(end, work).await,
        None => work.await,
    }
}

/// How long a call may take now; none where nobody set an end.
pub(crate) fn time_left() -> Option<Duration> {
    CALLS_END.try_with(|end| end.saturating_duration_since(Instant::now())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_end_holds_for_the_work_alone_and_comes_nearer() {
        assert_eq!(time_left(), None);
        within(Duration::from_secs(3), async {
            assert_eq!(time_left(), Some(Duration::from_secs(3)));
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(time_left(), Some(Duration::from_secs(1)));
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(time_left(), Some(Duration::ZERO));
        })
        .await;
        assert_eq!(time_left(), None);
    }
}
