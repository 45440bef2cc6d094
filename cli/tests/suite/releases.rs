//! `release …` and `deploy` on a fake ledger and a fake function.

mod approve;
mod commands;
mod deploy;
mod list;
mod show;
mod stop;
mod watch;
mod world;
