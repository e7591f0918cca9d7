"""Two threads create many small files: all of them, once each; what the disk refuses is reported."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from countersign.base import limits
from countersign.base.errors import DiskFull
from countersign.disk.folders import Folder
from countersign.pack.archive import Member
from countersign.pack.manifest import TOP, Entry, EntryKind, Manifest
from countersign.pack.plan import Piece
from countersign.session import status as st
from countersign.target.creating import Creator
from countersign.target.journal import list_interrupted
from tests.failing_disk import MAKING, refuse
from tests.transfers import Couple, Exchange, snapshot

COUNT = 40
FILES = limits.PACK_PIECES + 1000
MTIME = 1_700_000_000_123_456_789


@pytest.fixture
def helper() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


@pytest.fixture
def creator(tmp_path: Path) -> Iterator[Creator]:
    """For an existing folder `d` and files in it, every second one executable."""
    (tmp_path / "d").mkdir()
    manifest = Manifest()
    manifest.add(Entry(EntryKind.FOLDER, TOP, "d", 0, 0, ""))
    for number in range(COUNT):
        kind = EntryKind.EXECUTABLE if number % 2 else EntryKind.FILE
        manifest.add(Entry(kind, 0, f"{number:03}", number, MTIME + number, ""))
    root = Folder.open_root(tmp_path)
    made = Creator(manifest, root)
    yield made
    made.close()
    root.close()


def members() -> list[Member]:
    return [(Piece(number + 1, 0, number), bytes([number]) * number) for number in range(COUNT)]


def refusing(monkeypatch: pytest.MonkeyPatch, *names: str, number: int) -> None:
    """The disk refuses these names."""
    refuse(monkeypatch, MAKING, number, lambda _folder, name: name in names)


def test_all_are_there_with_their_times(creator: Creator, helper: ThreadPoolExecutor, tmp_path: Path) -> None:
    made = creator.many(members(), helper)
    assert sorted(made.done) == list(range(1, COUNT + 1))
    assert made.refused == []
    for number in range(COUNT):
        path = tmp_path / "d" / f"{number:03}"
        assert path.read_bytes() == bytes([number]) * number
        assert abs(path.stat().st_mtime_ns - (MTIME + number)) < 1000
        if os.name == "posix":
            assert bool(path.stat().st_mode & 0o100) == bool(number % 2)


@pytest.mark.parametrize("name", ["003", "030"])
def test_a_name_that_the_disk_refuses(
    creator: Creator, helper: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    refusing(monkeypatch, name, number=errno.EINVAL)
    made = creator.many(members(), helper)
    assert [index for index, _error in made.refused] == [int(name) + 1]
    assert len(made.done) == COUNT - 1


@pytest.mark.parametrize("name", ["003", "030"])
def test_a_full_disk_ends_it_for_both(
    creator: Creator, helper: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, name: str, tmp_path: Path
) -> None:
    refusing(monkeypatch, name, number=errno.ENOSPC)
    made = creator.many(members(), helper)
    assert [error.errno for _index, error in made.refused] == [errno.ENOSPC]
    assert {path.name for path in (tmp_path / "d").iterdir()} == {f"{index - 1:03}" for index in made.done}


def test_after_a_full_disk_no_other_is_begun(
    creator: Creator, helper: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing(monkeypatch, *(f"{number:03}" for number in range(COUNT)), number=errno.ENOSPC)
    made = creator.many(members(), helper)
    assert made.done == []
    assert 1 <= len(made.refused) <= 2  # each thread may be working on one


def test_both_threads_take_their_share(
    creator: Creator, helper: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits once for the other, so neither can have created all of them."""
    meeting = threading.Barrier(2)
    met: set[int] = set()
    create = Folder.create_small

    def create_small(self: Folder, name: str, *rest: Any) -> None:
        if threading.get_ident() not in met:
            met.add(threading.get_ident())
            meeting.wait(20)
        create(self, name, *rest)

    monkeypatch.setattr(Folder, "create_small", create_small)
    made = creator.many(members(), helper)
    assert sorted(made.done) == list(range(1, COUNT + 1))
    assert len(met) == 2


def test_one_thread_makes_what_is_left_of_the_others(
    creator: Creator, helper: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that creates the second file waits until all others exist."""
    created = 0
    counting = threading.Lock()
    others_made = threading.Event()
    create = Folder.create_small

    def create_small(self: Folder, name: str, *rest: Any) -> None:
        nonlocal created
        with counting:
            created += 1
            second, last = created == 2, created == COUNT
        if second:
            assert others_made.wait(20)
        if last:
            others_made.set()
        create(self, name, *rest)

    monkeypatch.setattr(Folder, "create_small", create_small)
    made = creator.many(members(), helper)
    assert sorted(made.done) == list(range(1, COUNT + 1))


def test_a_transfer_of_many_with_one_refused(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    many(couple)
    refusing(monkeypatch, "0700", number=errno.EINVAL)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    end = exchange.receiver.end()
    assert isinstance(end, st.Done)
    assert [path for path, _reason in end.skipped] == ["a/0700"]
    (couple.folder / "a" / "0700").unlink()
    assert {name: facts for name, facts in snapshot(couple.into).items() if name != "a"} == {
        name: facts for name, facts in snapshot(couple.folder).items() if name != "a"
    }


def test_a_transfer_of_many_onto_a_full_disk_goes_on_later(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    many(couple)
    with monkeypatch.context() as full:
        refusing(full, f"{FILES // 2:04}", number=errno.ENOSPC)
        exchange = Exchange(couple).run()
    assert exchange.receiver.code() == DiskFull.code
    assert couple.visible() == []
    assert len(list_interrupted(couple.bob.device.transfers)) == 1
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def many(couple: Couple) -> None:
    """More small files than one pack holds, after the end of a large one."""
    (couple.folder / "a").mkdir()
    (couple.folder / "a" / "0").write_bytes(bytes(limits.PACK_BYTES + 300 * limits.KIB))
    for number in range(FILES):
        (couple.folder / "a" / f"{number:04}").write_bytes(b"%d" % number)
