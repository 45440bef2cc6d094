//! How a command ends, as scripts see it.

/// The three exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or there was nothing to do.
    Fine,
    /// 1: something is wrong with what was looked at, or nothing (or not all) was done because of an error.
    Problems,
    /// 2: the command line cannot be understood, or lacks something.
    WrongUsage,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Problems => 1,
            Self::WrongUsage => 2,
        }
    }
}
