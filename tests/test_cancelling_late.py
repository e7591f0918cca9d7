"""Cancelling after all packs have arrived, at every final step: within a second both sides report the truth, and nothing is lost."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from countersign.base import limits
from countersign.disk.folders import Folder
from countersign.receipts.checking import check_receipt
from countersign.receipts.writing import Draft
from countersign.session import status as st
from countersign.source.comparing import Comparison, Receipted
from countersign.source.hashing import SentHashes
from countersign.target import publishing, settling
from countersign.target.journal import list_interrupted
from countersign.target.publishing import Published
from countersign.target.staging import Staging
from countersign.transfer import connections, receiving
from tests.endings import no_receipt, nothing_left
from tests.transfers import Couple, Exchange, fill, snapshot
from tests.waiting import wait_until

SECOND = 1.5  # what feels like a second, on a computer that is busy with other tests
BOTH = ["sender", "receiver"]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STATUS_SECONDS", 0.0)
    monkeypatch.setattr(connections, "_PAUSES", (0.05,))
    monkeypatch.setattr(limits, "REJOIN_SECONDS", 20.0)
    monkeypatch.setattr(receiving, "_THANKS_SECONDS", 0.3)


@dataclass
class Held:
    """A step at which both sides stop until they are released."""

    reached: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def stand(self) -> None:
        self.reached.set()
        assert self.go.wait(30)


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.go.set()


def cancel(exchange: Exchange, who: str) -> float:
    """Cancels. Returns the time."""
    (exchange.session if who == "sender" else exchange.reception).controls.cancel()
    return time.monotonic()


def ends_soon(exchange: Exchange, began: float) -> None:
    for heard in (exchange.sender, exchange.receiver):
        wait_until(lambda heard=heard: heard.all(st.Done) or heard.all(st.Failed), 20, "an end")  # type: ignore[misc]
    assert time.monotonic() - began < SECOND


def kept_for_the_next(couple: Couple) -> None:
    """Nothing was published or signed; the next transfer reuses all of it."""
    assert couple.visible() == []
    no_receipt(couple)
    [_left] = list_interrupted(couple.bob.device.transfers)
    again = Exchange(couple).run()
    assert again.codes == ("done", "done")
    end = again.sender.end()
    assert isinstance(end, st.Done)
    assert end.wire_bytes < 100_000
    assert snapshot(couple.into) == snapshot(couple.folder)
    nothing_left(couple)


MIDWAY = {
    "sender": ("cancelled_midway", "peer_cancelled_midway"),
    "receiver": ("peer_cancelled_midway", "cancelled_midway"),
}


@pytest.mark.parametrize("who", BOTH)
def test_cancelled_while_held_files_are_hashed_and_the_verdict_is_awaited(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, held: Held, who: str
) -> None:
    fill(couple.folder, large=3_000_000)
    read_again = SentHashes.read_again

    def long(self: SentHashes, *arguments: object) -> None:
        stopped = arguments[-1]
        assert callable(stopped)
        wait_until(stopped, 30, "the end")
        read_again(self, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(SentHashes, "read_again", long)
        exchange = Exchange(couple).start()
        exchange.sender.wait(st.WaitingFor, 5)
        wait_until(lambda: st.WaitingFor("compare") in exchange.sender.statuses, 20, "the comparison")
        ends_soon(exchange, cancel(exchange, who))
        exchange.join()
    assert exchange.codes == MIDWAY[who]
    kept_for_the_next(couple)


@pytest.mark.parametrize("who", BOTH)
def test_cancelled_while_the_tree_is_completed(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, held: Held, who: str
) -> None:
    """A tree of many links and odd dates takes a while to complete."""
    fill(couple.folder, large=3_000_000)

    closed: list[bool] = []

    def long(self: Staging, on_progress: Callable[[], None]) -> None:
        held.reached.set()
        try:
            while not held.go.wait(0.01):
                on_progress()
        finally:
            held.go.wait(0.2)  # what it is working on
            closed.append(self.root.closed)

    with monkeypatch.context() as patch:
        patch.setattr(Staging, "complete_tree", long)
        exchange = Exchange(couple).start()
        assert held.reached.wait(20)
        ends_soon(exchange, cancel(exchange, who))
        exchange.join()
    assert exchange.codes == MIDWAY[who]
    assert closed == [False]  # nothing is closed while it is used
    kept_for_the_next(couple)


@pytest.mark.parametrize("who", BOTH)
def test_cancelled_while_the_disk_syncs(couple: Couple, monkeypatch: pytest.MonkeyPatch, held: Held, who: str) -> None:
    fill(couple.folder, large=3_000_000)
    sync = Folder.sync

    def long(self: Folder) -> None:
        held.stand()
        sync(self)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "sync", long)
        exchange = Exchange(couple).start()
        assert held.reached.wait(20)
        wait_until(lambda: st.WaitingFor("receipt") in exchange.sender.statuses, 20, "the verdict")
        ends_soon(exchange, cancel(exchange, who))
        held.go.set()
        exchange.join()
    assert exchange.codes == MIDWAY[who]
    kept_for_the_next(couple)


@pytest.mark.parametrize("who", BOTH)
def test_cancelled_while_the_receiver_drafts(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, held: Held, who: str
) -> None:
    """A list of two million entries takes a while on a slow disk. A draft is never left behind."""
    fill(couple.folder, large=3_000_000)
    add = Draft._add

    def long(self: Draft, data: bytes) -> None:
        add(self, data)
        if self._folder == couple.bob.device.receipts and data.count(b"\n") > 1:
            held.reached.set()
            time_left = threading.Event()
            time_left.wait(0.3)

    with monkeypatch.context() as patch:
        patch.setattr(Draft, "_add", long)
        exchange = Exchange(couple).start()
        assert held.reached.wait(20)
        began = cancel(exchange, who)
        ends_soon(exchange, began)
        exchange.join()
    if exchange.codes == MIDWAY[who]:
        kept_for_the_next(couple)
    else:
        done_at_the_receiver(couple, exchange)


def done_at_the_receiver(couple: Couple, exchange: Exchange) -> None:
    """Everything was published before the cancellation, with one receipt and nothing else."""
    assert exchange.receiver.code() == "done"
    assert snapshot(couple.into) == snapshot(couple.folder)
    end = exchange.receiver.end()
    assert isinstance(end, st.Done)
    assert list(couple.bob.device.receipts.iterdir()) == [end.receipt]
    assert end.receipt is not None
    assert not check_receipt(end.receipt, couple.into).differing
    nothing_left(couple)


@pytest.mark.parametrize("who", BOTH)
def test_cancelled_while_it_is_published(couple: Couple, monkeypatch: pytest.MonkeyPatch, held: Held, who: str) -> None:
    """Publishing that has begun is finished: the receiver is done. A sender that cancels gets no receipt and does not know."""
    fill(couple.folder, large=3_000_000)
    publish = publishing.publish

    def long(*arguments: object) -> Published:
        held.stand()
        return publish(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(settling, "publish", long)
    exchange = Exchange(couple).start()
    assert held.reached.wait(20)
    began = cancel(exchange, who)
    held.go.wait(0.3)
    held.go.set()
    ends_soon(exchange, began)
    exchange.join()
    done_at_the_receiver(couple, exchange)
    if who == "sender":
        assert exchange.sender.code() == "cancelled_midway"
        assert not list(couple.alice.device.receipts.iterdir())
    else:
        assert exchange.sender.code() == "done"  # too late: the receipt is still sent


@pytest.mark.parametrize("who", BOTH)
def test_cancelled_while_thanks_is_awaited(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, held: Held, who: str
) -> None:
    """The sender holds the receiver's signature, so it is done as well."""
    fill(couple.folder, large=3_000_000)
    countersign = Comparison._countersign

    def long(self: Comparison, *arguments: object) -> Receipted:
        held.stand()
        return countersign(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Comparison, "_countersign", long)
    exchange = Exchange(couple).start()
    assert held.reached.wait(20)
    began = cancel(exchange, who)
    held.go.wait(0.3)
    held.go.set()
    ends_soon(exchange, began)
    exchange.join()
    assert exchange.codes == ("done", "done")
    done_at_the_receiver(couple, exchange)
    [receipt] = list(couple.alice.device.receipts.iterdir())
    assert check_receipt(receipt, couple.into).countersigned


@pytest.mark.parametrize("who", BOTH)
def test_cancelled_while_the_sender_drafts(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, held: Held, who: str
) -> None:
    """It hears a cancellation while it waits for its own draft, and leaves no draft behind."""
    fill(couple.folder, large=3_000_000)
    draft = Comparison._draft

    def long(self: Comparison, ring: object, stopping: threading.Event) -> Draft:
        held.reached.set()
        wait_until(stopping.is_set, 30, "the end")
        return draft(self, ring, stopping)  # type: ignore[arg-type]

    monkeypatch.setattr(Comparison, "_draft", long)
    exchange = Exchange(couple).start()
    assert held.reached.wait(20)
    wait_until(couple.visible, 20, "publishing")
    began = cancel(exchange, who)
    ends_soon(exchange, began)
    exchange.join()
    assert exchange.sender.code() == MIDWAY[who][0]
    done_at_the_receiver(couple, exchange)
    assert not list(couple.alice.device.receipts.iterdir())


def test_looking_at_odd_dates_can_be_ended(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs a system call. A list of two million such files could not be cancelled for many seconds."""
    for number in range(5):
        (couple.folder / f"{number}").write_text("x")
        os.utime(couple.folder / f"{number}", ns=(0, -2_200_000_000_000_000_000))
    complete_tree = Staging.complete_tree
    looks: list[None] = []

    def counting(self: Staging, on_progress: Callable[[], None]) -> None:
        complete_tree(self, lambda: (looks.append(None), on_progress())[1])  # type: ignore[func-returns-value]

    monkeypatch.setattr(Staging, "complete_tree", counting)
    assert Exchange(couple).run().codes == ("done", "done")
    assert len(looks) == 5
