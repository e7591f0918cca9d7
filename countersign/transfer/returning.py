"""The way back for a sender that has lost its line, while its session goes on here."""

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

_TELL = 0.5  # seconds between two reports of the time that is left


class WayBack:
    """Rings by which the sender is known, and the channel over which it comes back.

    `accepts`, `rejoin`, `supersede` and `is_waiting` are for the threads of connections, everything else for the session's.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._rings: list[KeyRing] = []  # the last one is of the connection that is used
        self._channel: Channel | None = None
        self._back: deque[Channel] = deque()
        self._waiting = False
        self._superseded = False
        self._end: Problem | None = None

    # --- threads of connections --------------------------------------------------------------------------------------

    def accepts(self, transfer_id: bytes, proof: bytes, nonces: Nonces) -> bool:
        """Whether this proof continues the session. A sender that never heard our last words has the ring before."""
        with self._changed:
            rings = list(self._rings)
        for ring in rings:
            if transfer_id == ring.transfer_id:
                return same(ring.rejoin_proof(nonces.receiver, nonces.sender), proof)
        return False

    def rejoin(self, channel: Channel) -> None:
        """Goes on over this channel; the old one is ended if it has not ended yet."""
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
        """Whether the line was lost and the sender is waited for."""
        with self._changed:
            return self._waiting

    def supersede(self) -> None:
        """The sender has begun anew and proven the code: this session ends as interrupted."""
        with self._changed:
            self._superseded = True
            self._changed.notify_all()

    # --- the session's thread ----------------------------------------------------------------------------------------

    def over(self, channel: Channel) -> None:
        """From now on the session goes over this channel."""
        with self._changed:
            self._channel = channel

    def knows(self, ring: KeyRing) -> None:
        """The sender will prove itself with this ring."""
        with self._changed:
            self._rings.append(ring)

    def forget_earlier(self) -> None:
        """The sender goes by the last ring: data has come under it."""
        with self._changed:
            del self._rings[:-1]

    def wait(self, patience: float, goes_on: Callable[[], bool], tell: Callable[[float], None]) -> Channel | None:
        """The channel over which the sender is back; None where it does not come within `patience` seconds, or has begun anew.

        goes_on: asked often whether to wait any longer; may raise. tell: is told the seconds that are left.
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
        """The session has ended: whoever comes now is told why."""
        with self._changed:
            self._end = Interrupted()
            late = list(self._back)
            self._back.clear()
        for channel in late:
            channel.end(problem)
