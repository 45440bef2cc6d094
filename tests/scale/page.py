"""docs/scale.md: what stands between its markers is written by the program, everything else by people."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"


class NoSuchPlace(Exception):
    """The page and the program do not have the same tables."""


def places(text: str) -> list[str]:
    """The names of the markers, in order."""
    return re.findall(r"^<!-- scale:(\w+) -->$", text, re.MULTILINE)


def is_empty(text: str, name: str) -> bool:
    """Whether nothing was ever written there."""
    return f"<!-- scale:{name} -->\n<!-- /scale:{name} -->" in text


def filled(text: str, tables: dict[str, str]) -> str:
    """The page with these tables; one that is not given stays as it is."""
    known = places(text)
    unknown = set(tables) - set(known)
    if unknown or len(known) != len(set(known)):
        raise NoSuchPlace(f"docs/scale.md has the places {known}; the program writes {sorted(tables)}")
    for name, table in tables.items():
        between = re.compile(rf"(<!-- scale:{name} -->\n).*?(\n?<!-- /scale:{name} -->)", re.DOTALL)
        end = f"<!-- /scale:{name} -->"
        text, count = between.subn(lambda found, table=table, end=end: f"{found[1]}{table}\n{end}", text)
        if count != 1:
            raise NoSuchPlace(f"docs/scale.md: the place {name} has no end")
    return text
