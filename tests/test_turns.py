"""A sender that was started anew and has proven the code takes the turn, however soon its old session ends."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from countersign.base import limits
from countersign.base.errors import Busy, Cancelled, PeerSilent
from countersign.session import status as st
from countersign.session.background import Background
from countersign.session.channel import Channel
from countersign.source.selection import Selection
from countersign.transfer.queueing import Turn
from countersign.transport.addresses import Address
from countersign.transport.link import LinkLostError
from countersign.wire import messages as m
from tests.proxy import Proxy
from tests.transfers import Couple, Exchange, fill, snapshot

LARGE = 30_000_000
PEER: Any = SimpleNamespace(person=b"p")
CHANNEL: Any = object()


def asked(turn: Turn) -> Background[bool]:
    """Whether anybody is next, asked while somebody is told that they are in."""
    answer = Background(turn.is_anybody_next, "asking")
    assert not answer.ended(0.1)
    return answer


def test_whoever_is_told_that_they_are_in_is_waited_for() -> None:
    turn = Turn()
    assert not turn.is_anybody_next()
    turn.take(PEER)
    answer = asked(turn)
    turn.let_in(CHANNEL, PEER)
    assert answer.result() is True
    assert turn.is_taken
    assert turn.wait(0.0) == (CHANNEL, PEER)
    assert not turn.is_anybody_next()


def test_whoever_goes_in_that_moment_gives_the_turn_back() -> None:
    turn = Turn()
    turn.take(PEER)
    answer = asked(turn)
    turn.give_back()
    assert answer.result() is False
    assert not turn.is_taken


def test_the_turn_stays_taken_while_the_old_session_ends() -> None:
    turn = Turn()
    turn.take(PEER)
    turn.finished()
    assert turn.is_taken
    with pytest.raises(Busy):
        turn.take(PEER)
    turn.let_in(CHANNEL, PEER)
    turn.finished()
    assert turn.is_taken


@pytest.mark.parametrize(("error", "seen"), [(LinkLostError, PeerSilent), (Cancelled, Cancelled)])
def test_the_turn_is_given_back_whatever_ends_the_telling(
    couple: Couple, error: type[Exception], seen: type[Exception]
) -> None:
    reception = couple.bob.reception(couple.into, "127.0.0.1", 0, lambda _status: None, keep_listening=False)

    def send(_message: m.Message) -> None:
        raise error

    channel: Any = SimpleNamespace(send=send)
    with pytest.raises(seen):
        reception._let_in(channel, couple.peer_alice())
    assert not reception.turn.is_taken
    assert not reception.turn.is_anybody_next()


def test_a_restarted_sender_is_served_though_its_old_session_ends_first(
    couple: Couple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old session ends as soon as the code is proven, which may be before the sender has heard so."""
    monkeypatch.setattr(limits, "REJOIN_SECONDS", 60.0)
    monkeypatch.setattr(limits, "STATUS_SECONDS", 0.0)
    fill(couple.folder, large=LARGE, small=3)
    exchange = Exchange(couple)
    with Proxy(exchange.port, cut_after=[LARGE // 2], then_refuse=True) as proxy:
        exchange.session = couple.alice.sending(
            Selection((couple.folder,)), proxy.address, None, exchange.sender.report
        )
        exchange.start()
        exchange.receiver.wait(st.Reconnecting)
        exchange.session.controls.cancel()
        exchange.join(receiver=False)
    ended = threading.Event()
    before, send = exchange.receiver.on_status, Channel.send

    def on_status(status: st.Status) -> None:
        if isinstance(status, st.Failed):
            ended.set()
        before(status)

    def slow(self: Channel, message: m.Message) -> None:
        if isinstance(message, m.CodeAccepted):
            ended.wait(0.5)
        send(self, message)

    exchange.receiver.on_status = on_status
    monkeypatch.setattr(Channel, "send", slow)
    exchange.sender.statuses.clear()
    address = Address("127.0.0.1", exchange.port)
    exchange.session = couple.alice.sending(Selection((couple.folder,)), address, None, exchange.sender.report)
    exchange.run()
    assert exchange.codes == ("done", "done")
    assert not ended.is_set()
    assert snapshot(couple.into) == snapshot(couple.folder)
