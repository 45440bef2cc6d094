//! Reading on after a mistake, so that one reading tells all of them.
//!
//! Each round reads the whole tree; a mistake is told, then put right as it was probably meant (a near name), taken out, or
//! replaced by a stand-in, and the next round begins. What follows only from a mistake that was told is not told.

use serde::Deserialize;

use super::deserialize::At;
use super::error::Report;
use super::explain;
use super::stand_in::{put_stand_in, stand_in_name};
use super::suggest::nearest;
use super::tree::{Entry, Node, NodeId, Tree, Value};
use super::trouble::{Complaint, Spot, Trouble};
use crate::fleet::Fleet;

/// A person who has this many mistakes told has enough to do; it also bounds the work on hostile input.
const MOST_MISTAKES: usize = 100;

/// The fleet as far as it can be read; what was wrong is in the report and replaced in the tree.
pub(super) fn read_all(tree: &mut Tree, root: NodeId, report: &mut Report<'_>) -> Option<Fleet> {
    // A told mistake needs at most a handful of rounds until everything that hangs on it is out of the way.
    for _ in 0..MOST_MISTAKES * 8 {
        let trouble = match Fleet::deserialize(At { tree, id: root }) {
            Ok(fleet) => return Some(fleet),
            Err(trouble) => trouble,
        };
        if report.count() >= MOST_MISTAKES || !repair(tree, &trouble, report) {
            return None;
        }
    }
    None
}

/// Tells a mistake if it is one of its own and takes it out of the way; false when nothing can be done.
fn repair(tree: &mut Tree, trouble: &Trouble, report: &mut Report<'_>) -> bool {
    match (trouble.spot, &trouble.complaint) {
        (None, _) => false,
        (Some(Spot::Key(map, value)), Complaint::UnknownField { field, known } | Complaint::UnknownChoice { choice: field, known }) => {
            explain::unknown(tree, map, value, field, known, report);
            let free = known.iter().copied().filter(|name| tree.field(map, name).is_none());
            match nearest(field, free) {
                Some(meant) => rename(tree, map, value, meant),
                None => forget(tree, map, value),
            }
        }
        (Some(Spot::Key(map, value)), Complaint::Said(message)) => {
            explain::said(tree, Spot::Key(map, value), message, report);
            let meant = stand_in_name(value);
            let is_choice = tree.key_of(map).is_some_and(|key| matches!(key, "metric" | "then"));
            if is_choice { tree.take_out(map) } else { rename(tree, map, value, &meant) }
        }
        (Some(Spot::Value(id)), Complaint::Missing(field)) => {
            let was_told = tree.node(id).is_some_and(|node| node.lost.iter().any(|lost| lost == field));
            if !was_told {
                explain::missing(tree, id, field, trouble.container, report);
            }
            put_stand_in(tree, id, trouble.container, field) || tree.take_out(id)
        }
        (Some(Spot::Value(id)), Complaint::UnknownChoice { choice, known }) => {
            explain::unknown_word(tree, id, choice, known, report);
            match nearest(choice, known.iter().copied()) {
                Some(meant) => replace_text(tree, id, meant),
                None => tree.take_out(id),
            }
        }
        (Some(spot), _) => {
            let id = match spot {
                Spot::Value(id) | Spot::Key(_, id) => id,
            };
            if tree.node(id).is_some_and(|node| node.lost.is_empty()) {
                explain::wrong_value(tree, spot, &trouble.complaint, report);
            }
            tree.take_out(id)
        }
    }
}

fn rename(tree: &mut Tree, map: NodeId, value: NodeId, name: &str) -> bool {
    let Some(Node { value: Value::Map(entries), .. }) = tree.node_mut(map) else { return false };
    let Some(entry) = entries.iter_mut().find(|entry| entry.value == value && entry.key != name) else { return false };
    entry.key = name.to_owned();
    true
}

/// Takes out a field that does not exist. Perhaps it was meant for one that is missing now: that is no second mistake.
fn forget(tree: &mut Tree, map: NodeId, value: NodeId) -> bool {
    let is_field = |entry: &Entry| entry.value == value;
    let stands = tree.node(map).is_some_and(|node| matches!(&node.value, Value::Map(entries) if entries.iter().any(is_field)));
    stands && tree.take_out(value)
}

fn replace_text(tree: &mut Tree, id: NodeId, meant: &str) -> bool {
    let Some(Node { value: Value::Scalar { text, .. }, .. }) = tree.node_mut(id) else { return false };
    if text == meant {
        return false;
    }
    *text = meant.to_owned();
    true
}
