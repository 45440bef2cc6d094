//! The function's handler on a hand-written estate in memory: one integration binary.
mod fake;
mod handler;
mod troubles;
