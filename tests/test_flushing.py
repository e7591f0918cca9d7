"""The early sync before the last one: by amount, and never instead of it."""

from __future__ import annotations

import errno
import os
from itertools import count
from pathlib import Path

import pytest

from countersign.disk.folders import SYNCS_AT_ONCE, Folder
from countersign.target import flushing
from countersign.target.flushing import EarlySync
from tests.transfers import Exchange, fill, make_couple
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not SYNCS_AT_ONCE, reason="this system syncs file by file")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Folder]:
    """The folders that were synced."""
    found: list[Folder] = []

    def sync(folder: Folder) -> None:
        found.append(folder)

    monkeypatch.setattr(flushing, "_LOOK", 0.001)
    monkeypatch.setattr(Folder, "sync", sync)
    return found


def test_it_syncs_when_much_was_written(tmp_path: Path, synced: list[Folder]) -> None:
    steps = count(0, flushing._MUCH)
    early = EarlySync(tmp_path, lambda: next(steps))
    wait_until(lambda: len(synced) > 2, 20, "three syncs")
    early.close()


def test_it_leaves_little_alone(tmp_path: Path, synced: list[Folder]) -> None:
    looked: list[int] = []

    def written() -> int:
        looked.append(1)
        return flushing._MUCH - 1 if len(looked) > 1 else 0

    early = EarlySync(tmp_path, written)
    wait_until(lambda: len(looked) > 3, 20, "it to look")
    early.close()
    assert not synced


def test_f2_a_disk_that_fails_early_is_heard_of_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_folder: Folder) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(flushing, "_LOOK", 0.001)
    monkeypatch.setattr(flushing, "_MUCH", 1)
    monkeypatch.setattr(Folder, "sync", fail)
    couple = make_couple(tmp_path)
    fill(couple.folder)
    exchange = Exchange(couple).run()
    assert exchange.receiver.code() == "disk"
    assert couple.visible() == []
