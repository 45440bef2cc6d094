//! The one door through which every call of a look goes: counts it, can fail it, and can end the process before or after it.

use std::cell::{Cell, RefCell};
use std::future::Future;

use nightshift_core::ports::{PortError, PortErrorKind, PortResult};

/// What happens at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is refused, and nothing happens.
    Refused(PortErrorKind),
    /// It happens, and the answer is lost.
    AnswerLost,
    /// The process dies before it.
    DeathBefore,
    /// The process dies when it has happened.
    DeathAfter,
    /// The handler panics there.
    Panic,
}

/// The door.
#[derive(Default)]
pub struct Gate {
    calls: Cell<usize>,
    journal: RefCell<Vec<String>>,
    at: Cell<Option<(usize, Way)>>,
    named: RefCell<Option<(String, PortErrorKind)>>,
    is_dead: Cell<bool>,
    death: tokio::sync::Notify,
}

impl Gate {
    /// The next call but `after` goes this way; calls are counted from here.
    pub fn fail(&self, after: usize, way: Way) {
        self.calls.set(0);
        self.at.set(Some((after, way)));
    }

    /// Every call of this name fails until [`Gate::heal`].
    pub fn fail_named(&self, name: &str, kind: PortErrorKind) {
        *self.named.borrow_mut() = Some((name.to_owned(), kind));
    }

    pub fn heal(&self) {
        self.at.set(None);
        *self.named.borrow_mut() = None;
        self.is_dead.set(false);
    }

    /// The names of the calls since the last time, in order.
    pub fn take_journal(&self) -> Vec<String> {
        self.calls.set(0);
        std::mem::take(&mut *self.journal.borrow_mut())
    }

    /// Whether what was to happen has happened.
    pub fn has_struck(&self) -> bool {
        self.at.get().is_none()
    }

    /// Ends when the process is dead.
    pub async fn died(&self) {
        while !self.is_dead.get() {
            self.death.notified().await;
        }
    }

    pub async fn pass<T>(&self, name: &'static str, act: impl Future<Output = PortResult<T>>) -> PortResult<T> {
        nightshift_schedules::before(name).await;
        let answer = self.let_through(name, act).await;
        nightshift_schedules::after(name).await;
        answer
    }

    async fn let_through<T>(&self, name: &'static str, act: impl Future<Output = PortResult<T>>) -> PortResult<T> {
        let number = self.calls.replace(self.calls.get() + 1);
        self.journal.borrow_mut().push(name.to_owned());
        if let Some((bad, kind)) = &*self.named.borrow()
            && bad == name
        {
            return Err(PortError::new(*kind, name, "so the test wants it"));
        }
        let way = self.at.get().filter(|(at, _)| *at == number).map(|(_, way)| way);
        if way.is_some() {
            self.at.set(None);
        }
        match way {
            Some(Way::Refused(kind)) => Err(PortError::new(kind, name, "so the test wants it")),
            Some(Way::DeathBefore) => self.die().await,
            Some(Way::Panic) => panic!("so the test wants it, at {name}"),
            Some(Way::AnswerLost) => {
                act.await.ok();
                Err(PortError::new(PortErrorKind::Unavailable, name, "the answer was lost"))
            }
            Some(Way::DeathAfter) => {
                act.await.ok();
                self.die().await
            }
            None => act.await,
        }
    }

    async fn die<T>(&self) -> PortResult<T> {
        self.is_dead.set(true);
        self.death.notify_one();
        std::future::pending().await
    }
}
