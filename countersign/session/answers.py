"""Where a session waits for its person: one slot for each question, with the type of its answer."""

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
    1.0  # seconds between two looks at the clock; an answer, a word of the other side and a cancellation come at once
)


class Slot(Generic[T]):
    """The answer to one question: given from any thread, taken once by the session."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """wake: lets the session look."""
        self._lock = threading.Lock()
        self._wake = wake
        self._answer: T | None = None

    def give(self, answer: T) -> None:
        """Answers, instead of an answer that was not taken yet."""
        with self._lock:
            self._answer = answer
        self._wake()

    def take(self) -> T | None:
        """The answer, once; None while there is none."""
        with self._lock:
            answer, self._answer = self._answer, None
            return answer

    def look(self) -> T | None:
        """The answer, which stays."""
        with self._lock:
            return self._answer

    def forget(self) -> None:
        """Drops an answer that was given before its question."""
        self.take()


class Answers:
    """The questions of a transfer. What is typed is text: the session reads it, and asks again where it cannot be right."""

    def __init__(self, controls: Controls) -> None:
        self.code: Slot[str] = Slot(controls.wake)
        self.key: Slot[str] = Slot(controls.wake)
        self.decision: Slot[Decision] = Slot(controls.wake)


def ask(channel: Channel, slot: Slot[T], look: Callable[[], None] = lambda: None) -> T:
    """What the person here answers, within PERSON_SECONDS; the line is watched meanwhile. `look` is called often and may raise.

    Raises TookTooLong, ProtocolProblem where the other side speaks, and what a channel raises.
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
