"""Lists and names at their edges: every field at its last good value and one beyond it, every cap at its last byte."""

from __future__ import annotations

import msgspec
import pytest

from countersign.base import limits
from countersign.base.errors import OfferRefused
from countersign.pack import names
from countersign.pack.manifest import TOP, Entry, EntryKind, Manifest, ManifestReader, Outline, places_of
from countersign.pack.names import System

FOLDER, FILE, EXECUTABLE, LINK = (int(kind) for kind in EntryKind)
LOW, HIGH = -(1 << 63), (1 << 63) - 1


def entry(
    name: str = "a", kind: int = FILE, parent: int = -1, size: int = 0, mtime: int = 0, target: str = ""
) -> Entry:
    return Entry(kind, parent, name, size, mtime, target)


def made_of(*entries: Entry) -> Manifest:
    made = Manifest()
    for one in entries:
        made.add(one)
    return made


def read(*entries: object, files: int = 1, total: int = 0) -> Manifest:
    reader = ManifestReader(len(entries), files, total)
    reader.add_batch(msgspec.msgpack.encode(list(entries)))
    return reader.finish()


@pytest.mark.parametrize(
    ("one", "files"),
    [
        (entry(mtime=LOW), 1),
        (entry(mtime=HIGH), 1),
        (entry(size=limits.MAX_TOTAL_BYTES), 1),
        (entry(kind=FOLDER), 0),
        (entry(kind=EXECUTABLE), 1),
        (entry(kind=LINK, target="b"), 0),
        (entry(kind=LINK, target="b" * 900), 0),
        (entry(name="n" * 1024), 1),
        (entry(name="\u00e9" * 512), 1),
    ],
)
def test_entries_at_the_end_of_their_range_are_read(one: Entry, files: int) -> None:
    assert read(one, files=files, total=one.size).entry(0) == one


@pytest.mark.parametrize(
    "fields",
    [
        [-1, -1, "a", 0, 0, ""],
        [4, -1, "a", 0, 0, ""],
        [1, -2, "a", 0, 0, ""],
        [1, limits.MAX_ENTRIES, "a", 0, 0, ""],
        [1, -1, "a", -1, 0, ""],
        [1, -1, "a", limits.MAX_TOTAL_BYTES + 1, 0, ""],
        [1, -1, "a", 0, HIGH + 1, ""],
        [1, -1, "a", "0", 0, ""],
        [1, -1, "n" * 1025, 0, 0, ""],
        [1, -1, "\u00e9" * 513, 0, 0, ""],
        [1, -1, "a", 0, 0, "", 0],
        [1, -1, "a", 0, 0],
        [1, -1, "a", 0, 0, "b"],
        [0, -1, "a", 0, 0, "b"],
        [3, -1, "a", 0, 0, ""],
    ],
)
def test_entries_one_beyond_are_refused(fields: list[object]) -> None:
    """Whatever counts were announced with them."""
    size = fields[3] if isinstance(fields[3], int) else 0
    for files in (0, 1):
        with pytest.raises(OfferRefused):
            read(fields, files=files, total=size)


def test_kinds_have_the_numbers_that_other_versions_know() -> None:
    assert [kind.value for kind in EntryKind] == [0, 1, 2, 3]
    assert [kind.name for kind in EntryKind] == ["FOLDER", "FILE", "EXECUTABLE", "LINK"]
    assert TOP == -1


def test_an_unknown_parent_is_refused_and_a_closed_folder_too() -> None:
    tree = [entry("a", FOLDER), entry("b", FOLDER, 0), entry("c", parent=1), entry("d", parent=0)]
    assert read(*tree, files=2).components(2) == ("a", "b", "c")
    for parent in (1, 2, 3, 4):
        with pytest.raises(OfferRefused):
            read(*tree, entry("e", parent=parent), files=3)
    read(*tree, entry("e", parent=0), files=3)


def test_counting_goes_on_in_folders_and_names_begin_anew_in_each() -> None:
    tree = [entry("a", FOLDER), entry("z", FOLDER, 0), entry("b", parent=1), entry("b", FOLDER), entry("a", parent=3)]
    assert read(*tree, files=2).path(4) == "b/a"
    with pytest.raises(OfferRefused):
        read(*tree, entry("a", parent=3), files=3)
    with pytest.raises(OfferRefused):
        read(*tree, entry("a"), files=3)


@pytest.mark.parametrize(("most", "right"), [(7, False), (8, True)])
def test_z3_a_path_is_capped_to_the_byte(monkeypatch: pytest.MonkeyPatch, most: int, right: bool) -> None:
    """A slash before every name: `/a/bb/\u00e9` has eight."""
    monkeypatch.setattr(limits, "MAX_PATH_BYTES", most)
    outline = Outline()
    outline.add(FOLDER, -1, "a", "")
    outline.add(FOLDER, 0, "bb", "")
    if right:
        outline.add(FILE, 1, "\u00e9", "")
        assert outline.components(FILE, "\u00e9") == ["a", "bb", "\u00e9"]
    else:
        with pytest.raises(OfferRefused):
            outline.add(FILE, 1, "\u00e9", "")


def test_an_outline_says_where_the_last_entry_is() -> None:
    outline = Outline()
    outline.add(FOLDER, -1, "a", "")
    assert outline.components(FOLDER, "a") == ["a"]
    outline.add(FOLDER, 0, "b", "")
    assert outline.components(FOLDER, "b") == ["a", "b"]
    outline.add(LINK, 1, "c", "../..")
    assert outline.components(LINK, "c") == ["a", "b", "c"]
    with pytest.raises(OfferRefused):
        outline.add(LINK, 1, "d", "../../..")


def test_z3_a_batch_is_capped_to_the_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BATCH_ENTRIES", 2)
    assert len(read(entry("a"), entry("b"), files=2)) == 2
    with pytest.raises(OfferRefused):
        read(entry("a"), entry("b"), entry("c"), files=3)


def test_z3_more_than_was_announced_is_refused_at_once() -> None:
    reader = ManifestReader(3, 3, 5)
    reader.add_batch(msgspec.msgpack.encode([entry("a", size=5)]))
    with pytest.raises(OfferRefused):
        reader.add_batch(msgspec.msgpack.encode([entry("b", size=1)]))
    reader = ManifestReader(2, 2, 0)
    reader.add_batch(msgspec.msgpack.encode([entry("a")]))
    with pytest.raises(OfferRefused):
        reader.add_batch(msgspec.msgpack.encode([entry("b"), entry("c")]))


@pytest.mark.parametrize("kind", [FOLDER, LINK])
def test_only_files_have_a_size(kind: int) -> None:
    with pytest.raises(OfferRefused):
        read(entry("a", kind, size=1, target="b" if kind == LINK else ""), files=0, total=0)


# --- columns ---------------------------------------------------------------------------------------------------------


def test_two_lists_are_the_same_to_the_last_field() -> None:
    def both(**change: object) -> tuple[Manifest, Manifest]:
        first = made_of(entry("l", LINK, target="b"), entry("m", FOLDER), entry("n", size=5))
        last = msgspec.structs.replace(entry("o", size=7, mtime=9), **change)
        second = made_of(*(first.entry(n) for n in range(3)), last)
        first.add(entry("o", size=7, mtime=9))
        return first, second

    first, second = both()
    assert first.same_as(second)
    for change in ({"name": "p"}, {"parent": 1}, {"kind": EXECUTABLE}, {"size": 8}, {"mtime": 8}):
        first, second = both(**change)
        assert not first.same_as(second), change
    first, second = both()
    second.targets[0] = "c"
    assert not first.same_as(second)


def test_a_file_is_added_like_any_entry() -> None:
    first, second = made_of(entry("a", FOLDER)), made_of(entry("a", FOLDER))
    first.add(entry("b", EXECUTABLE, 0, 5, 6))
    second.add_file(EXECUTABLE, 0, "b", 5, 6)
    assert first.same_as(second)
    assert (first.files, first.bytes) == (second.files, second.bytes) == (1, 5)
    assert first.add(entry("c", LINK, target="b")) == 2
    assert (first.files, first.bytes) == (1, 5)


def test_paths_of_neighbours_and_of_others() -> None:
    made = made_of(entry("a", FOLDER), entry("b", FOLDER, 0), entry("c", parent=1), entry("d", parent=1), entry("e"))
    for index in (2, 3, 4, 0, 3, 1, 2, 2, 4):
        assert made.path(index) == "/".join(made.components(index))
    assert [made.depth(index) for index in range(5)] == [0, 1, 2, 2, 0]
    assert made.components(TOP) == ()


def test_where_a_value_stands() -> None:
    assert list(places_of(bytearray(b"\1\0\1\1"), 1)) == [0, 2, 3]
    assert list(places_of(bytearray(b"\0"), 1)) == []


def test_batches_are_halved_until_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BATCH_BYTES", 60)
    made = made_of(*(entry(f"{n}" * (8 + 30 * (n == 6))) for n in range(10)))
    batches = [msgspec.msgpack.decode(batch, type=list[Entry]) for batch in made.batches()]
    assert [one for batch in batches for one in batch] == [made.entry(n) for n in range(10)]
    assert [len(batch) for batch in batches] == [2, 2, 1, 1, 1, 3]
    assert all(len(msgspec.msgpack.encode(batch)) <= 60 for batch in batches)


def test_batches_are_as_large_as_they_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BATCH_ENTRIES", 3)
    made = made_of(*(entry(str(n)) for n in range(6)))
    assert [len(msgspec.msgpack.decode(batch)) for batch in made.batches()] == [3, 3]
    exact = len(next(made.batches()))
    monkeypatch.setattr(limits, "BATCH_BYTES", exact)
    assert [len(msgspec.msgpack.decode(batch)) for batch in made.batches()] == [3, 3]
    monkeypatch.setattr(limits, "BATCH_BYTES", exact - 1)
    assert [len(msgspec.msgpack.decode(batch)) for batch in made.batches()] == [1, 1, 1, 1, 2]


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a", "\u00e9", "\u5199", "\U0001f389", "a\u00e9"])
def test_p4_the_size_of_a_name_is_told_in_bytes(name: str) -> None:
    assert names.check_component(name) == len(name.encode())
    assert names.can_be_sent(name)


@pytest.mark.parametrize("char", ["a", "\u00e9", "\u5199", "\U0001f389"])
def test_p11_a_name_has_255_bytes_at_the_most(char: str) -> None:
    fits = char * (255 // len(char.encode()))
    for system in (System.LINUX, System.MACOS):
        assert names.local_problem(fits, system) is None
        assert names.local_problem(fits + char, system) == "its name is too long for this computer"


@pytest.mark.parametrize(("char", "units"), [("a", 1), ("\u5199", 1), ("\U0001f389", 2)])
def test_p11_a_name_has_255_units_at_the_most_on_windows(char: str, units: int) -> None:
    fits = char * (255 // units)
    assert names.local_problem(fits, System.WINDOWS) is None
    assert names.local_problem(fits + char, System.WINDOWS) == "its name is too long for this computer"


def test_p11_each_reason_of_windows() -> None:
    forbidden = "its name has a character that this computer does not allow"
    for char in '<>:"|?*\x00\x01\x1f':
        assert names.local_problem(f"a{char}b", System.WINDOWS) == forbidden
    assert names.local_problem("a b\x7f", System.WINDOWS) is None
    for name in ("a.", "a ", "..."):
        assert names.local_problem(name, System.WINDOWS) == "its name ends with a dot or a space"
    for name in (
        "CON",
        "prn",
        "Aux",
        "nul",
        "COM0",
        "com9",
        "LPT\u00b9",
        "lpt\u00b2.txt",
        "CONOUT$",
        "nul .a",
        "aux.b.c",
    ):
        assert names.local_problem(name, System.WINDOWS) == "its name is reserved on this computer"
    for name in ("COM", "COM10", "LPTx", "a.con", "conn", " con"):
        assert names.local_problem(name, System.WINDOWS) is None


def test_p11_a_colon_is_trouble_on_macos_only_there() -> None:
    assert names.local_problem("a:b", System.MACOS) == "its name has a character that this computer does not allow"
    assert names.local_problem("ab", System.MACOS) is None
    assert names.system_of("cygwin") is System.WINDOWS
    assert names.system_of("freebsd14") is System.LINUX


def test_p11_what_clashes_and_what_does_not() -> None:
    key = names.collision_key
    assert key("a", False, System.WINDOWS) != key("A", False, System.WINDOWS)
    assert key("a", False, System.MACOS) != key("A", False, System.MACOS)
    assert key("\u00e9", False, System.MACOS) == key("e\u0301", False, System.MACOS)
    assert key("\u00e9", True, System.WINDOWS) != key("e\u0301", True, System.WINDOWS)
    assert key("\u00c9", True, System.MACOS) == key("e\u0301", True, System.MACOS)
    assert key("\u017f", True, System.WINDOWS) == key("S", True, System.WINDOWS)  # the long s becomes S there


@pytest.mark.parametrize(("length", "right"), [(4096, True), (4097, False)])
def test_p10_a_links_text_is_capped_to_the_byte(length: int, right: bool) -> None:
    target = "/".join(["n" * 1000] * 5)[:length]
    assert len(target) == length
    assert names.check_target(target, 0) is right
    assert names.check_target("/".join(["\u00e9" * 500] * 5)[: length // 2] + "x" * (length % 2), 0) in (True, right)


@pytest.mark.parametrize(
    ("target", "depth", "right"),
    [("../..", 1, False), ("../..", 2, True), ("a/..", 1, False), ("a/./b", 0, True), ("a//b", 0, True), ("./../a", 1, True),
     ("../a/..", 1, False),
     ("../a/b", 1, True), ("n" * 1024, 0, True), ("n" * 1025, 0, False), ("a/" + "n" * 1025, 0, False), ("a/\ud800/b", 0, False)],
)  # fmt: skip
def test_p10_more_links_that_stay_inside_or_do_not(target: str, depth: int, right: bool) -> None:
    assert names.check_target(target, depth) is right
