//! What a fake says of its calls, and to which schedule.

use std::cell::RefCell;
use std::time::Duration;

use crate::schedule::Schedule;

thread_local! {
    static PRESENT: RefCell<Option<(Schedule, usize)>> = const { RefCell::new(None) };
}

/// Before a call takes effect: it is noted, and others may go first.
pub async fn before(name: &str) {
    if let Some((schedule, task)) = present() {
        schedule.begins(task, name);
        schedule.pause(task).await;
        schedule.note(task, name);
    }
}

/// When a call has taken effect and its caller does not know of it yet.
pub async fn after(name: &str) {
    if let Some((schedule, task)) = present() {
        schedule.note(task, name);
        schedule.pause(task).await;
    }
}

/// Whether a schedule says how long calls take.
pub fn is_scheduled() -> bool {
    PRESENT.with_borrow(Option::is_some)
}

/// How long the schedule's run has lasted, where there is one: a fake's clock goes on by so much.
pub fn elapsed() -> Duration {
    present().map_or(Duration::ZERO, |(schedule, _)| schedule.elapsed())
}

fn present() -> Option<(Schedule, usize)> {
    PRESENT.with_borrow(Clone::clone)
}

/// While it lives, calls are those of this task.
pub(crate) struct Present;

impl Present {
    pub(crate) fn is(schedule: &Schedule, task: usize) -> Self {
        PRESENT.set(Some((schedule.clone(), task)));
        Self
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        PRESENT.set(None);
    }
}
