//! The book in the ledger, as this invocation knows it: what is stored, and under whose lease.
//!
//! Every write is against the version that was read, so that of two invocations one wins. Never writes a book that somebody
//! else may have written since.

use nightshift_core::ledger::{Lease, ServiceKey};
use nightshift_core::ports::{PortErrorKind, PortResult};
use nightshift_core::release::Book;
use nightshift_core::release::ports::ReleaseLedger;

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
