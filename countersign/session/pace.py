"""Limits how slow the peer may be, and how many `waiting` it may send."""

from __future__ import annotations

import time

from countersign.base import limits
from countersign.base.errors import ProtocolProblem
from countersign.transport.link import LinkLostError

# A peer sends `waiting` every few seconds, and whenever a person pauses: so many at once, and so many a second.
_CHATTER, _CHATTER_A_SECOND = 40, 2.0


class Pace:
    """Checks that bytes keep moving: STALL_BYTES in every STALL_SECONDS, or the message ends."""

    def __init__(self) -> None:
        self._patience = limits.STALL_SECONDS
        self._began = time.monotonic()
        self._bytes = 0

    def moved(self, count: int) -> None:
        """Counts more bytes."""
        self._bytes += count

    def left(self) -> float:
        """Seconds until this counts as a stall. Raises LinkLostError for a stall."""
        now = time.monotonic()
        if now - self._began >= self._patience:
            if self._bytes < limits.STALL_BYTES:
                raise LinkLostError
            self._began, self._bytes = now, 0
        return self._patience - (now - self._began)


class Chatter:
    """Counts `waiting`: it needs no answer and is valid in every state, so a flood of it would waste our time."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._count = 0

    def heard(self) -> None:
        """Counts one. Raises ProtocolProblem if there are more than a peer needs."""
        self._count += 1
        if self._count > _CHATTER + _CHATTER_A_SECOND * (time.monotonic() - self._began):
            raise ProtocolProblem
