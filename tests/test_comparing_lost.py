"""The line is lost while both sides compare, publish and sign: it is published once and signed once."""

from __future__ import annotations

import threading

import pytest

from countersign.base import limits
from countersign.receipts.checking import check_receipt
from countersign.session import status as st
from countersign.session.channel import Channel
from countersign.target import publishing, settling
from countersign.target.publishing import Published
from countersign.transfer import connections, receiving
from countersign.transport.link import LinkLostError
from countersign.wire import messages as m
from countersign.wire.messages import Kind
from tests.endings import LARGE, done_once, nothing_left
from tests.losing import is_kind, losing
from tests.test_resume import edit_unseen
from tests.transfers import Couple, Exchange, fill, interrupt

pytestmark = pytest.mark.usefixtures("quick_dialing")


def counting_publish(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    calls: list[object] = []
    publish = publishing.publish

    def counting(*arguments: object) -> Published:
        calls.append(arguments)
        return publish(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(settling, "publish", counting)
    return calls


# --- lines that are lost ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("kind", [Kind.HASHES, Kind.VERDICT, Kind.RECEIPT, Kind.THANKS])
def test_f3_a_line_lost_at_every_word_of_the_end(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, kind: Kind, times: int
) -> None:
    fill(couple.folder, large=5_000_000)
    published = counting_publish(monkeypatch)
    lost = losing(monkeypatch, kind, times)
    exchange = Exchange(couple).run()
    assert len(lost) == times
    assert len(published) == 1
    done_once(couple, exchange)


@pytest.mark.parametrize("kind", [Kind.VERDICT, Kind.RECEIPT])
def test_f3_a_word_that_went_out_and_never_arrived(couple: Couple, monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    fill(couple.folder, large=5_000_000)
    published = counting_publish(monkeypatch)
    assert losing(monkeypatch, kind, 1, sent=True) is not None
    exchange = Exchange(couple).run()
    assert len(published) == 1
    done_once(couple, exchange)


@pytest.mark.parametrize("times", [1, 3])
def test_f9_a_verdict_that_was_never_heard_is_no_round(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """The receiver still held the old content, and the sender took that for content that differs once more."""
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 4)
    edit_unseen(couple.folder / "a" / "b" / "c" / "001.txt")
    lost = losing(monkeypatch, Kind.VERDICT, times, sent=True)
    exchange = Exchange(couple).run()
    assert len(lost) == times
    done_once(couple, exchange)


def test_f9_a_receiver_that_never_hears_a_verdict_is_not_served_for_ever(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(couple.folder, large=LARGE)
    interrupt(couple, LARGE // 4)
    edit_unseen(couple.folder / "a" / "b" / "c" / "001.txt")
    losing(monkeypatch, Kind.VERDICT, 1000, sent=True)
    exchange = Exchange(couple).start().join(receiver=False)
    exchange.stop_receiver()
    assert exchange.sender.code() == "differs"


def test_f3_time_that_passed_well_is_not_counted_against_the_next_loss(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked for each other for so long since the first loss, however much had gone well in between."""
    monkeypatch.setattr(limits, "REJOIN_SECONDS", 1.0)
    fill(couple.folder, large=1000)
    send = Channel.send
    lost: list[m.Message] = []

    def losing_late(self: Channel, message: m.Message) -> None:
        if is_kind(message, Kind.HASHES) and len(lost) < 2:
            if lost:
                assert not threading.Event().wait(1.2)  # a large folder that is compared
            lost.append(message)
            self.lose()
            raise LinkLostError
        send(self, message)

    monkeypatch.setattr(Channel, "send", losing_late)
    exchange = Exchange(couple).run()
    assert len(lost) == 2
    done_once(couple, exchange)


# --- who holds a receipt is done -------------------------------------------------------------------------------------


def test_a_sender_that_holds_the_receipt_is_done_though_the_line_never_comes_back(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was told to send all of it again, with the receiver's signature in its hands."""
    monkeypatch.setattr(receiving, "_THANKS_SECONDS", 0.1)
    monkeypatch.setattr(connections, "_THANKS_SECONDS", 0.6)
    monkeypatch.setattr(connections, "_PAUSES", (0.4,))
    fill(couple.folder, large=1000)
    losing(monkeypatch, Kind.THANKS, 1)
    exchange = Exchange(couple).run()
    assert exchange.codes == ("done", "done")
    sent, got = exchange.sender.end(), exchange.receiver.end()
    assert isinstance(sent, st.Done)
    assert isinstance(got, st.Done)
    assert sent.receipt is not None
    assert got.receipt is not None
    assert check_receipt(sent.receipt, couple.into).countersigned
    assert not check_receipt(got.receipt, couple.into).countersigned
    assert sent.files == got.files
    nothing_left(couple)


def test_a_sender_that_holds_the_receipt_can_not_be_cancelled_any_more(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "_THANKS_SECONDS", 0.1)
    monkeypatch.setattr(connections, "_PAUSES", (30.0,))
    fill(couple.folder, large=1000)
    losing(monkeypatch, Kind.THANKS, 1)
    exchange = Exchange(couple).start()
    exchange.sender.wait(st.Reconnecting)
    exchange.session.controls.cancel()
    exchange.join()
    assert exchange.codes == ("done", "done")
