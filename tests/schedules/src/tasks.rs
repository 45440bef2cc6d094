//! The executor: of all that can go on, the dice say which does. One thread, no clock of its own.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::hook::Present;
use crate::schedule::Schedule;

/// The slowest task goes on so many times more seldom than the quickest.
const SPEEDS: usize = 12;

/// Whether a task can go on; tells whoever drives the executor.
struct Ready {
    is_ready: AtomicBool,
    driver: Mutex<Option<Waker>>,
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.is_ready.store(true, Ordering::Relaxed);
        if let Some(driver) = self.driver.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            driver.wake_by_ref();
        }
    }
}

struct Task<F: Future> {
    future: Option<Pin<Box<F>>>,
    output: Option<F::Output>,
    ready: Arc<Ready>,
    waker: Waker,
    speed: usize,
}

/// Invocations that run at once.
pub(crate) struct Tasks<'s, F: Future> {
    schedule: &'s Schedule,
    tasks: Vec<Task<F>>,
}

impl<F: Future> Task<F> {
    fn new(future: F, speed: usize) -> Self {
        let ready = Arc::new(Ready { is_ready: AtomicBool::new(true), driver: Mutex::new(None) });
        let waker = Waker::from(Arc::clone(&ready));
        Self { future: Some(Box::pin(future)), output: None, ready, waker, speed }
    }

    fn can_go_on(&self) -> bool {
        self.future.is_some() && self.ready.is_ready.load(Ordering::Relaxed)
    }
}

impl<'s, F: Future> Tasks<'s, F> {
    pub(crate) fn new(schedule: &'s Schedule, futures: impl IntoIterator<Item = F>) -> Self {
        let tasks = futures.into_iter().map(|future| Task::new(future, 1 + schedule.below(SPEEDS))).collect();
        Self { schedule, tasks }
    }

    /// Goes on with one after the other until all have ended or wait for time to pass.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Vec<Option<F::Output>>> {
        for task in &self.tasks {
            *task.ready.driver.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        }
        while let Some(index) = self.next() {
            self.go_on(index);
        }
        match self.tasks.iter().all(|task| task.future.is_none()) {
            true => Poll::Ready(self.tasks.iter_mut().map(|task| task.output.take()).collect()),
            false => Poll::Pending,
        }
    }

    fn next(&self) -> Option<usize> {
        let speeds = self.tasks.iter().map(|task| if task.can_go_on() { task.speed } else { 0 });
        let all: usize = speeds.clone().sum();
        if all == 0 {
            return None;
        }
        let mut left = self.schedule.below(all);
        speeds.enumerate().find(|(_, speed)| left.checked_sub(*speed).map(|rest| left = rest).is_none()).map(|(index, _)| index)
    }

    fn go_on(&mut self, index: usize) {
        let Some(task) = self.tasks.get_mut(index) else { return };
        let Some(future) = task.future.as_mut() else { return };
        task.ready.is_ready.store(false, Ordering::Relaxed);
        let present = Present::is(self.schedule, index);
        let polled = future.as_mut().poll(&mut Context::from_waker(&task.waker));
        let is_dead = self.schedule.takes_death_of(index);
        if is_dead || polled.is_ready() {
            task.future = None;
        }
        drop(present);
        if let (Poll::Ready(output), false) = (polled, is_dead) {
            task.output = Some(output);
        }
    }
}
