"""What a person chooses to send: folders, several files, entries taken out, patterns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.base import limits
from countersign.base.errors import Cancelled, TooMuch
from countersign.disk.folders import Folder
from countersign.places.home import Home
from countersign.places.own import OwnPlaces
from countersign.session import status as st
from countersign.source.scanning import Scan, scan_selection
from countersign.source.selection import Selection, split_patterns
from tests.transfers import Couple, Exchange, fill, snapshot

NOBODY = OwnPlaces(Home(Path("nowhere")), None, b"")


def scan(selection: Selection) -> Scan:
    return scan_selection(selection, lambda _files, _size: None, lambda: False, NOBODY)


def paths(selection: Selection) -> list[str]:
    manifest = scan(selection).manifest
    return [manifest.path(i) for i in range(len(manifest))]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name in ("a.txt", "B.TMP", "sub/a.txt", "sub/c.tmp", "sub/node_modules/x/y.js", "Sub2/keep"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def test_a_folder_means_what_is_in_it(tree: Path) -> None:
    selection = Selection((tree,))
    assert selection.is_folder
    assert selection.name == "tree"
    assert paths(selection) == ["B.TMP", "Sub2", "Sub2/keep", "a.txt", "sub", "sub/a.txt", "sub/c.tmp",
                                "sub/node_modules", "sub/node_modules/x", "sub/node_modules/x/y.js"]  # fmt: skip


@pytest.mark.parametrize(
    ("patterns", "gone"),
    [
        ("*.tmp", {"B.TMP", "sub/c.tmp"}),
        ("NODE_modules/", {"sub/node_modules", "sub/node_modules/x", "sub/node_modules/x/y.js"}),
        ("sub/*.txt", {"sub/a.txt"}),
        ("sub2; b.tmp", {"Sub2", "Sub2/keep", "B.TMP"}),
        (" , ;", set()),
        ("[", set()),
    ],
)
def test_patterns_leave_out(tree: Path, patterns: str, gone: set[str]) -> None:
    whole = paths(Selection((tree,)))
    left = paths(Selection((tree,), patterns=split_patterns(patterns)))
    assert set(whole) - set(left) == gone


def test_what_is_taken_out_is_counted_and_stays_on_the_disk(tree: Path) -> None:
    selection = Selection((tree,), removed=frozenset({("sub",), ("a.txt",)}))
    assert paths(selection) == ["B.TMP", "Sub2", "Sub2/keep"]
    assert scan(selection).left_out == 2
    assert not scan(selection).skipped
    assert (tree / "sub" / "a.txt").exists()


def test_files_and_folders_from_two_places_keep_their_names_apart(tree: Path) -> None:
    selection = Selection((tree / "a.txt", tree / "sub", tree / "sub" / "a.txt"))
    assert not selection.is_folder
    found = paths(selection)
    assert found[:3] == ["a (2).txt", "a.txt", "sub"]
    assert "sub/node_modules/x/y.js" in found


def test_p10_a_link_among_chosen_files_is_not_followed(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tree / "link").symlink_to(tmp_path / "secret")
    found = scan(Selection((tree / "link", tree / "a.txt")))
    assert [found.manifest.path(i) for i in range(len(found.manifest))] == ["a.txt"]
    assert [path for path, _reason in found.skipped] == ["link"]


def test_chosen_files_arrive(couple: Couple, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    fill(chosen, large=1000)
    names = sorted(path for path in chosen.iterdir() if not path.is_symlink())
    exchange = Exchange(couple)
    exchange.session._selection = Selection(tuple(names))
    exchange.run()
    assert exchange.codes == ("done", "done")
    there = snapshot(couple.into)
    assert there
    assert there.items() <= snapshot(chosen).items()


def test_patterns_hold_in_a_transfer(couple: Couple) -> None:
    fill(couple.folder, large=1000)
    (couple.folder / "x.tmp").write_text("not this")
    exchange = Exchange(couple)
    exchange.session._selection = Selection((couple.folder,), patterns=("*.tmp",))
    exchange.run()
    assert exchange.codes == ("done", "done")
    assert not (couple.into / "x.tmp").exists()
    assert not [path for path, _why in exchange.receiver.wait(st.Done).skipped if "x.tmp" in path]


@pytest.mark.parametrize("beyond", [0, 1200])
@pytest.mark.parametrize(
    ("limit", "most", "words"),
    [
        ("MAX_ENTRIES", 5, "more than 5 entries"),
        ("MAX_NAMES_BYTES", 20, "too many long names"),
        ("MAX_TOTAL_BYTES", 35, "too many bytes"),
    ],
)
def test_more_than_a_list_can_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, words: str, beyond: int
) -> None:
    """The limit itself is fine, one more is not, whether that shows on the way or only at the end."""
    monkeypatch.setattr(limits, limit, most)
    for number in range(5):
        (tmp_path / f"{number:04}").write_text("x" * 7)
    assert len(scan(Selection((tmp_path,))).manifest) == 5
    for number in range(5, 6 + beyond):
        (tmp_path / f"{number:04}").write_text("x" * 7)
    with pytest.raises(TooMuch, match=words):
        scan(Selection((tmp_path,)))


@pytest.mark.parametrize("patterns", [("*.tmp",), ()])
def test_cancelling_is_heard_among_entries_that_are_not_sent(tmp_path: Path, patterns: tuple[str, ...]) -> None:
    for number in range(1500):
        (tmp_path / f"{number}.tmp").symlink_to("/etc")
    with pytest.raises(Cancelled):
        scan_selection(Selection((tmp_path,), patterns=patterns), lambda _f, _s: None, lambda: True, NOBODY)


def test_cancelling_is_heard_while_a_large_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(_folder: Folder) -> Iterator[os.DirEntry[str]]:
        (entry,) = os.scandir(tmp_path)
        yield from [entry] * 100_000
        raise AssertionError("nobody looked")

    (tmp_path / "x").write_text("x")
    monkeypatch.setattr(Folder, "entries", endless)
    with pytest.raises(Cancelled):
        scan_selection(Selection((tmp_path,)), lambda _f, _s: None, lambda: True, NOBODY)


def test_cancelling_is_heard_on_a_slow_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If every entry takes a while, a thousand of them take too long."""
    clock = iter(range(10_000))
    monkeypatch.setattr("countersign.source.scanning.time.monotonic", lambda: next(clock) * 0.1)
    for number in range(20):
        (tmp_path / f"{number}").write_text("x")
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(next(clock))
        return len(asked) == 3

    with pytest.raises(Cancelled):
        scan_selection(Selection((tmp_path,)), lambda _f, _s: None, cancelled, NOBODY)
    assert asked[-1] < 12, "within a second and little more"
