"""Lets a sender that lost its connection come back, while its session continues here."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from countersign.base.errors import Interrupted, Problem
from countersign.seal.code import same
from countersign.seal.keys import KeyRing
from countersign.session.channel import Channel
from countersign.session.greeting import Nonces

_TELL = 0.5  # seconds between two reports of the time left


class WayBack:
    """The key rings that identify the sender, and the channel over which it comes back.

    Connection threads use `accepts`, `rejoin`, `supersede` and `is_waiting`; the session's thread uses the rest.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rings: list[KeyRing] = []  # the last one belongs to the current connection
        self._channel: Channel | None = None
        self._back: deque[Channel] = deque()
        self._waiting = False
        self._superseded = False
        self._end: Problem | None = None

    # --- threads of connections --------------------------------------------------------------------------------------

    def accepts(self, transfer_id: bytes, proof: bytes, nonces: Nonces) -> bool:
        """Whether this proof continues the session. A sender that missed our last messages has the previous ring."""
        with self._changed:
            rings = list(self._rings)
        for ring in rings:
            if transfer_id == ring.transfer_id:
                return same(ring.rejoin_proof(nonces.receiver, nonces.sender), proof)
        return False

    def rejoin(self, channel: Channel) -> None:
        """Continues over this channel, and ends the old one if necessary."""
        with self._changed:
            end, old = self._end, self._channel
            if end is None:
                self._back.append(channel)
                self._changed.notify_all()
        if end is not None:
            channel.end(end)
        elif old is not None:
            old.lose()

    @property
    def is_waiting(self) -> bool:
        """Whether the connection was lost and the session waits for the sender."""
        with self._changed:
            return self._waiting

    def supersede(self) -> None:
        """The sender has restarted and proven the code: this session ends as interrupted."""
        with self._changed:
            self._superseded = True
            self._changed.notify_all()

    # --- the session's thread ----------------------------------------------------------------------------------------

    def over(self, channel: Channel) -> None:
        """From now on, the session uses this channel."""
        with self._changed:
            self._channel = channel

    def knows(self, ring: KeyRing) -> None:
        """Adds a ring: the sender will prove itself with it."""
        with self._changed:
            self._rings.append(ring)

    def forget_earlier(self) -> None:
        """Keeps only the last ring: data has arrived under it, so the sender uses it."""
        with self._changed:
            del self._rings[:-1]

    def wait(self, patience: float, goes_on: Callable[[], bool], tell: Callable[[float], None]) -> Channel | None:
        """The channel of the returned sender; None if it is not back within `patience` seconds, or has restarted.

        goes_on: called often, returns whether to keep waiting; may raise. tell: called with the seconds left.
        """
        deadline = time.monotonic() + patience
        with self._changed:
            self._waiting = True
        try:
            while (left := deadline - time.monotonic()) > 0:
                tell(left)
                with self._changed:
                    self._changed.wait_for(lambda: self._back or self._superseded, min(_TELL, left))
                    if self._superseded:
                        return None
                    if self._back:
                        return self._back.popleft()
                if not goes_on():
                    return None
            return None
        finally:
            with self._changed:
                self._waiting = False

    def close(self, problem: Problem) -> None:
        """The session has ended: tells every connection that comes back why."""
        with self._changed:
            self._end = Interrupted()
            late = list(self._back)
            self._back.clear()
        for channel in late:
            channel.end(problem)
