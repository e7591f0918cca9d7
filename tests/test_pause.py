"""Either person can pause a transfer and go on; the other side is told, and neither takes it for silence."""

from __future__ import annotations

import pytest

from countersign import limits
from countersign.transfer import status as st
from tests.transfers import Couple, Exchange, fill, snapshot
from tests.waiting import wait_until

pytestmark = pytest.mark.once


@pytest.mark.parametrize("who", ["sender", "receiver"])
def test_pausing_and_going_on(couple: Couple, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STALL_SECONDS", 2.0)
    monkeypatch.setattr(limits, "WAITING_SECONDS", 0.2)
    fill(couple.folder, large=60_000_000)
    exchange = Exchange(couple)
    answers = {"sender": exchange.session.answers, "receiver": exchange.reception.answers}[who]
    answers.pause(True)
    exchange.start()
    heard = (exchange.sender, exchange.receiver)
    for one, name in zip(heard, ("sender", "receiver"), strict=True):
        paused = one.wait(st.Paused)
        assert (paused.paused, paused.by_them) == (True, name != who)
    # longer than a stall may take: fifteen times a fifth of a second
    session = exchange.reception._session
    assert session is not None
    assert session._channel is not None
    heard_before = session._channel._heard
    wait_until(
        lambda: session._channel is not None and session._channel._heard > heard_before + 15, 20, "signs of life"
    )
    assert not exchange.sender.all(st.Done)
    answers.pause(False)
    exchange.join()
    assert exchange.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_both_have_to_go_on(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAITING_SECONDS", 0.2)
    fill(couple.folder, large=60_000_000)
    exchange = Exchange(couple)
    both = (exchange.session.answers, exchange.reception.answers)
    for answers in both:
        answers.pause(True)
    exchange.start()
    wait_until(lambda: len(exchange.sender.all(st.Paused)) == 2, 20, "both to have paused")
    both[0].pause(False)
    wait_until(lambda: len(exchange.receiver.all(st.Paused)) == 3, 20, "the sender to go on")
    session = exchange.session
    assert session._channel is not None
    assert session._channel.held_up
    both[1].pause(False)
    assert exchange.join().codes == ("done", "done")


def test_a_pause_that_never_ends_is_an_interruption(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAUSE_SECONDS", 1.0)
    monkeypatch.setattr(limits, "WAITING_SECONDS", 0.2)
    fill(couple.folder, large=60_000_000)
    exchange = Exchange(couple)
    exchange.session.answers.pause(True)
    exchange.start()
    exchange.join()
    assert exchange.codes[0] == "interrupted"
    assert couple.visible() == []


def test_n8_somebody_who_says_that_they_pause_can_be_cancelled(couple: Couple) -> None:
    fill(couple.folder, large=60_000_000)
    exchange = Exchange(couple)
    exchange.session.answers.pause(True)
    exchange.start()
    wait_until(lambda: exchange.receiver.all(st.Paused), 20, "the pause")
    exchange.reception.answers.cancel()
    exchange.join()
    assert exchange.codes[1] == "cancelled_midway"
