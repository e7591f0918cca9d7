"""README's tables name every event of `--json` and every field of it, and nothing that the code does not print."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = {
    "code_wrong": {"message", "hint"}
}  # added to the event by what prints a slip, from the problem's own facts
ADDED = {"self": {"renews"}, "receipt": {"checksums"}}  # `event["..."] = ...` after it is made


def printed() -> dict[str, set[str]]:
    """Event -> the names of its fields, from every place in the code that makes one."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "countersign").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for event, fields in made_by(node):
                found[event] |= fields
    for event, fields in [*ELSEWHERE.items(), *ADDED.items()]:
        found[event] |= fields
    return dict(found)


def made_by(node: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """The event that an expression makes: a dictionary with `event`, or a call of `_event`."""
    if isinstance(node, ast.Dict):
        keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
        if "event" in keys:
            value = node.values[keys.index("event")]
            if isinstance(value, ast.Constant):
                yield str(value.value), {str(key) for key in keys} - {"event"}
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_event":
        first = node.args[0]
        assert isinstance(first, ast.Constant)
        fields = {word.arg for word in node.keywords if word.arg is not None}
        for word in node.keywords:
            if word.arg is None and isinstance(word.value, ast.Dict):
                fields |= {str(key.value) for key in word.value.keys if isinstance(key, ast.Constant)}
        yield str(first.value), fields


def documented() -> dict[str, str]:
    """Event -> the text of its fields, from the tables whose first column is `event`."""
    rows: dict[str, str] = {}
    inside = False
    for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| `event` |"):
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside:
            _, names, text, _ = line.split("|", 3)
            rows.update(dict.fromkeys(re.findall(r"`(\w+)`", names), text))
    return rows


def test_every_event_is_documented_and_no_other() -> None:
    assert set(documented()) == set(printed())
    assert len(printed()) > 25


def test_every_field_of_every_event_is_documented() -> None:
    told = documented()
    missing = {event: sorted(f for f in fields if f"`{f}`" not in told[event]) for event, fields in printed().items()}
    assert {event: fields for event, fields in missing.items() if fields} == {}
