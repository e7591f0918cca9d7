"""Either person can pause a transfer and go on. The other side is told, and neither takes it for a lost connection."""

from __future__ import annotations

import pytest

from countersign.base import limits
from countersign.session import status as st
from tests.transfers import Couple, Exchange, fill, snapshot
from tests.waiting import wait_until

pytestmark = pytest.mark.once


@pytest.mark.parametrize("who", ["sender", "receiver"])
def test_pausing_and_going_on(couple: Couple, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STALL_SECONDS", 2.0)
    monkeypatch.setattr(limits, "WAITING_SECONDS", 0.2)
    fill(couple.folder, large=60_000_000)
    exchange = Exchange(couple)
    controls = {"sender": exchange.session.controls, "receiver": exchange.reception.controls}[who]
    controls.pause(True)
    exchange.start()
    heard = (exchange.sender, exchange.receiver)
    for one, name in zip(heard, ("sender", "receiver"), strict=True):
        paused = one.wait(st.Paused)
        assert (paused.paused, paused.by_them) == (True, name != who)
    # longer than a stall may last: fifteen times a fifth of a second
    channel = exchange.session._connections._channel
    assert channel is not None
    heard_before = channel.heard
    wait_until(lambda: channel.heard > heard_before + 15, 20, "signs of life")
    assert not exchange.sender.all(st.Done)
    controls.pause(False)
    exchange.join()
    assert exchange.codes == ("done", "done")
    assert snapshot(couple.into) == snapshot(couple.folder)


def test_both_have_to_go_on(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAITING_SECONDS", 0.2)
    fill(couple.folder, large=60_000_000)
    exchange = Exchange(couple)
    both = (exchange.session.controls, exchange.reception.controls)
    for controls in both:
        controls.pause(True)
    exchange.start()
    wait_until(lambda: len(exchange.sender.all(st.Paused)) == 2, 20, "both to have paused")
    both[0].pause(False)
    wait_until(lambda: len(exchange.receiver.all(st.Paused)) == 3, 20, "the sender to go on")
    channel = exchange.session._connections._channel
    assert channel is not None
    assert channel.held_up
    both[1].pause(False)
    assert exchange.join().codes == ("done", "done")


def test_a_pause_that_never_ends_is_an_interruption(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PAUSE_SECONDS", 1.0)
    monkeypatch.setattr(limits, "WAITING_SECONDS", 0.2)
    fill(couple.folder, large=60_000_000)
    exchange = Exchange(couple)
    exchange.session.controls.pause(True)
    exchange.start()
    exchange.join()
    assert exchange.codes[0] == "interrupted"
    assert couple.visible() == []


def test_n8_somebody_who_says_that_they_pause_can_be_cancelled(couple: Couple) -> None:
    fill(couple.folder, large=60_000_000)
    exchange = Exchange(couple)
    exchange.session.controls.pause(True)
    exchange.start()
    wait_until(lambda: exchange.receiver.all(st.Paused), 20, "the pause")
    exchange.reception.controls.cancel()
    exchange.join()
    assert exchange.codes[1] == "cancelled_midway"
