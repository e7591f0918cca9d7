"""Names, manifests, plans and archives: every rule of docs/PROTOCOL.md, each broken once."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings, strategies as some

from countersign.base import limits
from countersign.base.errors import OfferRefused, ProtocolProblem, SealBroken
from countersign.pack import archive, names, plan
from countersign.pack.compress import deflate
from countersign.pack.manifest import Entry, EntryKind, Manifest, ManifestReader
from countersign.pack.names import System
from countersign.pack.plan import Answer, Piece

HOSTILE = [
    "", ".", "..", "../../.ssh/authorized_keys", "sub/../x", "//x", "/etc/passwd", "C:\\x", "\\\\srv\\s", "a\\b", "a/b", "a\0b",
    "x" * (limits.MAX_NAME_BYTES + 1), "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_p1_p4_p5_names_that_no_entry_may_have(name: str) -> None:
    with pytest.raises(OfferRefused):
        names.check_component(name)
    assert not names.can_be_sent(name)


@pytest.mark.parametrize("name", ["a", "…", "写真", ".hidden", "-rf", "a b", "COM1", "x" * 255, "a:b", "\n", "~"])
def test_names_that_may_be_said(name: str) -> None:
    names.check_component(name)


@given(some.text(max_size=30))
def test_p4_an_accepted_name_stays_one_component_on_every_system(name: str) -> None:
    import ntpath
    import posixpath

    if not names.can_be_sent(name):
        return
    assert posixpath.normpath(posixpath.join("/top", name)) == "/top/" + name
    assert names.local_problem(name, System.WINDOWS) is not None or (
        ntpath.normpath(ntpath.join("C:\\top", name)) == "C:\\top\\" + name
    )


@pytest.mark.parametrize(
    "name",
    ["NUL", "con.txt", "COM1.log", "com¹", "lpt9", "file:stream", "dot.", "space ", "a<b", "a|b", "a?", "tab\t", "conin$", "x" * 256,
     "AUX .txt"],
)  # fmt: skip
def test_p11_names_that_windows_can_not_keep(name: str) -> None:
    assert names.local_problem(name, System.WINDOWS)


@pytest.mark.parametrize("name", ["console", "com", "null", "a.b.c", "写真", "x" * 255])
def test_p11_names_that_windows_can_keep(name: str) -> None:
    assert names.local_problem(name, System.WINDOWS) is None


def test_p11_names_elsewhere() -> None:
    assert names.local_problem("写" * 86, System.LINUX)
    assert names.local_problem("写" * 85, System.LINUX) is None
    assert names.local_problem("a:b", System.MACOS)
    assert names.local_problem("a:b", System.LINUX) is None
    assert names.system_of("win32") is System.WINDOWS
    assert names.system_of("darwin") is System.MACOS
    assert names.system_of("linux") is System.LINUX


def test_p11_names_that_clash() -> None:
    for system in (System.WINDOWS, System.MACOS):
        assert names.collision_key("README", True, system) == names.collision_key("readme", True, system)
    assert names.collision_key("é", True, System.MACOS) == names.collision_key("e\u0301", True, System.MACOS)
    assert names.collision_key("é", False, System.LINUX) != names.collision_key("e\u0301", False, System.LINUX)
    assert names.collision_key("a", False, System.LINUX) != names.collision_key("A", False, System.LINUX)


@pytest.mark.parametrize(
    ("target", "depth", "right"),
    [
        ("a", 0, True), ("a/b", 0, True), ("../a", 1, True), ("..", 1, True), ("./a", 0, True), (".", 0, True), ("../../a", 2, True),
        ("..", 0, False), ("../a", 0, False), ("../../a", 1, False), ("/etc", 0, False), ("a/../../b", 1, False), ("a/..", 0, False),
        ("", 0, False), ("a\0", 0, False), ("a\\b", 0, False), ("x/" * 4096, 0, False), ("\ud800", 0, False),
    ],
)  # fmt: skip
def test_p10_links_stay_inside(target: str, depth: int, right: bool) -> None:
    assert names.check_target(target, depth) is right


# --- manifest --------------------------------------------------------------------------------------------------------


def manifest_of(*entries: Entry) -> Manifest:
    made = Manifest()
    for entry in entries:
        made.add(entry)
    return made


def read(entries: list[object], files: int | None = None, total: int | None = None) -> Manifest:
    flat = [e if isinstance(e, list) else msgspec.to_builtins(e) for e in entries]
    file_sizes = [e[3] for e in flat if e[0] in (1, 2)]
    reader = ManifestReader(
        len(flat), len(file_sizes) if files is None else files, sum(file_sizes) if total is None else total
    )
    reader.add_batch(msgspec.msgpack.encode(flat))
    return reader.finish()


def file(name: str, parent: int = -1, size: int = 1) -> Entry:
    return Entry(EntryKind.FILE, parent, name, size, 0, "")


def folder(name: str, parent: int = -1) -> Entry:
    return Entry(EntryKind.FOLDER, parent, name, 0, 0, "")


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


# --- plan ------------------------------------------------------------------------------------------------------------


def pieces(made: Manifest, answer: Answer | None = None) -> list[plan.PackPlan]:
    return list(plan.plan_packs(made, answer or Answer()))


@given(some.lists(some.integers(0, 3 * limits.PACK_BYTES), max_size=8))
def test_a_plan_covers_every_byte_once_in_order(sizes: list[int]) -> None:
    made = manifest_of(*[file(f"{n:03d}", size=size) for n, size in enumerate(sizes)])
    packs = pieces(made)
    assert [pack.number for pack in packs] == list(range(len(packs)))
    assert [pack.last for pack in packs] == [False] * (len(packs) - 1) + [True]
    joined = [piece for pack in packs for piece in pack.pieces]
    for index, size in enumerate(sizes):
        mine = [piece for piece in joined if piece.index == index]
        assert sum(piece.length for piece in mine) == size
        assert [piece.offset for piece in mine] == [sum(p.length for p in mine[:n]) for n in range(len(mine))]
    for pack in packs:
        assert sum(piece.length for piece in pack.pieces) <= limits.PACK_BYTES
        assert len(pack.pieces) <= limits.PACK_PIECES
    assert [pack for pack in packs[:-1] if not pack.pieces] == []


def test_a_plan_of_nothing_is_one_pack_without_pieces() -> None:
    assert pieces(manifest_of(folder("a"))) == [plan.PackPlan(0, [], True)]


def test_a_plan_leaves_out_what_is_held_and_begins_where_it_was_cut() -> None:
    made = manifest_of(file("a", size=10), file("b", size=10), file("c", size=10), file("d", size=10))
    answer = Answer(plan.bitmap(4, [0]), plan.bitmap(4, [1]), [(2, 4)])
    [pack] = pieces(made, answer)
    assert pack.pieces == [Piece(2, 4, 6), Piece(3, 0, 10)]
    assert plan.decode_answer(plan.encode_answer(answer), made) == answer


@pytest.mark.parametrize(
    "answer",
    [
        {"held": b"\x00\x00"}, {"held": b"\x10"}, {"unwanted": b"\xff"}, {"partial": [[0, 10]]}, {"partial": [[4, 1]]},
        {"partial": [[0, 0]]}, {"partial": [[1, 1], [0, 1]]}, {"partial": [[0, 1], [0, 2]]}, {"partial": [[3, 1]]},
        {"held": b"\x01", "partial": [[0, 1]]}, {"unwanted": b"\x01", "partial": [[0, 1]]}, {"held": "x"}, [], {"partial": [[-1, 1]]},
    ],
)  # fmt: skip
def test_answers_that_do_not_fit(answer: object) -> None:
    made = manifest_of(file("a", size=10), file("b", size=10), file("c", size=10), folder("d"))
    with pytest.raises(ProtocolProblem):
        plan.decode_answer(msgspec.msgpack.encode(answer), made)


@given(some.binary(max_size=60))
def test_any_answer_parses_or_is_the_one_problem(data: bytes) -> None:
    try:
        plan.decode_answer(data, manifest_of(file("a", size=10)))
    except ProtocolProblem:
        pass


# --- archive ---------------------------------------------------------------------------------------------------------

CONTENTS = [b"", b"x", b"hello " * 500, os.urandom(70_000), b"line\n" * 40_000]


def planned(contents: list[bytes]) -> list[Piece]:
    return [Piece(n * 7, n * 3, len(content)) for n, content in enumerate(contents)]


def built(contents: list[bytes], withdrawn: list[tuple[int, str]] | None = None) -> bytes:
    writer = archive.PackWriter()
    for piece, content in zip(planned(contents), contents, strict=True):
        if piece.index not in {index for index, _reason in withdrawn or []}:
            writer.add(piece, content)
    return b"".join(writer.finish(withdrawn or []))


def test_a_pack_is_read_as_it_was_written() -> None:
    pack = archive.read_pack(memoryview(built(CONTENTS)), planned(CONTENTS))
    assert [bytes(content) for _piece, content in pack.members] == CONTENTS
    assert pack.withdrawn == []


def test_a_pack_opens_with_zipfile_and_unzip(tmp_path: Path) -> None:
    data = built(CONTENTS)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        assert [opened.read(name) for name in opened.namelist()] == CONTENTS
        assert opened.namelist() == ["0-0", "7-3", "14-6", "21-9", "28-12"]
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not on this computer")
    (tmp_path / "pack.zip").write_bytes(data)
    subprocess.run(["unzip", "-tqq", str(tmp_path / "pack.zip")], check=True)


def test_an_empty_pack_is_an_empty_archive() -> None:
    data = built([])
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == []
    assert archive.read_pack(memoryview(data), []).members == []


def test_withdrawn_entries_are_named_by_the_pack_that_lacks_them() -> None:
    withdrawn = [(7, "changed"), (28, "vanished")]
    pack = archive.read_pack(memoryview(built(CONTENTS, withdrawn)), planned(CONTENTS))
    assert pack.withdrawn == withdrawn
    assert [piece.index for piece, _content in pack.members] == [0, 14, 21]


@pytest.mark.parametrize("withdrawn", [[(7, "because")], [(8, "changed")], [(28, "changed"), (7, "changed")]])
def test_withdrawals_that_do_not_fit(withdrawn: list[tuple[int, str]]) -> None:
    with pytest.raises(SealBroken):
        archive.read_pack(memoryview(built(CONTENTS, withdrawn)), planned(CONTENTS))


def test_z2_a_member_that_is_missing_without_a_word() -> None:
    data = built(CONTENTS[:-1])
    with pytest.raises(SealBroken):
        archive.read_pack(memoryview(data), planned(CONTENTS))


def test_z2_members_beyond_the_plan_duplicates_and_another_order() -> None:
    some_pieces = planned(CONTENTS)
    for wrong in (some_pieces[:-1], list(reversed(some_pieces)), some_pieces[1:]):
        with pytest.raises(SealBroken):
            archive.read_pack(memoryview(built(CONTENTS)), wrong)
    writer = archive.PackWriter()
    for _twice in range(2):
        writer.add(some_pieces[1], CONTENTS[1])
    with pytest.raises(SealBroken):
        archive.read_pack(memoryview(b"".join(writer.finish([]))), [some_pieces[1]])


def test_z1_sizes_must_be_the_plans() -> None:
    for change in (-1, 1, 1 << 20):
        wrong = [msgspec.structs.replace(piece, length=max(0, piece.length + change)) for piece in planned(CONTENTS)]
        with pytest.raises(SealBroken):
            archive.read_pack(memoryview(built(CONTENTS)), wrong)


def test_z1_a_member_that_inflates_to_more_than_it_says() -> None:
    import tracemalloc

    bomb = zlib.compressobj(9, wbits=-15)
    packed = bomb.compress(bytes(100 << 20)) + bomb.flush()
    piece = Piece(0, 0, 200_000)
    local = archive._local(b"0-0", 8, 0, len(packed), piece.length) + packed
    directory = archive._central(b"0-0", 8, 0, len(packed), piece.length, 0)
    data = local + directory + archive._end(1, len(directory), len(local), b"")
    tracemalloc.start()
    with pytest.raises(SealBroken):
        archive.read_pack(memoryview(data), [piece])
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_z2_every_changed_byte_of_an_archive_is_refused() -> None:
    contents = [b"x", b"hello hello hello hello hello " * 8]
    data = built(contents)
    for at in range(len(data)):
        bad = bytearray(data)
        bad[at] ^= 1
        with pytest.raises(SealBroken):
            archive.read_pack(memoryview(bad), planned(contents))
    for size in range(len(data)):
        with pytest.raises(SealBroken):
            archive.read_pack(memoryview(data)[:size], planned(contents))
    with pytest.raises(SealBroken):
        archive.read_pack(memoryview(data + b"x"), planned(contents))


def test_z2_other_writers_archives_are_refused() -> None:
    """Encrypted, oddly compressed, with extra fields or descriptors: all are another byte string than the one."""
    piece = Piece(0, 0, 300)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as made:
            made.writestr("0-0", b"y" * 300)
        with pytest.raises(SealBroken):
            archive.read_pack(memoryview(out.getvalue()), [piece])


@settings(max_examples=300)
@given(some.binary(max_size=200))
def test_any_bytes_are_a_pack_or_broken(data: bytes) -> None:
    with pytest.raises(SealBroken):
        archive.read_pack(memoryview(data), [Piece(0, 0, 3)])


def test_what_does_not_shrink_is_stored() -> None:
    assert deflate(os.urandom(1000)) is None
    assert deflate(os.urandom(1 << 20)) is None
    assert deflate(b"tiny") is None
    packed = deflate(b"a" * 1000)
    assert packed is not None
    assert zlib.decompress(packed, -15) == b"a" * 1000
    assert struct.calcsize("<IHHHHHIIIHH") == 30


@given(some.sets(some.integers(0, 99)))
def test_what_stands_in_a_bitmap(indices: set[int]) -> None:
    assert list(plan.members_of(plan.bitmap(100, sorted(indices)))) == sorted(indices)


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
