"""The manifest: its wire form, its order, its counts and caps."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings, strategies as some

from countersign.base import limits
from countersign.base.errors import OfferRefused
from countersign.pack.manifest import Entry, EntryKind, Manifest, ManifestReader
from tests.manifests import file, folder, manifest_of

# --- manifest --------------------------------------------------------------------------------------------------------


def read(entries: list[object], files: int | None = None, total: int | None = None) -> Manifest:
    flat = [e if isinstance(e, list) else msgspec.to_builtins(e) for e in entries]
    file_sizes = [e[3] for e in flat if e[0] in (1, 2)]
    reader = ManifestReader(
        len(flat), len(file_sizes) if files is None else files, sum(file_sizes) if total is None else total
    )
    reader.add_batch(msgspec.msgpack.encode(flat))
    return reader.finish()


def link(name: str, target: str, parent: int = -1) -> Entry:
    return Entry(EntryKind.LINK, parent, name, 0, 0, target)


def test_a_manifest_crosses_the_wire() -> None:
    made = manifest_of(folder("a"), file("b", 0, 5), link("c", "../z", 0), folder("d", 0), file("e", 3), file("z"))
    reader = ManifestReader(len(made), made.files, made.bytes)
    for batch in made.batches():
        reader.add_batch(batch)
    found = reader.finish()
    assert [found.entry(i) for i in range(6)] == [made.entry(i) for i in range(6)]
    assert found.path(4) == "a/d/e"
    assert found.depth(4) == 2
    assert (found.files, found.bytes) == (3, 7)


def test_an_empty_manifest_is_one_empty_batch() -> None:
    assert list(Manifest().batches()) == [b"\x90"]


def test_batches_stay_under_their_caps() -> None:
    many = manifest_of(*[file(f"{n:06d}") for n in range(limits.BATCH_ENTRIES + 1)])
    assert len(list(many.batches())) == 2
    long = manifest_of(*[link(f"{n:04d}" + "n" * 1000, "t" * 4000) for n in range(1000)])
    sizes = [len(batch) for batch in long.batches()]
    assert len(sizes) > 2
    assert max(sizes) <= limits.BATCH_BYTES


@pytest.mark.timeout(20)  # it would go on for ever
def test_an_entry_larger_than_a_batch_still_ends_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BATCH_BYTES", 10)
    assert len(list(manifest_of(file("long" * 10), file("long" * 11)).batches())) == 2


@pytest.mark.parametrize(
    "entries",
    [
        [file("..")],
        [file("a"), file("a")],
        [file("b"), file("a")],
        [file("a"), folder("a")],
        [file("a"), file("x", 0)],
        [file("x", 5)],
        [file("x", 0)],
        [folder("a"), folder("b"), file("x", 0)],
        [[0, -1, "a", 1, 0, ""]],
        [[3, -1, "a", 1, 0, "b"]],
        [[3, -1, "a", 0, 0, ""]],
        [[1, -1, "a", 0, 0, "b"]],
        [link("a", "../b")],
        [link("a", "/etc/passwd")],
        [[4, -1, "a", 0, 0, ""]],
        [[1, -2, "a", 0, 0, ""]],
        [[1, -1, "a", -1, 0, ""]],
        [[1, -1, "a", 2**61, 0, ""]],
        [[1, -1, "a", 0, 2**63, ""]],
        [[1, -1, "a", 0, 0]],
        [[1, -1, "a", 0, 0, "", 0]],
        [[1, -1, 5, 0, 0, ""]],
        [["1", -1, "a", 0, 0, ""]],
        [[1, -1, "a", 0.5, 0, ""]],
    ],
)
def test_z3_p11_manifests_that_are_refused(entries: list[object]) -> None:
    with pytest.raises(OfferRefused):
        read(entries, files=1, total=1)


@pytest.mark.parametrize(("files", "total"), [(0, 1), (2, 1), (1, 0), (1, 2)])
def test_counts_must_be_those_of_the_offer(files: int, total: int) -> None:
    with pytest.raises(OfferRefused):
        read([file("a")], files, total)


def test_z3_more_or_fewer_entries_than_offered() -> None:
    reader = ManifestReader(1, 1, 1)
    with pytest.raises(OfferRefused):
        reader.add_batch(msgspec.msgpack.encode([file("a"), file("b")]))
    with pytest.raises(OfferRefused):
        ManifestReader(2, 1, 1).add_batch(b"\x90")
    reader = ManifestReader(2, 1, 1)
    reader.add_batch(msgspec.msgpack.encode([file("a")]))
    with pytest.raises(OfferRefused):
        reader.finish()


def test_z3_depth_and_path_length_are_capped() -> None:
    deep: list[object] = [folder("d", n - 1) for n in range(limits.MAX_DEPTH)]
    assert len(read(deep)) == limits.MAX_DEPTH
    with pytest.raises(OfferRefused):
        read([*deep, folder("d", limits.MAX_DEPTH - 1)])
    long: list[object] = [folder("n" * 1000, n - 1) for n in range(40)]
    with pytest.raises(OfferRefused):
        read(long)


@settings(max_examples=300)
@given(some.binary(max_size=200))
def test_any_batch_parses_or_refuses_the_offer(data: bytes) -> None:
    try:
        ManifestReader(5, 5, 5).add_batch(data)
    except OfferRefused:
        pass


# --- archive ---------------------------------------------------------------------------------------------------------


@given(some.lists(some.sampled_from([*EntryKind])), some.sets(some.integers(0, 9)))
def test_columns_are_searched_rightly(kinds: list[EntryKind], out: set[int]) -> None:
    manifest = Manifest()
    for index, kind in enumerate(kinds):
        size = index if kind in (EntryKind.FILE, EntryKind.EXECUTABLE) else 0
        manifest.add(Entry(kind, index % 3 - 1, str(index), size, 0, ""))
    assert manifest.folders() == [index for index, kind in enumerate(kinds) if kind is EntryKind.FOLDER]
    assert manifest.top() == list(range(0, len(kinds), 3))
    files = [i for i in range(len(kinds)) if manifest.is_file(i) and i not in out]
    those = [index for index in out if index < len(kinds)]
    assert manifest.files_without(those) == (len(files), sum(files))
