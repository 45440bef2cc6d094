"""Plants every mutant of a source file into it at once, each behind a number that the running process may switch on.

Owns how a mutant is written beside what it replaces. The mutants themselves are cargo-mutants' own list; a mutant that cannot
be planted (nothing may be called in a `const`, a let chain has no `||`) is told apart and never counted as caught.
"""

from dataclasses import dataclass, field

import tree_sitter_rust
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_rust.language()))

# What a planted file calls. `reached` is written as it happens: a test that panics or is killed has told what it reached.
SWITCH = """
//! Which mutant is on: none, unless the environment names one.
#![allow(missing_docs, clippy::all)]
use std::io::Write;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

static ON: LazyLock<u32> = LazyLock::new(|| std::env::var("MUTANT").ok().and_then(|number| number.parse().ok()).unwrap_or(0));
static REACHED: LazyLock<Option<std::fs::File>> = LazyLock::new(|| std::fs::File::create(std::env::var_os("MUTANTS_REACHED")?).ok());
static KNOWN: [AtomicBool; 65536] = [const { AtomicBool::new(false) }; 65536];

#[inline]
pub fn is_on(number: u32) -> bool {
    let on = *ON;
    if on == 0 && !KNOWN[number as usize].swap(true, Ordering::Relaxed) {
        reached(number);
    }
    on == number
}

/// The arm that would have matched is deleted, and no other does: the compiler would have refused the mutant.
pub fn not_covered() -> ! {
    std::process::exit(99)
}

fn reached(number: u32) {
    if let Some(mut file) = REACHED.as_ref() {
        let _ = writeln!(file, "{number}");
    }
}
"""


@dataclass
class Point:
    """A place in the source with what may stand there instead."""

    start: int
    end: int
    kind: str
    # (number, replacement)
    mutants: list = field(default_factory=list)
    node: Node | None = None


class NotPlanted(Exception):
    """Why a mutant cannot be planted."""


def offset(lines: list[bytes], starts: list[int], position: dict) -> int:
    """cargo-mutants counts lines and columns from 1, columns in characters."""
    line = lines[position["line"] - 1].decode()
    return starts[position["line"] - 1] + len(line[: position["column"] - 1].encode())


def plant(source: bytes, mutants: list[tuple[int, dict]]) -> tuple[bytes, dict[int, str]]:
    """The source with all mutants in it, and those that could not be planted with the reason."""
    tree = PARSER.parse(source)
    lines = source.split(b"\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    points: dict[tuple[int, int, str], Point] = {}
    left_out: dict[int, str] = {}
    for number, mutant in mutants:
        start, end = offset(lines, starts, mutant["span"]["start"]), offset(lines, starts, mutant["span"]["end"])
        try:
            kind = mutant["genre"]
            node = {
                "FnValue": function_body,
                "BinaryOperator": operation,
                "UnaryOperator": operation,
                "MatchArmGuard": guard,
                "MatchArm": arm,
                "StructField": struct_field,
            }[kind](tree.root_node, start, end)
            if kind == "FnValue" and "impl " in (mutant["function"] or {}).get("return_type", ""):
                raise NotPlanted("the function's type has no name")
        except NotPlanted as reason:
            left_out[number] = str(reason)
            continue
        key = (node.start_byte, node.end_byte, kind)
        point = points.setdefault(key, Point(node.start_byte, node.end_byte, kind, node=node))
        point.mutants.append((number, mutant["replacement"]))
        if kind == "MatchArm" and node.child_by_field_name("pattern").child_by_field_name("condition") is None:
            end = node.parent.end_byte - 1
            points.setdefault((end, end, "MatchEnd"), Point(end, end, "MatchEnd", node=node.parent))
    # Outer points first; of two at the same place the arm is outside of its guard.
    ordered = sorted(points.values(), key=lambda point: (point.start, -point.end, point.kind))
    return Planter(source, ordered).text(0, len(source), ordered), left_out


def smallest(root: Node, start: int, end: int, types: set[str]) -> Node:
    """The smallest node of these types around a place."""
    node = root.descendant_for_byte_range(start, end)
    while node is not None and node.type not in types:
        node = node.parent
    if node is None:
        raise NotPlanted("its place was not found")
    return node


def function_body(root: Node, start: int, end: int) -> Node:
    function = smallest(root, start, end, {"function_item"})
    return function.child_by_field_name("body")


def operation(root: Node, start: int, end: int) -> Node:
    token = root.descendant_for_byte_range(start, end)
    node = token.parent if token.parent is not None and token.end_byte == end and token.start_byte == start else token
    if node.type == "let_chain":
        raise NotPlanted("a let chain cannot have another operator")
    if node.type not in {"binary_expression", "compound_assignment_expr", "unary_expression"}:
        raise NotPlanted(f"a {node.type} where an operation was expected")
    return node


def guard(root: Node, start: int, end: int) -> Node:
    pattern = smallest(root, start, end, {"match_pattern"})
    condition = pattern.child_by_field_name("condition")
    if condition is None or condition.type in {"let_condition", "let_chain"}:
        raise NotPlanted("a guard with a pattern")
    return condition


def arm(root: Node, start: int, end: int) -> Node:
    return smallest(root, start, start + 1, {"match_arm"})


def struct_field(root: Node, start: int, end: int) -> Node:
    """Its span takes the comma in, which is the list's."""
    return smallest(root, start, start + 1, {"field_initializer", "shorthand_field_initializer"})


class Planter:
    """Writes the file anew. What stands instead is always as it was in the source: only one mutant is on at a time."""

    def __init__(self, source: bytes, points: list[Point]):
        self.source = source
        self.points = points

    def plain(self, node: Node) -> bytes:
        return self.source[node.start_byte : node.end_byte]

    def text(self, start: int, end: int, points: list[Point]) -> bytes:
        out, at, index = [], start, 0
        while index < len(points):
            point = points[index]
            inner = [other for other in points[index + 1 :] if other.end <= point.end]
            out.append(self.source[at : point.start])
            out.append(getattr(self, f"plant_{point.kind}")(point, inner))
            at = point.end
            index += 1 + len(inner)
        out.append(self.source[at:end])
        return b"".join(out)

    def plant_FnValue(self, point: Point, inner: list[Point]) -> bytes:
        body = self.text(point.start + 1, point.end, inner)
        ways = b"".join(f"\n/*#{number}*/ if {on(number)} {{ return {what}; }} /*#*/\n".encode() for number, what in point.mutants)
        return b"{ " + ways + body

    def plant_BinaryOperator(self, point: Point, inner: list[Point]) -> bytes:
        node = point.node
        sign = node.child_by_field_name("operator")
        left, right = self.source[point.start : sign.start_byte], self.source[sign.end_byte : point.end]
        ways = [(number, left + what.encode() + right) for number, what in point.mutants]
        return self.choice(ways, self.text(point.start, point.end, inner))

    def plant_UnaryOperator(self, point: Point, inner: list[Point]) -> bytes:
        ways = [(number, self.source[point.start + 1 : point.end]) for number, _ in point.mutants]
        return self.choice(ways, self.text(point.start, point.end, inner))

    def plant_MatchArmGuard(self, point: Point, inner: list[Point]) -> bytes:
        now = b"(" + self.text(point.start, point.end, inner) + b")"
        for number, what in point.mutants:
            now = b"\n/*#%d*/ (%s %s) /*#*/\n" % (
                number, f"{on(number)} ||".encode() if what == "true" else f"!{on(number)} &&".encode(), now,
            )
        return now

    def plant_MatchArm(self, point: Point, inner: list[Point]) -> bytes:
        number = point.mutants[0][0]
        pattern = point.node.child_by_field_name("pattern")
        condition = pattern.child_by_field_name("condition")
        off = f"!{on(number)}".encode()
        if condition is None:
            head, tail = self.text(point.start, pattern.end_byte, within(inner, point.start, pattern.end_byte)), pattern.end_byte
            return head + b" if " + off + b" " + self.text(tail, point.end, within(inner, tail, point.end))
        between = off + b" && "
        head = self.source[point.start : condition.start_byte]
        kept = self.text(condition.start_byte, condition.end_byte, within(inner, condition.start_byte, condition.end_byte))
        if condition.type not in {"let_condition", "let_chain"}:
            kept = b"(" + kept + b")"
        rest = self.text(condition.end_byte, point.end, within(inner, condition.end_byte, point.end))
        return head + between + kept + rest

    def plant_MatchEnd(self, point: Point, inner: list[Point]) -> bytes:
        """Arms that can be switched off are not enough for the compiler."""
        last = [child for child in point.node.children if child.type == "match_arm"][-1]
        comma = b"" if self.plain(last).endswith(b",") else b", "
        return comma + b"_ => crate::mutation::not_covered(),\n"

    def plant_StructField(self, point: Point, inner: list[Point]) -> bytes:
        node = point.node
        whole = node.parent.parent
        base = next(child for child in node.parent.children if child.type == "base_field_initializer")
        base_text = self.source[base.start_byte + 2 : base.end_byte]
        name = whole.child_by_field_name("name")
        if node.type == "shorthand_field_initializer":
            label = self.plain(node)
            value = label
        else:
            label_node, value_node = node.child_by_field_name("field"), node.child_by_field_name("value")
            label = self.plain(label_node)
            value = self.text(value_node.start_byte, value_node.end_byte, inner)
        other = b"{ let base: " + self.plain(name) + b" = " + base_text + b"; base." + label + b" }"
        return label + b": " + self.choice([(number, other) for number, _ in point.mutants], value)

    def choice(self, ways: list[tuple[int, bytes]], otherwise: bytes) -> bytes:
        out = b"("
        for number, what in ways:
            out += f"\n/*#{number}*/ if {on(number)} {{ ".encode() + what.strip() + b" } else /*#*/\n"
        return out + b"{ " + otherwise + b" })"


def within(points: list[Point], start: int, end: int) -> list[Point]:
    return [point for point in points if start <= point.start and point.end <= end]


def on(number: int) -> str:
    return f"crate::mutation::is_on({number})"
