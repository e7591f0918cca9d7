"""What the sender reads is what it has listed: no link is followed, and no other file of the same size passes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.base import limits
from countersign.pack.manifest import Manifest
from countersign.pack.plan import Piece
from countersign.pack.reasons import Reason
from countersign.receipts.format import lines_for
from countersign.session import status as st
from countersign.source import reading
from countersign.source.reading import Source, WithdrawnError
from countersign.source.scanning import scan_selection
from countersign.source.selection import Selection
from tests.test_selection import NOBODY
from tests.transfers import Couple, Exchange

DATE = 1_600_000_000_123_456_700
SIZES = (0, 5, reading._SMALL, reading._SMALL + 1, limits.MIB + 3)


def listed(folder: Path) -> Manifest:
    return scan_selection(Selection((folder,)), lambda _f, _s: None, lambda: False, NOBODY).manifest


def written(path: Path, content: bytes, date: int = DATE) -> Path:
    path.write_bytes(content)
    os.utime(path, ns=(date, date))
    return path


@pytest.fixture(params=SIZES)
def chosen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Source, Piece]]:
    """A file of some size, the source that has listed it, and its last piece."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = written(folder / "file", b"x" * request.param)
    source = Source(Selection((folder,)), listed(folder))
    offset = request.param // limits.MIB * limits.MIB
    yield path, source, Piece(0, offset, request.param - offset)
    source.close()


def refused(source: Source, piece: Piece) -> str:
    with pytest.raises(WithdrawnError) as caught:
        source.read(piece, memoryview(bytearray(limits.MIB)))
    return caught.value.reason


def test_a_file_that_is_as_it_was_listed_is_read(chosen: tuple[Path, Source, Piece]) -> None:
    path, source, piece = chosen
    read = source.read(piece, memoryview(bytearray(limits.MIB)))
    assert bytes(read) == path.read_bytes()[piece.offset :]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_p10_a_link_to_a_secret_of_equal_size_and_date_is_not_followed(
    chosen: tuple[Path, Source, Piece], tmp_path: Path
) -> None:
    path, source, piece = chosen
    secret = written(tmp_path / "secret", b"s" * path.stat().st_size)
    path.unlink()
    path.symlink_to(secret)
    assert refused(source, piece) == "changed"


def test_f4_other_content_of_the_same_size_is_noticed(chosen: tuple[Path, Source, Piece]) -> None:
    path, source, piece = chosen
    written(path, b"y" * path.stat().st_size, DATE + 1_000_000_000)
    assert refused(source, piece) == "changed"


@pytest.mark.parametrize("more", [-1, 1])
def test_f4_another_size_of_the_same_date_is_noticed(chosen: tuple[Path, Source, Piece], more: int) -> None:
    path, source, piece = chosen
    written(path, b"x" * max(1, path.stat().st_size + more))
    assert refused(source, piece) == "changed"


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no named pipes")
def test_what_is_no_file_any_more_is_not_read(chosen: tuple[Path, Source, Piece]) -> None:
    path, source, piece = chosen
    path.unlink()
    if sys.platform != "win32":
        os.mkfifo(path)
    os.utime(path, ns=(DATE, DATE))
    assert refused(source, piece) in ("changed", "unreadable")


# --- what is withdrawn ------------------------------------------------------------------------------------------------


def test_a_withdrawn_file_has_no_hash_in_the_lines(tmp_path: Path) -> None:
    written(tmp_path / "a", b"here")
    written(tmp_path / "b", b"gone")
    lines = list(lines_for(listed(tmp_path), {1: Reason.VANISHED}, bytearray(b"h" * 64)))
    assert [(line.name, line.skipped, line.size, line.blake3) for line in lines] == [
        ("a", None, 4, (b"h" * 32).hex()),
        ("b", "vanished", None, None),
    ]


def test_f4_no_receipt_says_that_a_withdrawn_file_arrived(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its beginning was sent before it changed; the receiver drops that."""
    written(couple.folder / "a", b"here")
    large = written(couple.folder / "b", os.urandom(3 * limits.PACK_BYTES))
    read = Source.read

    def changing(self: Source, piece: Piece, buffer: memoryview) -> memoryview:
        if piece.offset >= 2 * limits.PACK_BYTES - limits.MIB:
            os.utime(large, ns=(DATE + 1, DATE + 1_000_000_000))
        return read(self, piece, buffer)

    monkeypatch.setattr(Source, "read", changing)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    assert couple.visible() == ["a"]
    for heard, device in ((exchange.sender, couple.alice.device), (exchange.receiver, couple.bob.device)):
        end = heard.end()
        assert isinstance(end, st.Done)
        assert [path for path, _reason in end.skipped] == ["b"]
        [receipt] = list(device.receipts.iterdir())
        line = receipt.read_text().splitlines()[2]
        assert '"name":"b"' in line
        assert '"skipped":"changed"' in line
        assert "blake3" not in line
        assert "size" not in line
