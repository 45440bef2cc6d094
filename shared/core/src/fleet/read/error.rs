//! What is wrong with a fleet file, told so that a person can put it right: where, what, and what to write instead.
//!
//! Owns the form of the messages; must never say that something is wrong without a remedy.

use std::fmt;

use super::tree::Place;

/// The kinds of mistakes, each with a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FleetErrorCode {
    /// Not YAML, or YAML that a fleet file does not use.
    Syntax,
    /// A version that this Nightshift does not read.
    Version,
    /// A field or choice that does not exist.
    Unknown,
    /// Something that must be written is not there.
    Missing,
    /// A value that cannot be.
    Value,
    /// The same thing twice.
    Duplicate,
    /// Two things that are right alone and wrong together.
    Conflict,
}

impl FleetErrorCode {
    /// The stable code, as logs and docs/operations.md have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "fleet-syntax",
            Self::Version => "fleet-version",
            Self::Unknown => "fleet-unknown-field",
            Self::Missing => "fleet-missing-field",
            Self::Value => "fleet-bad-value",
            Self::Duplicate => "fleet-duplicate",
            Self::Conflict => "fleet-conflict",
        }
    }
}

impl fmt::Display for FleetErrorCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// One mistake in a fleet file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FleetError {
    /// What kind of mistake.
    pub code: FleetErrorCode,
    /// The file's name as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters are meant; at least 1.
    pub length: usize,
    /// The line of the file.
    pub source_line: String,
    /// What is wrong.
    pub problem: String,
    /// What to write instead.
    pub help: String,
}

impl fmt::Display for FleetError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, problem, source_line, help, .. } = self;
        let indent = " ".repeat(self.column.saturating_sub(1));
        let carets = "^".repeat(self.length);
        writeln!(out, "{file}:{line}:{column}: {problem}")?;
        writeln!(out, "{line:>5} | {}", source_line.replace('\t', " "))?;
        writeln!(out, "      | {indent}{carets}")?;
        write!(out, "help: {help}")
    }
}

/// Everything that is wrong with the fleet files; never empty. `Display` shows all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetErrors {
    errors: Vec<FleetError>,
}

impl FleetErrors {
    /// The mistakes in the order of files and lines.
    pub fn errors(&self) -> &[FleetError] {
        &self.errors
    }

    /// For a reader that gave up without a word, so that no file is ever taken for read that was not.
    pub(super) fn unexplained(file: &str) -> Self {
        let (problem, help) = ("this file could not be read".to_owned(), "compare it with docs/fleet-file.md".to_owned());
        let code = FleetErrorCode::Syntax;
        let error = FleetError { code, file: file.to_owned(), line: 1, column: 1, length: 1, source_line: String::new(), problem, help };
        Self { errors: vec![error] }
    }

    /// The mistakes, taken out.
    pub fn into_errors(self) -> Vec<FleetError> {
        self.errors
    }
}

impl fmt::Display for FleetErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            writeln!(out, "{error}\n")?;
        }
        match self.errors.len() {
            1 => write!(out, "1 mistake in the fleet files"),
            count => write!(out, "{count} mistakes in the fleet files"),
        }
    }
}

impl std::error::Error for FleetErrors {}

/// The text of a file by lines, to show them again.
pub(super) struct Source<'a> {
    file: &'a str,
    lines: Vec<&'a str>,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, lines: lines_of(text) }
    }

    /// The character at a place (line and column from 1).
    pub(super) fn character(&self, line: usize, column: usize) -> Option<char> {
        self.lines.get(line.checked_sub(1)?)?.chars().nth(column.checked_sub(1)?)
    }

    pub(super) fn line(&self, line: usize) -> &'a str {
        line.checked_sub(1).and_then(|index| self.lines.get(index)).copied().unwrap_or_default()
    }

    /// Places come from the parser, which may point behind the last line or character: the nearest there is, is shown.
    fn locate(&self, place: Place) -> (usize, usize, usize, &'a str) {
        let line = place.line.clamp(1, self.lines.len().max(1));
        let source_line = self.line(line);
        let width = source_line.chars().count();
        let column = if line < place.line { width + 1 } else { place.column.clamp(1, width + 1) };
        let length = place.length.clamp(1, (width + 1).saturating_sub(column).max(1));
        (line, column, length, source_line)
    }
}

/// Lines as YAML ends them: line feed, carriage return, or both.
fn lines_of(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        lines.extend(line.split('\r'));
    }
    if lines.len() > 1 && lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    lines
}

/// Collects the mistakes of one file.
pub(super) struct Report<'a> {
    source: Source<'a>,
    errors: Vec<FleetError>,
}

impl<'a> Report<'a> {
    pub(super) fn new(source: Source<'a>) -> Self {
        Self { source, errors: Vec::new() }
    }

    pub(super) fn source(&self) -> &Source<'a> {
        &self.source
    }

    pub(super) fn add(&mut self, code: FleetErrorCode, place: Place, problem: impl Into<String>, help: impl Into<String>) {
        let (line, column, length, source_line) = self.source.locate(place);
        let (file, source_line) = (self.source.file.to_owned(), source_line.to_owned());
        self.errors.push(FleetError { code, file, line, column, length, source_line, problem: problem.into(), help: help.into() });
    }

    pub(super) fn count(&self) -> usize {
        self.errors.len()
    }

    pub(super) fn into_errors(self) -> Vec<FleetError> {
        self.errors
    }
}

/// The mistakes of all files in order, or none.
pub(super) fn sorted(mut errors: Vec<FleetError>, files: &[&str]) -> Result<(), FleetErrors> {
    if errors.is_empty() {
        return Ok(());
    }
    let order = |error: &FleetError| files.iter().position(|file| *file == error.file);
    errors.sort_by_key(|error| (order(error), error.line, error.column));
    Err(FleetErrors { errors })
}
