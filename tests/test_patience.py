"""What has an end by the clock, on a clock of the tests: a question, a pause, and the second that a refusal takes."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from countersign.base import limits
from countersign.base.errors import Interrupted, TookTooLong
from countersign.session import answers, controls as controls_module, pauses as pauses_module
from countersign.session.answers import Slot, ask
from countersign.session.channel import Channel
from countersign.session.controls import Controls
from countersign.session.pauses import Pauses
from countersign.transfer.states import TABLE
from countersign.transport.memory import memory_pair
from countersign.trust.fingerprint import DeviceId
from countersign.wire import messages as m
from tests.transfers import Couple, Exchange, fill


@dataclass
class Clock:
    """Stands in for the module `time`. step: seconds that each look at it takes."""

    now: float = 1000.0
    step: float = 0.0

    def monotonic(self) -> float:
        self.now += self.step
        return self.now


def clock_of(monkeypatch: pytest.MonkeyPatch, module: ModuleType, step: float = 0.0) -> Clock:
    clock = Clock(step=step)
    monkeypatch.setattr(module, "time", clock)
    return clock


class Silent:
    """A channel over which nothing comes. answer_at: the look at which the person answers."""

    def __init__(self, slot: Slot[str], answer_at: int) -> None:
        self.looks = 0
        self._slot = slot
        self._answer_at = answer_at

    def poll(self, _seconds: float) -> None:
        self.looks += 1
        assert self.looks < 1000, "the question has no end"
        if self.looks == self._answer_at:
            self._slot.give("0471")


@pytest.mark.parametrize("answer_at", [0, 8, 12])
def test_a_question_ends_in_time(monkeypatch: pytest.MonkeyPatch, answer_at: int) -> None:
    """Each look takes a tenth of what a person has."""
    clock_of(monkeypatch, answers, limits.PERSON_SECONDS / 10)
    slot: Slot[str] = Slot(lambda: None)
    channel: Any = Silent(slot, answer_at)
    if answer_at == 8:
        assert ask(channel, slot) == "0471"
    else:
        with pytest.raises(TookTooLong):
            ask(channel, slot)


def test_a_pause_here_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = clock_of(monkeypatch, controls_module)
    controls = Controls()
    controls.pause(True)
    clock.now += limits.PAUSE_SECONDS - 1
    assert (controls.paused, controls.paused_too_long) == (True, False)
    clock.now += 2
    assert (controls.paused, controls.paused_too_long) == (False, True)
    controls.pause(False)
    assert (controls.paused, controls.paused_too_long) == (False, False)


def test_a_channel_is_left_once_a_pause_here_has_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = clock_of(monkeypatch, controls_module)
    one, _other = memory_pair(DeviceId(b"a" * 32), DeviceId(b"b" * 32))
    controls = Controls()
    channel = Channel(one, m.Role.SENDER, controls, TABLE)
    controls.pause(True)
    assert channel.poll() is None
    clock.now += limits.PAUSE_SECONDS + 1
    with pytest.raises(Interrupted):
        channel.poll()
    with pytest.raises(Interrupted):
        channel.receive()


def test_a_pause_there_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = clock_of(monkeypatch, pauses_module)
    pauses = Pauses(Controls())
    pauses.heard(True)
    clock.now += limits.PAUSE_SECONDS - 1
    pauses.heard(True)
    clock.now += 2
    with pytest.raises(Interrupted):
        pauses.heard(True)


def test_a_pause_there_that_began_anew_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = clock_of(monkeypatch, pauses_module)
    pauses = Pauses(Controls())
    told: list[tuple[bool, bool]] = []
    pauses.tell = lambda paused, by_them: told.append((paused, by_them))
    for paused in (True, False, True):
        pauses.heard(paused)
        clock.now += limits.PAUSE_SECONDS - 1
    pauses.heard(True)
    assert told == [(True, True), (False, True), (True, True)]


@pytest.mark.parametrize("reason", ["a wrong code", "no more tries"])
def test_n7_a_refusal_takes_its_second_whatever_its_reason(
    couple: Couple, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """What is waited for is looked at, and not how long that took."""
    monkeypatch.setattr(limits, "REFUSAL_SECONDS", 1000.0)
    fill(couple.folder, large=1000, small=1)
    if reason == "no more tries":
        device = couple.bob.device
        for _try in range(limits.CODE_FAILURES_AN_HOUR):
            device.guesses.begin_try(couple.peer_alice().person, device.now())
    exchange = Exchange(couple, codes=["wrong"] * 3 if reason == "a wrong code" else None)
    theirs = exchange.reception.controls
    waited, send = Controls.wait_cancelled, Channel.send
    events: list[str] = []

    def wait_cancelled(self: Controls, seconds: float) -> bool:
        if self is not theirs:
            return waited(self, seconds)
        events.append("a second" if 900 < seconds <= 1000 else f"{seconds} s")
        return False

    def sending(self: Channel, message: m.Message) -> None:
        if isinstance(message, m.CodeRefused):
            events.append("refused")
        send(self, message)

    monkeypatch.setattr(Controls, "wait_cancelled", wait_cancelled)
    monkeypatch.setattr(Channel, "send", sending)
    exchange.start().join(receiver=False)
    exchange.stop_receiver()
    assert exchange.sender.code() == "code_refused"
    assert events == ["a second", "refused"] * limits.CODE_TRIES
