"""In which order things reach the disk, where no test can pull the plug: each step is watched, and a write that ends short."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from countersign.disk.folders import File, Folder, spot_of
from countersign.session.channel import Channel
from countersign.target import creating
from countersign.target.creating import complete_file
from countersign.wire import messages as m
from tests.losing import is_kind
from tests.transfers import Couple, Exchange, fill

if sys.platform == "win32":
    pytest.skip("the calls of a Unix are watched", allow_module_level=True)

from countersign.disk import posix

DATE = 1_600_000_000_123_456_700


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with Folder.open_root(tmp_path) as made:
        yield made


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Size and date of each file at the moment in which it is synced."""
    found: list[tuple[int, int]] = []
    sync = posix._sync_open_file

    def watching(number: int) -> None:
        status = os.fstat(number)
        found.append((status.st_size, status.st_mtime_ns))
        sync(number)

    monkeypatch.setattr(posix, "_sync_open_file", watching)
    return found


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("size", [0, 5, 200_000])
def test_a_small_file_is_synced_by_itself_where_nothing_syncs_all(
    folder: Folder, synced: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch, at_once: bool, size: int
) -> None:
    monkeypatch.setattr(posix, "SYNCS_AT_ONCE", at_once)
    folder.create_small("file", False, b"x" * size, DATE)
    assert synced == ([] if at_once else [(size, DATE)])


@pytest.mark.parametrize("at_once", [False, True])
def test_a_large_file_is_synced_by_itself_where_nothing_syncs_all(
    folder: Folder, synced: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    monkeypatch.setattr(creating, "SYNCS_AT_ONCE", at_once)
    with folder.create_file("file", False) as file:
        file.write(b"x" * 300_000)
        complete_file(file, DATE)
    assert synced == ([] if at_once else [(300_000, DATE)])


class NearlyFull:
    """Stands in for the module `os`: a write takes three bytes, and after `room` of them no more."""

    def __init__(self, room: int) -> None:
        self._room = room

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def write(self, number: int, data: Any) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = os.write(number, memoryview(data)[: min(3, self._room)])
        self._room -= count
        return count


@pytest.mark.parametrize("room", [0, 3, 9])
def test_f2_nothing_is_left_of_a_small_file_whose_writing_ends_short(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, room: int
) -> None:
    monkeypatch.setattr(posix, "os", NearlyFull(room))
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        folder.create_small("file", False, b"0123456789", DATE)
    assert list(tmp_path.iterdir()) == []


def test_a_small_file_that_is_written_in_parts_is_whole(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(posix, "os", NearlyFull(10))
    folder.create_small("file", False, b"0123456789", DATE)
    assert (tmp_path / "file").read_bytes() == b"0123456789"
    assert (tmp_path / "file").stat().st_mtime_ns == DATE


def test_a_file_that_is_there_is_never_written_over(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        folder.create_small("file", False, b"theirs", DATE)
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_the_target_folder_is_synced_after_the_last_rename(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000, small=3)
    move, sync = Folder.move, Folder.sync
    events: list[tuple[str, object]] = []

    def moving(self: Folder, name: str, other: Folder, new_name: str) -> None:
        move(self, name, other, new_name)
        events.append(("move", spot_of(os.fstat(other.number))))

    def syncing(self: Folder) -> None:
        events.append(("sync", spot_of(os.fstat(self.number))))
        sync(self)

    monkeypatch.setattr(Folder, "move", moving)
    monkeypatch.setattr(Folder, "sync", syncing)
    assert Exchange(couple).run().codes == ("done", "done")
    target = spot_of(couple.into.stat())
    tops = len(list(couple.folder.iterdir()))
    assert events[-tops - 1 :] == [("move", target)] * tops + [("sync", target)]
    # and before the first rename what is in the files
    assert events[0][0] == "sync"
    assert events[0][1] != target


def test_the_sender_keeps_its_receipt_before_it_says_thanks(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has heard thanks may forget the transfer: what proves it must be on the sender's disk by then."""
    fill(couple.folder, large=1000, small=3)
    send = Channel.send
    there: list[str] = []

    def sending(self: Channel, message: m.Message) -> None:
        if is_kind(message, m.Kind.THANKS):
            there.extend(path.read_text() for path in couple.alice.device.receipts.iterdir())
        send(self, message)

    monkeypatch.setattr(Channel, "send", sending)
    assert Exchange(couple).run().codes == ("done", "done")
    [text] = there
    received, sent = text.splitlines()[-2:]
    assert received.startswith('{"received":')
    assert sent.startswith('{"sent":')


def test_a_file_is_written_from_where_it_stands(folder: Folder, tmp_path: Path) -> None:
    with folder.create_file("file", False) as file:
        for part in (b"", b"a" * 10, b"b" * (3 * posix._WRITE + 1)):
            file.write(part)
    assert (tmp_path / "file").read_bytes() == b"a" * 10 + b"b" * (3 * posix._WRITE + 1)
    assert isinstance(file, File)
