"""A flood of strangers is reported in a few lines, and every one of them is counted."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from countersign.cli.events import event_of
from countersign.session.status import Listening, StrangerRefused
from countersign.transfer import strangers
from countersign.transfer.strangers import EVERY, Strangers
from countersign.wording import sentence_of
from tests.transfers import Couple, Heard
from tests.waiting import wait_until


class Watch:
    """A clock that stands still until set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Told:
    """What a counter of strangers reported, and how often it asked to be called again."""

    def __init__(self) -> None:
        self.watch = Watch()
        self.counts: list[int] = []
        self.woken = 0
        self.strangers = Strangers(self.counts.append, self._wake, self.watch)

    def _wake(self) -> None:
        self.woken += 1


def test_the_first_stranger_is_told_at_once() -> None:
    told = Told()
    told.strangers.another()
    assert told.counts == [1]
    assert told.strangers.seconds_left() is None
    assert told.woken == 0


def test_n1_a_flood_of_strangers_is_told_every_few_seconds_with_their_number() -> None:
    told = Told()
    for _n in range(18_299):
        told.strangers.another()
        told.watch.now += 0.001
    assert len(told.counts) <= 18.3 / EVERY + 1
    told.watch.now += EVERY
    told.strangers.tell_due()
    assert sum(told.counts) == 18_299


def test_the_rest_of_a_flood_is_told_when_its_time_has_come_and_not_before() -> None:
    told = Told()
    for _n in range(3):
        told.strangers.another()
    assert told.woken == 1, "the first that waits wakes; the others find it awake"
    told.watch.now += EVERY - 1
    assert told.strangers.seconds_left() == pytest.approx(1.0)
    told.strangers.tell_due()
    assert told.counts == [1]
    told.watch.now += 1
    told.strangers.tell_due()
    assert told.counts == [1, 2]
    assert told.strangers.seconds_left() is None
    told.watch.now += EVERY
    told.strangers.tell_due()
    assert told.counts == [1, 2], "nobody is no news"
    told.strangers.another()
    assert told.counts == [1, 2, 1], "after a quiet time the next is told at once"


def test_each_face_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    assert event_of(StrangerRefused(7)) == {"event": "stranger_refused", "count": 7}
    assert sentence_of(StrangerRefused(1)) == "Somebody unknown tried to connect and was refused."
    assert "1,234" in sentence_of(StrangerRefused(1234))


def test_n1_strangers_at_a_receiver_are_told_together(couple: Couple, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strangers, "EVERY", 1.0)
    heard = Heard()
    reception = couple.bob.reception(couple.into, "127.0.0.1", 0, heard.report)
    running = threading.Thread(target=reception.run)
    running.start()
    try:
        port = heard.wait(Listening).port
        for _n in range(40):
            with socket.create_connection(("127.0.0.1", port)) as raw:
                raw.sendall(b"GET / HTTP/1.0\r\n\r\n")
                raw.settimeout(10)
                with contextlib.suppress(ConnectionResetError):
                    raw.recv(64)
        wait_until(lambda: sum(one.count for one in heard.all(StrangerRefused)) == 40, 20, "all of them to be told")
        assert 2 <= len(heard.all(StrangerRefused)) < 20
    finally:
        reception.controls.cancel()
        running.join()
