//! What the `nightshift` command does, apart from the process around it: arguments in, words and an exit code out.
//!
//! Owns how people ask and are answered. Decides nothing about the estate itself: that is the core's, and the same code
//! that the functions run. Reads clock, terminal and environment only through [`World`], so that tests can be all three.

mod args;
mod aws;
mod books;
mod commands;
mod exit;
mod fleet_files;
mod scope;
mod times;
mod trouble;
mod world;

pub use books::{AlarmBook, CommandTaker, HistoryBook, OverrideBook, PauseBook};
pub use commands::alarms::{Consent, Place, sync};
pub use commands::history::{Shown, Wish, history};
pub use commands::overriding::{clear_override, override_bounds};
pub use commands::pauses::{pause, pauses, resume};
pub use commands::plan::{Planned, plan_now};
pub use commands::release::answer::{AnswerWish, answer_release};
pub use commands::release::list::{ListWish, list_releases};
pub use commands::release::send::{Sent, send};
pub use commands::release::show::{ShowWish, show_release};
pub use commands::release::stop::{StopWish, stop_release};
pub use commands::release::watch::watch_release;
pub use commands::replay::replay;
pub use exit::Exit;
pub use fleet_files::{ReadFleets, Unread, read as read_fleets};
pub use scope::Scope;
pub use world::World;

use std::ffi::OsString;

use clap::Parser;

use args::{Cli, Command};

/// Runs one command line; everything that people should read has been written when it returns.
pub fn run(args: impl IntoIterator<Item = OsString>, world: &mut World<'_>) -> Exit {
    let outcome = match Cli::try_parse_from(args) {
        Ok(cli) => obey(cli.command, world),
        Err(refusal) => return show_refusal(&refusal, world),
    };
    match outcome {
        Ok(exit) => exit,
        Err(error) => trouble::tell(&error, world),
    }
}

fn obey(command: Command, world: &mut World<'_>) -> anyhow::Result<Exit> {
    match command {
        Command::Check(args) => commands::check::run(&args, world),
        Command::Schema => commands::schema::run(world),
        Command::Alarms(command) => commands::alarms::run(command, world),
        Command::Pause(args) => commands::pauses::run_pause(args, world),
        Command::Resume(args) => commands::pauses::run_resume(args, world),
        Command::Pauses(args) => commands::pauses::run_pauses(&args, world),
        Command::Override(args) => commands::overriding::run(args, world),
        Command::History(args) => commands::history::run(&args, world),
        Command::Plan(args) => commands::plan::run(&args, world),
        Command::Release(command) => commands::release::run(command, world),
        Command::Deploy(args) => commands::release::deploy::run(args, world),
    }
}

/// Help and version come this way too; only a real refusal is wrong usage.
fn show_refusal(refusal: &clap::Error, world: &mut World<'_>) -> Exit {
    let text = refusal.render().to_string();
    match refusal.use_stderr() {
        false => {
            world.say(text.trim_end());
            Exit::Fine
        }
        true => {
            world.complain(text.trim_end());
            Exit::WrongUsage
        }
    }
}
