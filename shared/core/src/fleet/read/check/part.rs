//! A part of a fleet file: what is said about it is said at its place.
//!
//! Owns what many checks ask of any part: nothing twice in a list, a length of time between two others.

use super::{Field, Item, Scene, Step};
use crate::fleet::Seconds;
use crate::fleet::read::error::FleetErrorCode::{self, Duplicate, Value};

/// A part of a file by the way to it.
pub(super) struct Part<'p, 'a, 's> {
    scene: &'p mut Scene<'a, 's>,
    way: Vec<Step<'p>>,
}

/// The least and the most that a length of time may be.
pub(super) struct Lengths {
    pub least: Seconds,
    pub most: Seconds,
}

impl Lengths {
    pub(super) fn contains(&self, length: Seconds) -> bool {
        (self.least..=self.most).contains(&length)
    }
}

impl<'p, 'a, 's> Part<'p, 'a, 's> {
    pub(super) fn new(scene: &'p mut Scene<'a, 's>, way: Vec<Step<'p>>) -> Self {
        Self { scene, way }
    }

    /// A part of this part.
    pub(super) fn part<'q>(&'q mut self, rest: &[Step<'q>]) -> Part<'q, 'a, 's> {
        let way = [self.way.as_slice(), rest].concat();
        Part { scene: self.scene, way }
    }

    pub(super) fn complain(&mut self, rest: &[Step<'_>], code: FleetErrorCode, problem: impl Into<String>, help: impl Into<String>) {
        let way = [self.way.as_slice(), rest].concat();
        self.scene.complain(&way, code, problem, help);
    }

    /// Whether a field was taken out (with "", whether anything was): its absence is told already.
    pub(super) fn lost(&self, rest: &[Step<'_>], field: &str) -> bool {
        self.scene.lost(&[self.way.as_slice(), rest].concat(), field)
    }

    /// Whether something was taken out elsewhere in the file, by the way from its root (with "", anything).
    pub(super) fn was_taken_out(&self, way: &[Step<'_>], field: &str) -> bool {
        self.scene.was_taken_out(way, field)
    }

    fn line(&self, rest: &[Step<'_>]) -> usize {
        self.scene.place(&[self.way.as_slice(), rest].concat()).map_or(0, |place| place.line)
    }

    /// This part is a list: the second of two items that have the same text in a field (with "", that are the same text).
    pub(super) fn refuse_twice<'n>(&mut self, field: &str, texts: impl Iterator<Item = &'n str>, help: &str) {
        let list = match self.way.last() {
            Some(Field(name)) => (*name).to_owned(),
            _ => "the list".to_owned(),
        };
        let what = if field.is_empty() { String::new() } else { format!("the {field} ") };
        let step = |index: usize| if field.is_empty() { vec![Item(index)] } else { vec![Item(index), Field(field)] };
        let texts: Vec<&str> = texts.collect();
        for (index, text) in texts.iter().enumerate() {
            let Some(first) = texts.iter().take(index).position(|other| other == text) else { continue };
            let line = self.line(&step(first));
            let problem = format!("{what}`{text}` stands twice in `{list}`; the first is in line {line}");
            self.complain(&step(index), Duplicate, problem, help);
        }
    }

    /// A length of time that is too short or too long.
    pub(super) fn refuse_length(&mut self, field: &str, length: Seconds, lengths: &Lengths, why: &str) {
        let Lengths { least, most } = lengths;
        if lengths.contains(length) {
            return;
        }
        let wrong = if length < *least { "short" } else { "long" };
        self.complain(&[Field(field)], Value, format!("{length} is too {wrong}: {why}"), format!("write {least} to {most}"));
    }
}
