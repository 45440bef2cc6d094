//! An estate in which nothing is there, or nothing answers, behind the ports of all four functions.
//!
//! Every call is counted by what it could do. Must never let anything happen: whoever looks for a step that should not have
//! been taken finds its name in [`Calls::changes`].

mod approve;
mod deploy;
mod rotate;
mod scale;
mod shared;

use std::cell::RefCell;

use nightshift_core::ports::{PortError, PortErrorKind, PortResult};

/// How the estate answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// No call is answered.
    Away,
    /// What is named is not there; the ledger is empty and takes what is written.
    Empty,
    /// As [`Mood::Empty`], and the ledger cannot be reached.
    NoLedger,
}

impl Mood {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Away, Self::Empty, Self::NoLedger];
}

/// What was called.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// How many reads.
    pub reads: u64,
    /// How many calls that only write down, tell or arrange: the ledger, notices, schedules, other functions.
    pub notes: u64,
    /// The calls that change what runs, who may log in, or what people decided.
    pub changes: Vec<&'static str>,
}

/// The estate.
#[derive(Debug)]
pub struct Quiet {
    mood: Mood,
    calls: RefCell<Calls>,
}

impl Quiet {
    /// An estate in this mood.
    pub fn new(mood: Mood) -> Self {
        Self { mood, calls: RefCell::default() }
    }

    /// What was called since the last time that this was asked.
    pub fn take_calls(&self) -> Calls {
        self.calls.take()
    }

    fn read<T>(&self) -> PortResult<T> {
        self.calls.borrow_mut().reads += 1;
        match self.mood {
            Mood::Away => Err(away()),
            Mood::Empty | Mood::NoLedger => Err(PortError::new(PortErrorKind::NotFound, "quiet:read", "nothing is here")),
        }
    }

    /// A read that has an answer where nothing is there.
    fn read_none<T>(&self, nothing: T) -> PortResult<T> {
        self.calls.borrow_mut().reads += 1;
        if self.mood == Mood::Away { Err(away()) } else { Ok(nothing) }
    }

    fn read_ledger<T>(&self, nothing: T) -> PortResult<T> {
        self.calls.borrow_mut().reads += 1;
        if self.mood == Mood::Empty { Ok(nothing) } else { Err(away()) }
    }

    fn note(&self) -> PortResult<()> {
        self.calls.borrow_mut().notes += 1;
        if self.mood == Mood::Away { Err(away()) } else { Ok(()) }
    }

    fn note_in_ledger<T>(&self, answer: T) -> PortResult<T> {
        self.calls.borrow_mut().notes += 1;
        if self.mood == Mood::Empty { Ok(answer) } else { Err(away()) }
    }

    fn change<T>(&self, what: &'static str) -> PortResult<T> {
        self.calls.borrow_mut().changes.push(what);
        Err(away())
    }
}

fn away() -> PortError {
    PortError::new(PortErrorKind::Unavailable, "quiet:call", "nobody answers")
}
