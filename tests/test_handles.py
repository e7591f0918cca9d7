"""A handle has one owner: nothing else holds its number, and using it after closing is our bug."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from countersign.base.handles import Handle
from countersign.disk.folders import File, Folder, Tree
from countersign.pack.manifest import Entry, EntryKind, Manifest

ROOT = Path(__file__).resolve().parents[1] / "countersign"
# the modules that create handles, and those that close a file object where they open it
OWNERS = {
    "base/handles.py", "base/locks.py", "base/files.py", "app.py", "disk/posix.py", "disk/windows.py",
    "target/journal.py", "receipts/writing.py",
}  # fmt: skip


def test_f9_a_closed_handle_never_reads_what_took_its_number(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    root = Folder.open_root(tmp_path)
    first = root.read_file("one")
    number = first.number
    first.close()
    second = root.read_file("two")
    assert second.number == number, "the system did not use the number again"
    with pytest.raises(AssertionError):
        first.read_at(memoryview(bytearray(3)), 0)
    with pytest.raises(AssertionError):
        first.close()
    second.close()
    root.close()


@pytest.mark.parametrize(
    "use",
    [
        lambda folder: folder.folder("x"),
        lambda folder: folder.read_file("x"),
        lambda folder: folder.create_file("x", False),
        lambda folder: folder.move("x", folder, "y"),
        lambda folder: list(folder.entries()),
        lambda folder: folder.status("x"),
        lambda folder: folder.close(),
    ],
)
def test_f9_a_closed_folder_can_do_nothing(tmp_path: Path, use) -> None:  # type: ignore[no-untyped-def]
    folder = Folder.open_root(tmp_path)
    folder.close()
    other = os.open("/", os.O_RDONLY)  # now has its number
    try:
        with pytest.raises(AssertionError):
            use(folder)
    finally:
        os.close(other)


def test_f9_a_folder_that_the_tree_has_closed_can_do_nothing(tmp_path: Path) -> None:
    """This is how a resume once took over the contents of other files."""
    manifest = Manifest()
    for number in range(40):
        (tmp_path / f"{number:02d}").mkdir()
        manifest.add(Entry(EntryKind.FOLDER, -1, f"{number:02d}", 0, 0, ""))
    root = Folder.open_root(tmp_path)
    tree = Tree(manifest, root)
    kept = tree.folder(0)
    for number in range(1, 40):
        tree.folder(number)
    with pytest.raises(AssertionError):
        kept.read_file("x")
    tree.close()
    root.close()


def test_closed_at_the_end_of_a_block(tmp_path: Path) -> None:
    with File(os.open(tmp_path / "x", os.O_WRONLY | os.O_CREAT, 0o600)) as file:
        file.write(b"x" * 200_000)
    assert file.closed
    with Handle(os.open(tmp_path, os.O_RDONLY)) as handle:
        handle.close()  # closing early is no error: once is enough
    assert (tmp_path / "x").stat().st_size == 200_000


def test_f9_no_other_module_opens_or_closes_by_number() -> None:
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Attribute):
                continue
            by_number = (
                isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr in ("open", "close", "dup")
            )
            assert not by_number or name in OWNERS, f"{name}:{node.lineno} uses os.{node.attr}"
