//! Front ends: uploads on a small world in memory, with every call failing in turn, crowds, duplicates and crashes.

mod crowd;
mod fake;
mod story;
mod troubles;
