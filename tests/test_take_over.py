"""What an earlier try gives: to the same peer, for files that are the same in every way; and folders that go on after a lost line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from countersign.base import limits
from countersign.pack.comparing import same_files
from countersign.pack.manifest import Entry, EntryKind, Manifest
from countersign.session import status as st
from countersign.session.proposal import Decision
from countersign.source.scanning import scan_selection
from countersign.source.selection import Selection
from countersign.target import intake
from countersign.target.recovery import close_all, look_for
from countersign.target.staging import Staging
from countersign.transfer import connections
from countersign.transport.link import LinkLostError
from tests.transfers import Couple, Exchange, interrupt, snapshot

LARGE = 32_000_000


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STATUS_SECONDS", 0.0)
    monkeypatch.setattr(intake, "_ACK_SECONDS", 0.0)
    monkeypatch.setattr(connections, "_PAUSES", (0.05,))


def files(root: Path, count: int = 5) -> None:
    for number in range(count):
        folder = root / f"d{number}" / "inner"
        folder.mkdir(parents=True)
        (folder / "f").write_text(f"content {number}")
    (root / "z.bin").write_bytes(os.urandom(LARGE))


def one(name: str = "f", size: int = 5, mtime: int = 7, kind: EntryKind = EntryKind.FILE) -> Manifest:
    manifest = Manifest()
    manifest.add(Entry(kind, -1, name, size, mtime, ""))
    return manifest


@pytest.mark.parametrize(
    ("new", "pairs"),
    [
        (one(), [(0, 0)]),
        (one(name="e"), []),
        (one(name="g"), []),
        (one(size=6), []),
        (one(mtime=8), []),
        (one(kind=EntryKind.EXECUTABLE), []),
    ],
)
def test_files_are_the_same_in_path_kind_size_and_date(new: Manifest, pairs: list[tuple[int, int]]) -> None:
    assert list(same_files(new, one())) == pairs


def test_f9_a_file_of_another_date_is_not_counted_as_held(couple: Couple) -> None:
    files(couple.folder)
    interrupt(couple, LARGE // 2)
    edited = couple.folder / "d1" / "inner" / "f"
    edited.write_text("CONTENT 1")
    os.utime(edited, ns=(1, 1_500_000_000_000_000_000))
    exchange = Exchange(couple, accept=None).start()
    proposal = exchange.receiver.wait(st.NeedDecision).proposal
    assert proposal.held_files == 4
    exchange.reception.answers.decision.give(Decision(True))
    assert exchange.join().codes == ("done", "done")
    assert not exchange.sender.all(st.Reconnecting)  # and not because both had to compare first
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_nobody_gets_what_another_peer_has_sent(couple: Couple) -> None:
    """Else a list of names, sizes and dates would tell what others have sent."""
    files(couple.folder)
    interrupt(couple, LARGE // 2)
    scan = scan_selection(Selection((couple.folder,)), lambda _f, _s: None, lambda: False, couple.alice.device.own)
    transfers = couple.bob.device.transfers

    def held(person: str) -> list[int]:
        found = look_for(scan.manifest, couple.folder.name, transfers, person, lambda: None)
        try:
            return [item.files for item in found]
        finally:
            close_all(found)

    assert held(couple.peer_alice().person.hex()) == [5]
    assert held("00" * 32) == []


@pytest.mark.parametrize("at", [1, 4, 10])
def test_f3_folders_are_made_on_after_a_line_was_lost_among_them(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """The first, one in the middle, the last: none is made twice, none is left out."""
    files(couple.folder)
    make = Staging.make_folders
    asked: list[int] = []

    def losing(self: Staging, on_progress: Callable[[], None]) -> None:
        def look() -> None:
            asked.append(len(asked) + 1)
            if len(asked) == at:
                raise LinkLostError
            on_progress()

        make(self, look)

    monkeypatch.setattr(Staging, "make_folders", losing)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    assert exchange.receiver.all(st.Reconnecting)
    assert len(asked) == 11  # ten folders, and one of them asked for again
    end = exchange.receiver.end()
    assert isinstance(end, st.Done)
    assert end.skipped == ()
    assert snapshot(couple.into) == snapshot(couple.folder)
