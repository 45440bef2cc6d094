//! The timeline on the terminal: relative time, who, what; printed at once.

use std::io::Write;
use std::time::Instant;

/// Prints as things happen.
pub struct Story {
    began: Instant,
}

impl Story {
    pub fn begin() -> Self {
        Self { began: Instant::now() }
    }

    /// One line of the timeline.
    pub fn tell(&self, who: &str, what: &str) {
        self.line(&format!("[{:6.1}s] {who:<14} {what}", self.began.elapsed().as_secs_f32()));
    }

    /// Text that belongs to the line before.
    pub fn indented(&self, text: &str) {
        text.lines().for_each(|line| self.line(&format!("{:26}| {line}", "")));
    }

    pub fn blank(&self) {
        self.line("");
    }

    /// A table; the first row is its head.
    pub fn table(&self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> =
            (0..columns).map(|column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0)).collect();
        for (index, row) in rows.iter().enumerate() {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            self.line(cells.join("  ").trim_end());
            if index == 0 {
                self.line(&widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("  "));
            }
        }
    }

    /// Whoever reads may have stopped reading; that is no reason to stop cleaning up.
    fn line(&self, line: &str) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}
