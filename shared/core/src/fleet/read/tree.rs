//! A YAML document as a tree whose every node knows its place in the file.
//!
//! Nodes live in one vector and are named by their index, so that the reader can take a wrong one out, put a stand-in in,
//! and go on to the next mistake. Must never hold anything but the text: what a value means, the types say.

/// A node's index in its tree.
pub(super) type NodeId = usize;

/// Line and column (from 1, in characters) and how many characters are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub line: usize,
    pub column: usize,
    pub length: usize,
}

/// One node.
#[derive(Debug)]
pub(super) struct Node {
    pub place: Place,
    pub value: Value,
    pub parent: Option<NodeId>,
    /// The fields that were taken out after their mistake was told: that they are missing now is no second mistake.
    pub lost: Vec<String>,
    /// Put in by the reader; nothing that is said about it concerns the writer.
    pub is_stand_in: bool,
}

#[derive(Debug)]
pub(super) enum Value {
    Scalar { text: String, is_plain: bool },
    List(Vec<NodeId>),
    Map(Vec<Entry>),
}

#[derive(Debug)]
pub(super) struct Entry {
    pub key: String,
    pub place: Place,
    pub value: NodeId,
}

/// What a plain scalar is in YAML 1.2's core schema.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Nothing,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
}

#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// One step on the way from the root to a node.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step<'a> {
    Field(&'a str),
    Item(usize),
}

impl Tree {
    pub(super) fn add(&mut self, place: Place, value: Value) -> NodeId {
        self.nodes.push(Node { place, value, parent: None, lost: Vec::new(), is_stand_in: false });
        self.nodes.len() - 1
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    pub(super) fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id)
    }

    pub(super) fn place(&self, id: NodeId) -> Place {
        self.node(id).map_or(Place { line: 1, column: 1, length: 1 }, |node| node.place)
    }

    pub(super) fn put_field(&mut self, map: NodeId, key: &str, place: Place, value: NodeId) {
        self.set_parent(value, map);
        if let Some(Node { value: Value::Map(entries), .. }) = self.node_mut(map) {
            entries.push(Entry { key: key.to_owned(), place, value });
        }
    }

    pub(super) fn put_item(&mut self, list: NodeId, value: NodeId) {
        self.set_parent(value, list);
        if let Some(Node { value: Value::List(items), .. }) = self.node_mut(list) {
            items.push(value);
        }
    }

    fn set_parent(&mut self, child: NodeId, parent: NodeId) {
        if let Some(node) = self.node_mut(child) {
            node.parent = Some(parent);
        }
    }

    /// Takes a node out of its parent and remembers there that it was; false for the root.
    pub(super) fn take_out(&mut self, id: NodeId) -> bool {
        let Some(parent) = self.node(id).and_then(|node| node.parent).and_then(|parent| self.node_mut(parent)) else {
            return false;
        };
        match &mut parent.value {
            Value::Map(entries) => {
                let keys = entries.iter().filter(|entry| entry.value == id).map(|entry| entry.key.clone());
                parent.lost.extend(keys);
                entries.retain(|entry| entry.value != id);
            }
            Value::List(items) => {
                parent.lost.push(String::new());
                items.retain(|item| *item != id);
            }
            Value::Scalar { .. } => {}
        }
        true
    }

    pub(super) fn field(&self, map: NodeId, key: &str) -> Option<&Entry> {
        match &self.node(map)?.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The name under which a node stands in its parent.
    pub(super) fn key_of(&self, id: NodeId) -> Option<&str> {
        match &self.node(self.node(id)?.parent?)?.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.value == id).map(|entry| entry.key.as_str()),
            _ => None,
        }
    }

    fn child(&self, id: NodeId, step: Step<'_>) -> Option<NodeId> {
        match (step, &self.node(id)?.value) {
            (Step::Field(key), Value::Map(_)) => self.field(id, key).map(|entry| entry.value),
            (Step::Item(index), Value::List(items)) => items.get(index).copied(),
            _ => None,
        }
    }

    /// The node at the end of a way; None also where the way leads through a stand-in.
    pub(super) fn find(&self, root: NodeId, way: &[Step<'_>]) -> Option<NodeId> {
        way.iter().try_fold(root, |id, step| self.child(id, *step)).filter(|found| !self.stands_in(*found))
    }

    /// Whether something stands at the end of a way.
    pub(super) fn reaches(&self, root: NodeId, way: &[Step<'_>]) -> bool {
        way.iter().try_fold(root, |id, step| self.child(id, *step)).is_some()
    }

    fn stands_in(&self, id: NodeId) -> bool {
        let mut at = Some(id);
        while let Some(node) = at.and_then(|id| self.node(id)) {
            if node.is_stand_in {
                return true;
            }
            at = node.parent;
        }
        false
    }
}

impl Node {
    /// What a scalar means; None for lists and maps.
    pub(super) fn scalar(&self) -> Option<Scalar<'_>> {
        match &self.value {
            Value::Scalar { text, is_plain: false } => Some(Scalar::Text(text)),
            Value::Scalar { text, is_plain: true } => Some(plain(text)),
            Value::List(_) | Value::Map(_) => None,
        }
    }
}

/// YAML 1.2's core schema, without octal and hexadecimal numbers, which nobody means here.
fn plain(text: &str) -> Scalar<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Nothing,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        _ => {}
    }
    let starts_as_number = text.trim_start_matches(['+', '-', '.']).starts_with(|first: char| first.is_ascii_digit());
    if !starts_as_number {
        return Scalar::Text(text);
    }
    if let Ok(number) = text.parse::<u64>() {
        return Scalar::Unsigned(number);
    }
    if let Ok(number) = text.parse::<i64>() {
        return Scalar::Signed(number);
    }
    text.parse::<f64>().map_or(Scalar::Text(text), Scalar::Float)
}
