//! One seeded run: its dice, its clock, and what was called in it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::tasks::Tasks;

/// The most polls for which a call holds back at each of its two ends, so that calls made together end in any order.
const LONGEST_PAUSE: u32 = 3;

/// A call that an invocation made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// Which invocation: its place among those that run together.
    pub task: usize,
    /// The call's name.
    pub name: String,
    /// When, since the schedule began.
    pub at: Duration,
}

#[derive(Default)]
struct Shared {
    seed: u64,
    dice: RefCell<fastrand::Rng>,
    trace: RefCell<DefaultHasher>,
    calls: RefCell<Vec<Called>>,
    pauses: Cell<usize>,
    crash_at: Cell<Option<usize>>,
    dying: Cell<Option<usize>>,
    slowest: Cell<Duration>,
    began: Cell<Option<Instant>>,
}

/// One seeded run. A handle: clones are the same run.
#[derive(Clone)]
pub struct Schedule(Rc<Shared>);

impl Schedule {
    /// The run of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(Shared { seed, dice: RefCell::new(fastrand::Rng::with_seed(seed)), ..Shared::default() }))
    }

    /// The run's seed.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// A number below `end`, which is at least 1.
    pub fn below(&self, end: usize) -> usize {
        self.0.dice.borrow_mut().usize(..end)
    }

    /// True so many times in a hundred.
    pub fn chance(&self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub fn pick<'c, C>(&self, choices: &'c [C]) -> &'c C {
        choices.get(self.below(choices.len())).expect("there is something to choose from")
    }

    /// Into any order.
    pub fn shuffle<C>(&self, these: &mut [C]) {
        self.0.dice.borrow_mut().shuffle(these);
    }

    /// From now on calls take time on tokio's paused clock: up to this long, before and after they take effect together.
    pub fn calls_take_up_to(&self, slowest: Duration) {
        self.0.slowest.set(slowest);
    }

    /// The process that comes to the nth pause from here (counted from 0; each call has two) dies there.
    pub fn crash_at(&self, pause: usize) {
        self.0.crash_at.set(Some(self.0.pauses.get() + pause));
    }

    /// How many pauses there were.
    pub fn pauses(&self) -> usize {
        self.0.pauses.get()
    }

    /// Every call so far, in the order in which they began.
    pub fn calls(&self) -> Vec<Called> {
        self.0.calls.borrow().clone()
    }

    /// How many calls there were whose names start so.
    pub fn count(&self, name: &str) -> usize {
        self.0.calls.borrow().iter().filter(|call| call.name.starts_with(name)).count()
    }

    /// Drives a future on a paused clock of its own, which starts where the last one stood still.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        runtime.block_on(async {
            self.0.began.set(Some(Instant::now()));
            future.await
        })
    }

    /// How long [`Schedule::block_on`] has been at it.
    pub fn elapsed(&self) -> Duration {
        self.0.began.get().map_or(Duration::ZERO, |began| began.elapsed())
    }

    /// A clock that shows this time when [`Schedule::block_on`] begins.
    pub fn clock(&self, start: Timestamp) -> impl Fn() -> Timestamp + 'static {
        let schedule = self.clone();
        move || start + SignedDuration::try_from(schedule.elapsed()).expect("no run takes so long")
    }

    /// Runs these at once, each with a speed of its own; none for one that died.
    pub async fn together<F: Future>(&self, futures: impl IntoIterator<Item = F>) -> Vec<Option<F::Output>> {
        let mut tasks = Tasks::new(self, futures);
        poll_fn(|context| tasks.poll(context)).await
    }

    /// Runs one; none if it died.
    pub async fn alone<F: Future>(&self, future: F) -> Option<F::Output> {
        self.together([future]).await.pop().flatten()
    }

    /// Something happened that tells this run from others.
    pub fn note(&self, task: usize, what: &str) {
        (task, what).hash(&mut *self.0.trace.borrow_mut());
    }

    /// What tells this run from others: the order in which calls began and took effect, and what was noted.
    pub fn trace(&self) -> u64 {
        self.0.trace.borrow().finish()
    }

    pub(crate) fn begins(&self, task: usize, name: &str) {
        let at = self.elapsed();
        self.0.calls.borrow_mut().push(Called { task, name: name.to_owned(), at });
    }

    /// Lets others go first, for as long as the dice say.
    pub(crate) async fn pause(&self, task: usize) {
        let number = self.0.pauses.replace(self.0.pauses.get() + 1);
        if self.0.crash_at.get() == Some(number) {
            self.0.crash_at.set(None);
            self.0.dying.set(Some(task));
        }
        let slowest = usize::try_from(self.0.slowest.get().as_millis() / 2).expect("calls end");
        if slowest > 0 {
            let milliseconds = self.below(slowest + 1);
            tokio::time::sleep(Duration::from_millis(milliseconds as u64)).await;
        }
        let mut left = self.0.dice.borrow_mut().u32(1..=LONGEST_PAUSE);
        poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Whether this task is to die now.
    pub(crate) fn takes_death_of(&self, task: usize) -> bool {
        let is_it = self.0.dying.get() == Some(task);
        if is_it {
            self.0.dying.set(None);
        }
        is_it
    }
}
