"""A session waits here for its person's answers: one typed slot for each question."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from countersign.base import limits
from countersign.base.errors import ProtocolProblem, TookTooLong
from countersign.session.channel import Channel
from countersign.session.controls import Controls
from countersign.session.proposal import Decision

T = TypeVar("T")
_LOOK = (
    1.0  # seconds between two looks at the clock; an answer, a peer's message or a cancellation ends the wait at once
)


class Slot(Generic[T]):
    """The answer to one question: any thread gives it, the session takes it once."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """wake: makes the session look."""
        self._lock = threading.Lock()
        self._wake = wake
        self._answer: T | None = None

    def give(self, answer: T) -> None:
        """Answers; replaces an answer that was not taken yet."""
        with self._lock:
            self._answer = answer
        self._wake()

    def take(self) -> T | None:
        """The answer, only once; None while there is none."""
        with self._lock:
            answer, self._answer = self._answer, None
            return answer

    def look(self) -> T | None:
        """The answer, without taking it."""
        with self._lock:
            return self._answer

    def forget(self) -> None:
        """Drops an answer given before its question."""
        self.take()


class Answers:
    """The questions of a transfer. Typed answers are text: the session parses them, and asks again if invalid."""

    def __init__(self, controls: Controls) -> None:
        self.code: Slot[str] = Slot(controls.wake)
        self.key: Slot[str] = Slot(controls.wake)
        self.decision: Slot[Decision] = Slot(controls.wake)


def ask(channel: Channel, slot: Slot[T], look: Callable[[], None] = lambda: None) -> T:
    """The person's answer, within PERSON_SECONDS; watches the connection meanwhile. Calls `look` often; it may raise.

    Raises TookTooLong, ProtocolProblem if the peer sends a message, and what a channel raises.
    """
    deadline = time.monotonic() + limits.PERSON_SECONDS
    while time.monotonic() < deadline:
        look()
        answer = slot.take()
        if answer is not None:
            return answer
        if channel.poll(_LOOK) is not None:
            raise ProtocolProblem
    raise TookTooLong
