"""The end of a transfer: what a disk refuses, and what the other side may not say."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from countersign.base.errors import DiskProblem
from countersign.disk import folders as disk
from countersign.pack import arrival
from countersign.pack.reasons import BY_WORD
from countersign.receipts import writing as receipt_writing
from countersign.receipts.checking import check_receipt
from countersign.receipts.writing import Draft
from countersign.seal.keys import KeyRing
from countersign.seal.stream import Stream, StreamWriter
from countersign.session import status as st
from countersign.session.proposal import Decision
from countersign.source import comparing
from countersign.target import concluding, journal
from countersign.wire.messages import Kind
from tests.endings import LARGE, no_receipt
from tests.losing import losing
from tests.transfers import Couple, Exchange, fill, interrupt, snapshot

pytestmark = pytest.mark.usefixtures("quick_dialing")


# --- receipts on a disk that is full ---------------------------------------------------------------------------------


def test_an_earlier_receipt_stays_until_the_next_is_kept(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    losing(monkeypatch, Kind.THANKS, 1)
    keep = Draft.keep
    full: list[object] = []

    def keeping(self: Draft, stem: str, tail: Iterable[object]) -> Path:
        if self._folder == couple.bob.device.receipts:
            full.append(stem)
            if len(full) == 2:
                self.discard()
                raise DiskProblem(path=self._folder, reason="full")
        return keep(self, stem, tail)  # type: ignore[arg-type]

    monkeypatch.setattr(Draft, "keep", keeping)
    exchange = Exchange(couple).run()
    assert len(full) == 2
    assert exchange.receiver.code() == "done"
    end = exchange.receiver.end()
    assert isinstance(end, st.Done)
    assert list(couple.bob.device.receipts.iterdir()) == [end.receipt]


def test_an_earlier_receipt_that_cannot_be_removed_is_no_bug(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    losing(monkeypatch, Kind.THANKS, 1)
    unlink = Path.unlink

    def refusing(self: Path, missing_ok: bool = False) -> None:
        if self.suffix == ".receipt":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", refusing)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    for device in (couple.alice.device, couple.bob.device):
        assert {path.suffix for path in device.receipts.iterdir()} == {".receipt"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a limit on the size of files")
def test_a_countersignature_that_the_disk_cuts_short_leaves_the_receipt_good(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a line behind it made a good receipt one that is `not whole`."""
    if sys.platform == "win32":
        pytest.skip("no limit of this kind there")
    import resource

    fill(couple.folder, large=1000)
    add = receipt_writing.add_countersignature

    def on_a_full_disk(receipt: Path, signature: bytes) -> None:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (receipt.stat().st_size + 20, before[1]))
        try:
            add(receipt, signature)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    monkeypatch.setattr(concluding, "add_countersignature", on_a_full_disk)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    [receipt] = list(couple.bob.device.receipts.iterdir())
    assert not check_receipt(receipt, couple.into).countersigned


# --- what a receiver may say -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lie", ["changed", "vanished", "unreadable"])
def test_r2_only_the_sender_says_what_it_withdrew(couple: Couple, monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    """A receiver said of a file that it was withdrawn, and the sender signed that."""
    fill(couple.folder, large=1000)
    runs = arrival.runs

    def lying(manifest: object, _skipped: object, digests: object) -> object:
        names = manifest.names  # type: ignore[attr-defined]
        return runs(manifest, {names.index("large.bin"): BY_WORD[lie]}, digests)  # type: ignore[arg-type]

    monkeypatch.setattr(concluding, "runs", lying)
    exchange = Exchange(couple).start().join(receiver=False)
    exchange.stop_receiver()
    assert exchange.sender.code() == "protocol"
    no_receipt(couple)


@pytest.mark.parametrize("lie", ["vanished", "unwanted", None])
def test_r2_what_was_withdrawn_is_told_by_the_same_reason(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, lie: str | None
) -> None:
    fill(couple.folder, large=1000)
    runs = arrival.runs

    def lying(manifest: object, skipped: dict[int, object], digests: object) -> object:
        assert [reason.name for reason in skipped.values()] == ["CHANGED"]  # type: ignore[attr-defined]
        told = dict.fromkeys(skipped, BY_WORD[lie]) if lie else {}
        return runs(manifest, told, digests)  # type: ignore[arg-type]

    monkeypatch.setattr(concluding, "runs", lying)
    exchange = Exchange(couple, accept=None).start()
    exchange.receiver.wait(st.NeedDecision)
    (couple.folder / "run.sh").write_text("changed since it was listed")
    exchange.reception.answers.decision.give(Decision(True))
    exchange.join(receiver=False)
    exchange.stop_receiver()
    assert exchange.sender.code() == "protocol"
    no_receipt(couple)


# --- content that is damaged -----------------------------------------------------------------------------------------


def never_last(monkeypatch: pytest.MonkeyPatch, module: object, stream: Stream) -> None:
    """This stream is not ended by what should be its only payload."""

    class Unended(StreamWriter):
        def __init__(self, ring: KeyRing, which: Stream) -> None:
            super().__init__(ring, which)
            self.unended = which is stream

        def write(self, payload: bytes | bytearray | memoryview, last: bool, now: int) -> memoryview:
            return super().write(payload, last and not self.unended, now)

    monkeypatch.setattr(module, "StreamWriter", Unended)


def test_s1_a_verdict_that_goes_on_is_none(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    never_last(monkeypatch, comparing, Stream.VERDICT)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("protocol", "protocol")
    assert couple.visible() == []
    no_receipt(couple)


def test_s1_a_receipt_that_goes_on_is_none(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    never_last(monkeypatch, concluding, Stream.RECEIPT)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("receipt", "done")
    assert not list(couple.alice.device.receipts.iterdir())


def test_s1_thanks_that_go_on_are_none(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=1000)
    never_last(monkeypatch, comparing, Stream.THANKS)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    [receipt] = list(couple.bob.device.receipts.iterdir())
    assert not check_receipt(receipt, couple.into).countersigned


def test_r2_a_time_that_no_receipt_may_have_is_refused_before_anything_is_published(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(couple.folder, large=1000)
    monkeypatch.setattr(concluding, "time_text", lambda _moment: "now\x1b[2K")
    exchange = Exchange(couple).run()
    assert exchange.codes == ("protocol", "protocol")
    assert couple.visible() == []
    no_receipt(couple)


def test_n9_a_sender_that_finds_a_difference_in_what_is_published(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(couple.folder, large=1000)
    losing(monkeypatch, Kind.RECEIPT, 1)
    differing = arrival.Arrived.differing
    said: list[object] = []

    def hostile(self: arrival.Arrived, digests: bytearray) -> list[int]:
        said.append(digests)
        names = self._manifest.names
        return [names.index("run.sh")] if len(said) > 1 else differing(self, digests)

    monkeypatch.setattr(arrival.Arrived, "differing", hostile)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("protocol", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


# --- clearing away ---------------------------------------------------------------------------------------------------


def test_an_earlier_try_that_cannot_be_cleared_away_is_no_bug(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 4)
    refused: list[Path] = []
    remove_tree = disk.remove_tree

    def refusing(path: Path) -> None:
        if not refused:
            refused.append(path)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        remove_tree(path)

    monkeypatch.setattr(journal, "remove_tree", refusing)
    exchange = Exchange(couple).run()
    assert refused
    assert exchange.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)
