//! The `nightshift` command: hands the terminal, the clock and the environment to the library and ends with its exit code.

use std::io::{IsTerminal, stderr, stdin, stdout};
use std::process::ExitCode;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nightshift_cli::World;

fn main() -> ExitCode {
    let is_terminal = stdin().is_terminal() && stdout().is_terminal();
    let lookup = |name: &str| std::env::var(name).ok();
    let ask_unseen = |question: &str| stdin().is_terminal().then(|| rpassword::prompt_password(format!("{question} ")));
    let mut world = World {
        out: &mut stdout().lock(),
        err: &mut stderr().lock(),
        input: &mut stdin().lock(),
        is_terminal,
        now: whole_second(Timestamp::now()),
        clock: &|| whole_second(Timestamp::now()),
        zone: TimeZone::system(),
        lookup: &lookup,
        ask_unseen: &ask_unseen,
        new_id: &|| uuid::Uuid::new_v4().to_string(),
    };
    ExitCode::from(nightshift_cli::run(std::env::args_os(), &mut world).code())
}

/// People read seconds, and what is written down for them is to be read.
fn whole_second(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
