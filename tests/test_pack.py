"""The archive: one canonical form, and every other is refused."""

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

from countersign.base.errors import SealBroken
from countersign.pack import archive
from countersign.pack.compress import deflate
from countersign.pack.plan import Piece

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
