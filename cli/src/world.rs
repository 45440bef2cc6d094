//! Everything around the command that a test wants to be: the terminal, the clock, the environment.

use std::io::{BufRead, Read, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nightshift_core::rotation::SecretText;
use zeroize::Zeroizing;

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
    /// Asks a person for something that is not shown while it is typed; none if standard input is no terminal.
    pub ask_unseen: &'a dyn Fn(&str) -> Option<std::io::Result<String>>,
    /// Something that was never there before: 32 to 64 characters, random.
    pub new_id: &'a dyn Fn() -> String,
}

/// A key is one line of so many bytes at most: Secrets Manager takes 65,536 (Secrets Manager quotas).
const LONGEST_SECRET: u64 = 65_536;

/// Why no secret was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRead {
    /// There was nothing.
    Nothing,
    /// It was more than one line, or too long.
    TooMuch,
    /// It begins or ends with a blank, which no issuer's key does and a copied one easily.
    Blanks,
    /// It is no UTF-8 text.
    NoText,
    /// Terminal or standard input refuse.
    Failed(std::io::ErrorKind),
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

    /// Reads a secret: asked for and not shown where standard input is a terminal, else the one line that is there. The end of
    /// the line does not belong to it.
    pub fn secret(&mut self, question: &str) -> Result<SecretText, NotRead> {
        let typed = match (self.ask_unseen)(question) {
            Some(typed) => SecretText::new(typed.map_err(|error| NotRead::Failed(error.kind()))?),
            None => self.one_line()?,
        };
        let line = typed.reveal().trim_end_matches(['\r', '\n']);
        match (line.trim().is_empty(), line.contains(['\r', '\n'])) {
            (true, _) => Err(NotRead::Nothing),
            (false, true) => Err(NotRead::TooMuch),
            (false, false) if line.trim() != line => Err(NotRead::Blanks),
            (false, false) => Ok(SecretText::new(line.to_owned())),
        }
    }

    /// All of standard input, which has to be one line.
    fn one_line(&mut self) -> Result<SecretText, NotRead> {
        // Of the right size from the beginning: memory that grows leaves pieces behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_SECRET as usize + 3));
        let input: &mut dyn BufRead = self.input;
        input.take(LONGEST_SECRET + 3).read_to_end(&mut bytes).map_err(|error| NotRead::Failed(error.kind()))?;
        if bytes.len() as u64 > LONGEST_SECRET + 2 {
            return Err(NotRead::TooMuch);
        }
        std::str::from_utf8(&bytes).map(|text| SecretText::new(text.to_owned())).map_err(|_| NotRead::NoText)
    }

    /// A variable of the environment; an empty one is none.
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }
}
