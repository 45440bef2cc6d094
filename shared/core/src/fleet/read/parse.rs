//! From the text of a file to a tree, by the parser's events.
//!
//! Refuses what a fleet file does not use and what would hide mistakes: anchors, tags, several documents, a key twice.
//! Must never recurse: the depth of the input is not ours.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::error::{FleetErrorCode, Report};
use super::tree::{NodeId, Place, Tree, Value};

/// More than any fleet file needs; what is deeper is a mistake or an attack on the stack.
const MOST_LEVELS: usize = 24;
/// A thousand services take about 500 kB.
const MOST_BYTES: usize = 4 << 20;

/// The tree of a file and its root; None when there is nothing that could be read further.
pub(super) fn tree_from_yaml(text: &str, report: &mut Report<'_>) -> Option<(Tree, NodeId)> {
    let start = Place { line: 1, column: 1, length: 1 };
    if text.len() > MOST_BYTES {
        let problem = format!("the file has {} bytes, the most is {MOST_BYTES}", text.len());
        report.add(FleetErrorCode::Syntax, start, problem, "is this a fleet file? split it into several systems");
        return None;
    }
    let mut builder = Builder { tree: Tree::default(), open: Vec::new(), root: None, documents: 0, report };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => {
                if !builder.take(event, span) {
                    return None;
                }
            }
            Err(error) => {
                builder.add_scan_error(*error.marker(), error.info());
                return None;
            }
        }
    }
    let Builder { tree, root, report, .. } = builder;
    if root.is_none() && report.count() == 0 {
        report.add(FleetErrorCode::Syntax, start, "the file is empty", "write a fleet file: version, system, regions and services");
    }
    root.map(|root| (tree, root))
}

/// A list or map that has begun.
struct Open {
    id: NodeId,
    key: Option<Key>,
    /// Its begin, when it is written with brackets.
    bracket: Option<Marker>,
    is_key: bool,
}

/// A key whose value comes next.
struct Key {
    name: String,
    place: Place,
    is_kept: bool,
}

struct Builder<'r, 's> {
    tree: Tree,
    open: Vec<Open>,
    root: Option<NodeId>,
    documents: usize,
    report: &'r mut Report<'s>,
}

impl Builder<'_, '_> {
    /// Takes one event; false when reading must stop.
    fn take(&mut self, event: Event<'_>, span: Span) -> bool {
        match event {
            Event::DocumentStart(_) => return self.begin_document(span),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse(anchor, tag.is_some(), span);
                self.scalar(&text, style, span);
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse(anchor, tag.is_some(), span);
                return self.begin(Value::List(Vec::new()), span);
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse(anchor, tag.is_some(), span);
                return self.begin(Value::Map(Vec::new()), span);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(_) => self.alias(span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        true
    }

    fn begin_document(&mut self, span: Span) -> bool {
        self.documents += 1;
        if self.documents > 1 {
            let problem = "a second document begins here; a fleet file is one document";
            self.report.add(FleetErrorCode::Syntax, place_of(span), problem, "remove the ---, or move what follows to a file of its own");
            return false;
        }
        true
    }

    fn refuse(&mut self, anchor: usize, has_tag: bool, span: Span) {
        if anchor > 0 {
            let problem = "anchors (&name) are not read in a fleet file";
            self.report.add(
                FleetErrorCode::Syntax,
                place_of(span),
                problem,
                "write the value out where it is needed, and remove the &name",
            );
        }
        if has_tag {
            let problem = "tags (!name) are not read in a fleet file";
            self.report.add(FleetErrorCode::Syntax, place_of(span), problem, "remove the tag; text goes in quotes");
        }
    }

    fn alias(&mut self, span: Span) {
        let problem = "aliases (*name) are not read in a fleet file";
        self.report.add(FleetErrorCode::Syntax, place_of(span), problem, "write the value out here");
        let id = self.tree.add(place_of(span), Value::Scalar { text: String::new(), is_plain: true });
        if self.expects_key() {
            self.set_key(String::new(), place_of(span), false);
        } else {
            self.attach(id);
            self.tree.take_out(id);
        }
    }

    fn expects_key(&self) -> bool {
        self.open.last().is_some_and(|open| open.key.is_none() && self.is_map(open.id))
    }

    fn is_map(&self, id: NodeId) -> bool {
        self.tree.node(id).is_some_and(|node| matches!(node.value, Value::Map(_)))
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) {
        let mut place = place_of(span);
        if self.expects_key() {
            return self.key(text, place);
        }
        // A value that is not written has no place; its key has.
        if span.is_empty()
            && let Some(key) = self.open.last().and_then(|open| open.key.as_ref())
        {
            place = key.place;
        }
        let id = self.tree.add(place, Value::Scalar { text: text.to_owned(), is_plain: style == ScalarStyle::Plain });
        self.attach(id);
    }

    fn key(&mut self, name: &str, place: Place) {
        let first = self.open.last().and_then(|open| self.tree.field(open.id, name)).map(|entry| entry.place);
        let is_kept = first.is_none() && name != "<<";
        if name == "<<" {
            let problem = "merge keys (<<) are not read in a fleet file";
            self.report.add(FleetErrorCode::Syntax, place, problem, "write the fields out here");
        } else if let Some(first) = first {
            let problem = format!("`{name}` is written twice; the first is in line {}", first.line);
            self.report.add(FleetErrorCode::Duplicate, place, problem, "keep one of the two");
        }
        self.set_key(name.to_owned(), place, is_kept);
    }

    fn set_key(&mut self, name: String, place: Place, is_kept: bool) {
        if let Some(open) = self.open.last_mut() {
            open.key = Some(Key { name, place, is_kept });
        }
    }

    fn begin(&mut self, value: Value, span: Span) -> bool {
        let mut place = place_of(span);
        if self.open.len() >= MOST_LEVELS {
            let problem = format!("more than {MOST_LEVELS} levels stand inside each other here");
            self.report.add(
                FleetErrorCode::Syntax,
                place,
                problem,
                "a fleet file needs about eight; check the brackets and the indentation",
            );
            return false;
        }
        let is_key = self.expects_key();
        if is_key && !self.open.iter().any(|open| open.is_key) {
            let problem = "a list or a map cannot be a field's name";
            self.report.add(FleetErrorCode::Syntax, place, problem, "write a plain name before the colon; text in braces goes in quotes");
        }
        let bracket = matches!(self.report.source().character(place.line, place.column), Some('[' | '{')).then_some(span.start);
        if bracket.is_none() {
            let key = self.open.last().and_then(|open| open.key.as_ref());
            place = key.map_or(Place { length: usize::MAX, ..place }, |key| key.place);
        }
        let id = self.tree.add(place, value);
        self.open.push(Open { id, key: None, bracket, is_key });
        true
    }

    fn end(&mut self, span: Span) {
        let Some(done) = self.open.pop() else { return };
        if let (Some(start), Some(node)) = (done.bracket, self.tree.node_mut(done.id)) {
            let is_one_line = start.line() == span.end.line();
            node.place.length = if is_one_line { span.end.col().saturating_sub(start.col()) } else { usize::MAX };
        }
        match done.is_key {
            true => self.set_key(String::new(), place_of(span), false),
            false => self.attach(done.id),
        }
    }

    fn attach(&mut self, id: NodeId) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(id);
            return;
        };
        let parent = open.id;
        match open.key.take() {
            Some(key) if key.is_kept => self.tree.put_field(parent, &key.name, key.place, id),
            Some(_) => {}
            None => self.tree.put_item(parent, id),
        }
    }

    /// The parser notices a tab in the indentation only later, and elsewhere: it is looked for where it is.
    fn add_scan_error(&mut self, marker: Marker, info: &str) {
        let place = Place { line: marker.line(), column: marker.col() + 1, length: 1 };
        let indentation = |line: &'_ str| line.chars().take_while(|letter| letter.is_whitespace()).position(|letter| letter == '\t');
        for line in place.line..=place.line.saturating_add(1) {
            if let Some(column) = indentation(self.report.source().line(line)) {
                let place = Place { line, column: column + 1, length: 1 };
                self.report.add(FleetErrorCode::Syntax, place, "this line is indented with a tab", "indent with spaces");
                return;
            }
        }
        let help = remedy(self.report.source().line(place.line));
        self.report.add(FleetErrorCode::Syntax, place, format!("this is not YAML: {info}"), help);
    }
}

/// What is most probably wrong with a line that no YAML parser can read.
fn remedy(line: &str) -> &'static str {
    let value = line.split_once(": ").map_or(line, |(_, value)| value).trim_start();
    if value.starts_with(['@', '`', '%', '*', '&', '!']) {
        "put text that begins with a sign such as @, *, & or % in quotes; anchors and aliases are not read in a fleet file"
    } else if line.matches(": ").count() > 1 && !line.contains('{') {
        "put text that holds a colon and a space in quotes, or begin a new line after the first colon"
    } else {
        "check this line and the one before it: indentation, a missing colon or bracket, quotes that are not closed"
    }
}

fn place_of(span: Span) -> Place {
    let is_one_line = span.start.line() == span.end.line();
    let length = if is_one_line { span.end.col().saturating_sub(span.start.col()) } else { usize::MAX };
    Place { line: span.start.line(), column: span.start.col() + 1, length }
}
