//! Everything around the command that a test wants to be: the terminal, the clock, the environment.

use std::io::{BufRead, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The world as the command sees it.
pub struct World<'a> {
    /// Standard output: answers.
    pub out: &'a mut dyn Write,
    /// Standard error: what went wrong, and remarks.
    pub err: &'a mut dyn Write,
    /// Standard input: a person's answer, or a file.
    pub input: &'a mut dyn BufRead,
    /// Whether a person can be asked.
    pub is_terminal: bool,
    /// The time at which the command was given.
    pub now: Timestamp,
    /// The time by now, for commands that wait for people or for what they follow.
    pub clock: &'a dyn Fn() -> Timestamp,
    /// The person's time zone.
    pub zone: TimeZone,
    /// The environment.
    pub lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl World<'_> {
    /// Writes a line for people or machines to read. Whoever reads may stop reading (`nightshift history | head`).
    pub fn say(&mut self, line: impl AsRef<str>) {
        let _ = writeln!(self.out, "{}", line.as_ref());
    }

    /// Writes a line about what went wrong.
    pub fn complain(&mut self, line: impl AsRef<str>) {
        let _ = writeln!(self.err, "{}", line.as_ref());
    }

    /// Asks a question that only `y` or `yes` answers with yes.
    pub fn is_agreed(&mut self, question: &str) -> bool {
        let _ = write!(self.out, "{question} [y/N] ");
        let _ = self.out.flush();
        let mut answer = String::new();
        let is_read = self.input.read_line(&mut answer).is_ok();
        is_read && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// Reads a line that a person types after being asked, or that something else has written; none if there is none.
    pub fn answer_to(&mut self, question: &str) -> Option<String> {
        if self.is_terminal {
            let _ = write!(self.out, "{question} ");
            let _ = self.out.flush();
        }
        let mut answer = String::new();
        self.input.read_line(&mut answer).ok()?;
        let answer = answer.trim();
        (!answer.is_empty()).then(|| answer.to_owned())
    }

    /// A variable of the environment; an empty one is none.
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }
}
