//! The book in the ledger, as this invocation knows it: what is stored, and under whose lease.
//!
//! Every write is against the version that was read, so that of two invocations one wins. Never writes a book that somebody
//! else may have written since.

use jiff::{SignedDuration, Timestamp};
use nightshift_core::ledger::{Lease, ServiceKey};
use nightshift_core::ports::{PortError, PortErrorKind, PortResult};
use nightshift_core::release::Book;
use nightshift_core::release::ports::ReleaseLedger;

use crate::deps::Estate;
use crate::walk::Walk;

/// A lease outlives the invocation by this, so that a step in flight at the deadline is not overtaken.
const LEASE_MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// What the ledger holds of a service while this invocation works on it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    stored: Book,
    holds_lease: bool,
}

/// Whether a write keeps the service for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holding {
    Ours,
    Nobodys,
}

impl Kept {
    /// As it was read.
    pub(crate) fn read(stored: Book) -> Self {
        Self { stored, holds_lease: false }
    }

    /// What is stored.
    pub(crate) fn stored(&self) -> &Book {
        &self.stored
    }

    pub(crate) fn holds_lease(&self) -> bool {
        self.holds_lease
    }

    /// Whether this is what is stored, whoever holds the lease.
    pub(crate) fn is(&self, book: &Book) -> bool {
        let bare = |book: &Book| Book { version: 0, lease: None, ..book.clone() };
        bare(&self.stored) == bare(book)
    }

    /// Writes the book with this lease. One that is over gives the service free, and still tells our words from those of another
    /// invocation that came to the same. A write whose answer is missing is tried once more: the ledger knows its own words again.
    pub(crate) async fn store(
        &mut self,
        ledger: &impl ReleaseLedger,
        key: &ServiceKey,
        book: &Book,
        holding: Holding,
        lease: Lease,
    ) -> PortResult<()> {
        let next = Book { version: self.stored.version + 1, lease: Some(lease), ..book.clone() };
        let mut stored = ledger.store_book(key, self.stored.version, &next).await;
        if stored.as_ref().is_err_and(|error| matches!(error.kind, PortErrorKind::Unavailable | PortErrorKind::Throttled)) {
            stored = ledger.store_book(key, self.stored.version, &next).await;
        }
        stored?;
        self.holds_lease = holding == Holding::Ours;
        self.stored = next;
        Ok(())
    }
}

impl<E: Estate> Walk<'_, E> {
    /// The book as it is to be, with a lease of ours; what it says may be told then.
    pub(crate) async fn store_with_lease(&mut self) -> PortResult<()> {
        self.store(Holding::Ours).await
    }

    /// Writes the book; does nothing where there is none that may be written.
    pub(crate) async fn store(&mut self, holding: Holding) -> PortResult<()> {
        let Some(kept) = self.kept.as_mut() else { return Ok(()) };
        let until = match holding {
            Holding::Ours => self.invocation.deadline.saturating_add(LEASE_MARGIN).unwrap_or(Timestamp::MAX),
            Holding::Nobodys => self.began,
        };
        let lease = Lease { owner: self.invocation.request_id.clone(), until };
        kept.store(self.deps.estate.ledger(), &self.call.key, &self.book, holding, lease).await?;
        self.book.version = kept.stored().version;
        self.is_kept |= self.is_taken_in;
        self.notes.append(&mut self.fresh);
        Ok(())
    }

    /// Whether somebody else was first, before anything was done or noted here.
    pub(crate) fn is_first(&self, error: &PortError) -> bool {
        let has_written = self.kept.as_ref().is_some_and(Kept::holds_lease);
        error.kind == PortErrorKind::Conflict && self.steps.is_empty() && !has_written
    }

    /// What is not stored is neither told nor taken for true.
    pub(crate) fn forget(&mut self) {
        self.book = self.kept.take().map_or_else(|| self.before.clone(), |kept| kept.stored().clone());
    }
}
