"""Hostile lists of files, named by their row in the table of threats. Every name is tried everywhere: as a file, an executable, a
folder, a link, inside a folder, and as a link's target.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Row = list[Any]
List = tuple[str, list[Row], tuple[int, int, int]]  # name, entries, and the counts in the offer: files, bytes, entries

NAMES: dict[str, list[str]] = {
    "P1": ["../../.ssh/authorized_keys", "../x", "a/../../x"],
    "P3": ["..", ".", "../", "./"],
    "P4": ["../received_folder_twin/f", "../received_folder/../received_folder_twin"],
    "P5": ["sub/../x", "//x", "/etc/cron.d/x", "a/b", "C:\\x", "\\\\srv\\s", "a\\..\\b", "\\", "/", "a\0b", "\0", ""],
    "Z3": ["x" * 1025, "é" * 513],
}
TARGETS = [
    "/etc/passwd", "/", "//x", "..", "../x", "../../x", "a/../..", "a/..", "m/../../x", "./../x", "a\\b", "\\\\srv\\s",
    "C:\\x", "a\0b", "x" * 4097, "a/" + "x" * 1025,
]  # fmt: skip


def _file(name: Any, size: Any = 3, parent: Any = -1, kind: Any = 1, mtime: Any = 0, target: Any = "") -> Row:
    return [kind, parent, name, size, mtime, target]


def _folder(name: Any, parent: int = -1) -> Row:
    return [0, parent, name, 0, 0, ""]


def _link(name: str, target: Any, parent: int = -1) -> Row:
    return [3, parent, name, 0, 0, target]


def hostile_lists() -> Iterator[List]:
    """All of them. The offer's counts fit the list, so that only the one rule is broken."""
    for name, entries in [*_names(), *_targets(), *_order(), *_fields()]:
        files = [row for row in entries if isinstance(row, list) and len(row) > 3 and row[0] in (1, 2)]
        total = sum(row[3] for row in files if isinstance(row[3], int) and 0 <= row[3] <= 2**60)
        yield name, entries, (len(files), total, max(1, len(entries)))
    one = [_file("a")]
    for said, total, count in (
        (2, 3, 1),
        (0, 3, 1),
        (1, 4, 1),
        (1, 2, 1),
        (1, 0, 1),
        (1, 3, 2),
        (1, 2**60, 1),
        (2**60, 3, 1),
    ):
        yield f"Z3 an offer of {said} files, {total} bytes, {count} entries", one, (said, total, count)


def _names() -> Iterator[tuple[str, list[Row]]]:
    for threat, names in NAMES.items():
        for name in names:
            shown = f"{threat} {name!r:.30}"
            yield f"{shown} as a file", [_file(name)]
            yield f"{shown} as an executable", [_file(name, kind=2)]
            yield f"{shown} as a folder", [_folder(name), _file("a", parent=0)]
            yield f"{shown} as a link", [_link(name, "x")]
            yield f"{shown} in a folder", [_folder("d"), _file(name, parent=0)]
            yield f"{shown} behind something good", [_file("A"), _file(name)]


def _targets() -> Iterator[tuple[str, list[Row]]]:
    for target in TARGETS:
        yield f"P10 a link to {target!r:.30}", [_link("l", target)]
    for target in ("../../x", "/x", "../m/../../x"):
        yield f"P10 a link to {target!r} in a folder", [_folder("d"), _link("l", target, 0)]
    yield "P10 a link without a target", [_link("l", "")]
    yield "P10 a file with a target", [_file("f", target="x")]
    yield "P10 a folder with a target", [[0, -1, "d", 0, 0, "x"]]
    yield "P10 a file behind a link", [_link("l", "d"), _file("f", parent=0)]


def _order() -> Iterator[tuple[str, list[Row]]]:
    yield "P11 a name twice", [_file("a"), _file("a")]
    yield "P11 a file and a folder of one name", [_file("a"), _folder("a")]
    yield "P11 a folder twice", [_folder("a"), _folder("a")]
    yield "P11 a link over a folder", [_folder("a"), _link("a", "b")]
    yield "P11 `a` beside `a/b`", [_file("a"), _file("b", parent=0)]
    yield "order: descending", [_file("b"), _file("a")]
    yield "order: a parent that is to come", [_file("a", parent=1), _folder("b")]
    yield "order: a parent that is itself", [_folder("a", 0)]
    yield "order: a parent that is closed", [_folder("a"), _folder("b"), _file("c", parent=0)]
    yield "order: a parent far away", [_file("a", parent=1_999_999)]
    yield "Z3 no entries", []
    deep = [_folder("d", number - 1) for number in range(258)]
    yield "Z3 too deep", deep
    yield "Z3 a path too long", [_folder("x" * 1000, number - 1) for number in range(34)]
    yield "Z3 a batch of too many entries", [_file(f"{number:05d}") for number in range(4097)]


def _fields() -> Iterator[tuple[str, list[Row]]]:
    wrong: dict[int, list[Any]] = {
        0: [None, True, -1, 4, 9, 2**63, "1", 1.5, [], b"1"],
        1: [None, True, -2, 2_000_000, 2**63, -(2**63), "0", 1.5, []],
        2: [None, True, 7, 1.5, b"a", [], {}],
        3: [None, True, -1, 2**60 + 1, 2**63, 2**64 - 1, "3", 1.5, []],
        4: [None, True, 2**63, 2**64 - 1, "0", 1.5, []],
        5: [None, True, 7, b"", [], {}],
    }
    for position, values in wrong.items():
        for value in values:
            row = _file("a")
            row[position] = value
            yield f"entry: position {position} = {value!r}", [row]
    for name, rows in {
        "a number": [5], "a map": [{}], "nil": [None], "empty": [[]], "short": [_file("a")[:5]], "long": [[*_file("a"), 1]],
        "nested": [[_file("a")]],
    }.items():  # fmt: skip
        yield f"entry: {name}", rows  # type: ignore[misc]
    yield "entry: a folder with a size", [[0, -1, "d", 5, 0, ""]]
    yield "entry: a link with a size", [[3, -1, "l", 5, 0, "x"]]
