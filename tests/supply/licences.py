"""The table of licences in docs/supply-chain.md: which crates each function brings, by licence. Generated; an old one is a failure."""

from contents import FUNCTIONS, ROOT, Contents, Crate

PAGE = ROOT / "docs" / "supply-chain.md"
BEGIN, END = "<!-- licences: written by make supply-write -->", "<!-- end of licences -->"


def table(all_contents: list[Contents]) -> str:
    """A row for each licence and the functions that share the same crates of it."""
    functions: dict[Crate, list[str]] = {}
    for contents in all_contents:
        for crate in contents.crates:
            if crate.checksum:
                functions.setdefault(Crate(crate.name, crate.version, crate.licence, crate.checksum, ()), []).append(contents.function)
    rows: dict[tuple[str, str], list[Crate]] = {}
    for crate, where in functions.items():
        rows.setdefault((crate.licence, "all" if where == FUNCTIONS else ", ".join(where)), []).append(crate)
    lines = ["| licence | functions | crates |", "|---|---|---|"]
    for (licence, where), crates in sorted(rows.items()):
        lines.append(f"| {licence} | {where} | {', '.join(f'{crate.name} {crate.version}' for crate in sorted(crates))} |")
    counts = ", ".join(f"{contents.function} {sum(1 for crate in contents.crates if crate.checksum)}" for contents in all_contents)
    return "\n".join([f"Crates of others in each function: {counts}.", "", *lines])


def is_current(wanted: str) -> bool:
    """Whether the page has that table."""
    return f"{BEGIN}\n{wanted}\n{END}" in PAGE.read_text()


def write(wanted: str) -> None:
    """Puts it in."""
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{wanted}\n{END}{rest.split(END)[1]}")
