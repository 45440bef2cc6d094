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

pub use args::SecretKey;
pub use books::{AlarmBook, CommandTaker, HistoryBook, OverrideBook, PauseBook, RotationDesk, SecretBook};
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
pub use commands::secrets::facts::Entry;
pub use commands::secrets::put::{PutWish, put_secret};
pub use commands::secrets::sync::{SchedulesWish, sync_schedules};
pub use commands::secrets::table::{SecretsWish, list_secrets};
pub use commands::secrets::unstick::{UnstickWish, unstick_secret};
pub use exit::Exit;
pub use fleet_files::{ReadFleets, Unread, read as read_fleets};
pub use scope::Scope;
pub use world::World;

use std::ffi::OsString;

use clap::Parser;

use args::{Cli, Command};

/// Runs one command line; everything that people should read has been written when it returns.
pub fn run(args: impl IntoIterator<Item = OsString>, world: &mut World<'_>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    let outcome = match Cli::try_parse_from(&args) {
        Ok(cli) => obey(cli.command, world),
        Err(refusal) if refusal.use_stderr() && takes_a_secret(&args) => return refuse_unseen(&refusal, world),
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
        Command::Secrets(args) => commands::secrets::run(args, world),
        Command::Secret(command) => commands::secrets::run_one(&command, world),
    }
}

/// Whether a word of this line may be a secret that somebody typed where it does not belong.
fn takes_a_secret(args: &[OsString]) -> bool {
    let is = |place: usize, word: &str| args.get(place).is_some_and(|typed| typed == word);
    args.len() > 2 && (is(1, "secret") || (is(1, "secrets") && is(2, "put")))
}

/// A refusal that repeats nothing of what was typed.
fn refuse_unseen(refusal: &clap::Error, world: &mut World<'_>) -> Exit {
    let what = refusal.kind().as_str().unwrap_or("the command line cannot be understood");
    world.complain(format!("error: {what}; what was typed is not repeated here, it may be a key"));
    world.complain(format!("{}\n\nUsage: nightshift secret put [OPTIONS] <SYSTEM/SECRET>", commands::secrets::value_as_argument()));
    Exit::WrongUsage
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
