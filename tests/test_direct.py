"""Large pieces bypass the system's cache: the same bytes in every case, and the cache wherever bypassing is not possible."""

from __future__ import annotations

import ctypes
import errno
import os
import random
import sys
from pathlib import Path

import pytest

from countersign.base import limits
from countersign.disk import direct as disk_direct
from countersign.disk.direct import PAGE, LargeWriter, on_a_page
from countersign.disk.folders import File
from countersign.pack.archive import content_at
from countersign.pack.plan import PackPlan, Piece
from countersign.seal.stream import INNER
from countersign.target.unpacking import _shift

SIZE = 2 * limits.MIB
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is asked")


@pytest.fixture
def content() -> memoryview:
    """Three pages more than two pieces need, aligned to a page."""
    made = on_a_page(SIZE + 3 * PAGE)
    made[:] = random.Random(1).randbytes(len(made))
    return made


@pytest.fixture
def number(tmp_path: Path) -> int:
    """The file system of the tests."""
    with File(os.open(tmp_path, os.O_RDONLY)) as file:
        return disk_direct._file_system(file)


@pytest.fixture
def known(number: int) -> bool:
    """Whether it is one of those for which we bypass the cache."""
    return number in disk_direct._KNOWN


def written(path: Path, writer: LargeWriter, *pieces: memoryview) -> int:
    """Writes the pieces one after the other. Returns how many bytes went through the cache."""
    cached = at = 0
    with File(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)) as file:
        for piece in pieces:
            cached += writer.write(file, piece, at)
            at += len(piece)
    return cached


@only_linux
def test_a_large_piece_on_a_page_does_not_touch_the_cache(tmp_path: Path, content: memoryview, known: bool) -> None:
    cached = written(tmp_path / "x", LargeWriter(), content[:SIZE])
    assert (tmp_path / "x").read_bytes() == content[:SIZE]
    assert cached == (0 if known else SIZE)


@pytest.mark.parametrize("first", [0, 1, 100, PAGE - 1, PAGE, PAGE + 1, SIZE // 2 + 7])
@pytest.mark.parametrize("size", [SIZE, SIZE + 1, SIZE + PAGE + 5])
def test_pieces_that_begin_and_end_anywhere(tmp_path: Path, content: memoryview, first: int, size: int) -> None:
    """The second piece is aligned as `_shift` would align it: a page of the file on a page of memory."""
    start, second = content[:first], content[first % PAGE : first % PAGE + size]
    cached = written(tmp_path / "x", LargeWriter(), start, second)
    assert (tmp_path / "x").read_bytes() == bytes(start) + bytes(second)
    assert cached <= first + size


@only_linux
def test_what_lies_across_pages_goes_through_the_cache(tmp_path: Path, content: memoryview) -> None:
    assert written(tmp_path / "x", LargeWriter(), content[1 : 1 + SIZE]) == SIZE
    assert (tmp_path / "x").read_bytes() == content[1 : 1 + SIZE]


@only_linux
@pytest.mark.parametrize("after", [0, limits.MIB])
def test_a_disk_that_wants_something_else_gets_it_through_the_cache(
    tmp_path: Path, content: memoryview, number: int, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    write = os.write

    def refusing(handle: int, data: memoryview) -> int:
        if sys.platform != "linux":
            raise AssertionError("only Linux is asked")
        import fcntl

        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_DIRECT:
            if after and os.lseek(handle, 0, os.SEEK_CUR) == 0:
                return write(handle, data[:after])
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return write(handle, data)

    monkeypatch.setattr(disk_direct, "_KNOWN", {number})
    monkeypatch.setattr(os, "write", refusing)
    writer = LargeWriter()
    written(tmp_path / "x", writer, content[:SIZE])
    assert (tmp_path / "x").read_bytes() == content[:SIZE]
    written(tmp_path / "y", writer, content[:SIZE])
    assert (tmp_path / "y").read_bytes() == content[:SIZE]


@only_linux
def test_a_full_disk_is_told(tmp_path: Path, content: memoryview, known: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int, _data: memoryview) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        written(tmp_path / "x", LargeWriter(), content[:SIZE])


@pytest.mark.parametrize("offset", [0, 1, PAGE, 3 * PAGE + 17])
def test_the_first_file_of_a_pack_lies_on_pages(offset: int) -> None:
    """The buffer starts so that the content has the same offset within a page in memory and in the file."""
    plan = PackPlan(0, [Piece(12345, offset, SIZE)], True)
    start = INNER + content_at(plan.pieces[0])
    buffer = on_a_page(SIZE)
    place = ctypes.addressof(ctypes.c_char.from_buffer(buffer[_shift(plan) + start :]))
    assert place % PAGE == offset % PAGE
    assert _shift(PackPlan(0, [], True)) == 0
