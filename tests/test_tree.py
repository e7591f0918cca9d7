"""A list that can be folded and searched, without Tk."""

from __future__ import annotations

from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.ui.presenters.manifest_tree import ManifestTree


def manifest(files: int = 3) -> Manifest:
    made = Manifest()
    made.add(Entry(EntryKind.FOLDER, -1, "album", 0, 0, ""))
    for number in range(files):
        made.add(Entry(EntryKind.FILE, 0, f"{number:03d}.jpg", 1000, 0, ""))
    inner = made.add(Entry(EntryKind.FOLDER, 0, "inner", 0, 0, ""))
    made.add(Entry(EntryKind.FILE, inner, "deep\u202e.txt", 500, 0, ""))
    made.add(Entry(EntryKind.LINK, -1, "link", 0, 0, "album"))
    return made


def names(tree: ManifestTree) -> list[str]:
    return [tree.text(row)[0].strip() for row in range(len(tree.rows))]


def test_a_small_tree_is_open_and_folders_know_their_sums() -> None:
    tree = ManifestTree(manifest())
    assert names(tree) == ["▾ album", "000.jpg", "001.jpg", "002.jpg", "▾ inner", "deep\\u202e.txt", "link"]
    assert tree.text(0)[1:] == ("3.5\u00a0kB", "4 files")
    assert tree.text(4)[1:] == ("500\u00a0bytes".replace("\u00a0", " "), "1 file")
    assert tree.text(6)[2] == "link to album"


def test_folding() -> None:
    tree = ManifestTree(manifest())
    tree.fold(4, False)
    assert names(tree)[4:] == ["▸ inner", "link"]
    tree.fold(0, False)
    assert names(tree) == ["▸ album", "link"]
    tree.toggle(0)
    assert names(tree)[4:] == ["▸ inner", "link"]
    tree.fold(1, False)  # a file has nothing to fold
    assert len(tree.rows) == 6


def test_searching_shows_paths_and_ends_where_it_began() -> None:
    tree = ManifestTree(manifest())
    tree.fold(0, False)
    version = tree.version
    tree.search("  DEEP ")
    assert tree.version != version
    assert names(tree) == ["album/inner/deep\\u202e.txt"]
    assert tree.components(0) == ("album", "inner", "deep\u202e.txt")
    tree.toggle(0)
    tree.search("")
    assert names(tree) == ["▸ album", "link"]


def test_a_large_tree_begins_closed() -> None:
    tree = ManifestTree(manifest(200))
    assert names(tree) == ["▸ album", "link"]
    tree.fold(0, True)
    assert len(tree.rows) == 203
    tree.search("inner")
    assert names(tree) == ["album/inner/"]
