"""Whose turn it is at the receiver, and a sender that begins again in the moment in which its old session ends."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from countersign.base.errors import Busy
from countersign.session.channel import Channel
from countersign.transfer.queueing import Turn
from countersign.trust.peers import Peer
from tests.waiting import wait_until

CHANNEL = cast(Channel, object())
PEER = cast(Peer, object())


def test_one_at_a_time() -> None:
    turn = Turn()
    turn.take(PEER)
    with pytest.raises(Busy):
        turn.take(PEER)
    turn.give_back()
    turn.take(PEER)
    turn.admit(CHANNEL, PEER)
    assert turn.wait(0.0) == (CHANNEL, PEER)
    assert turn.is_taken


def test_somebody_who_is_about_to_be_let_in_is_waited_for() -> None:
    """Their code was right and they are told so: the session before must not end everything in that moment."""
    turn = Turn()
    turn.take(PEER)
    asked: list[bool] = []
    asking = threading.Thread(target=lambda: asked.append(turn.is_anybody_next()), daemon=True)
    asking.start()
    turn.admit(CHANNEL, PEER)
    asking.join(20)
    assert asked == [True]


def test_somebody_who_has_gone_in_that_moment_is_not() -> None:
    turn = Turn()
    turn.take(PEER)
    asked: list[bool] = []
    asking = threading.Thread(target=lambda: asked.append(turn.is_anybody_next()), daemon=True)
    asking.start()
    turn.give_back()
    asking.join(20)
    assert asked == [False]
    assert not turn.is_taken


def test_the_place_stays_taken_while_somebody_is_about_to_be_let_in() -> None:
    turn = Turn()
    turn.take(PEER)
    turn.finished()  # the session that they supersede
    assert turn.is_taken
    turn.admit(CHANNEL, PEER)
    assert turn.wait(0.0) is not None
    turn.finished()
    assert not turn.is_taken


def test_waiting_ends_when_woken() -> None:
    turn = Turn()
    found: list[Any] = []
    waiting = threading.Thread(target=lambda: found.append(turn.wait(None)), daemon=True)
    waiting.start()
    turn.wake()
    waiting.join(20)
    assert found == [None]
    wait_until(lambda: not waiting.is_alive(), 5, "the thread to end")
