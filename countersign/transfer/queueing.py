"""The queue of peers that have proven the code: one is served at a time, and the same sender may return meanwhile."""

from __future__ import annotations

import threading
from collections import deque

from countersign.base import limits
from countersign.base.errors import Busy
from countersign.session.channel import Channel
from countersign.transfer.receiving import ReceivingSession
from countersign.trust.peers import Peer


class Turn:
    """Decides whose turn it is. Any thread may call it; `wait`, `serve` and `finished` are for the serving thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._admitted: deque[tuple[Channel, Peer]] = deque()
        self._session: ReceivingSession | None = None
        self._taken = False  # a peer has proven the code and is being served, or is about to be
        self._woken = False
        self._promised = 0  # peers whose code was right and who are not let in yet

    def session_of(self, peer: Peer) -> ReceivingSession | None:
        """The session that serves this person, if any."""
        with self._changed:
            session = self._session
            return session if session is not None and session.peer.person == peer.person else None

    @property
    def is_taken(self) -> bool:
        """Whether a peer is being served or about to be."""
        with self._changed:
            return self._taken

    def take(self, peer: Peer) -> None:
        """A peer has proven the code: takes the turn. Its own waiting session makes room. Raises Busy."""
        with self._changed:
            session = self._session
            if session is not None and session.way_back.is_waiting and session.peer.person == peer.person:
                session.way_back.supersede()
            elif self._taken:
                raise Busy
            self._taken = True
            self._promised += 1

    def give_back(self) -> None:
        """The peer left before it was let in: releases the turn."""
        with self._changed:
            self._promised -= 1
            self._taken = self._session is not None or bool(self._admitted) or self._promised > 0
            self._changed.notify_all()

    def admit(self, channel: Channel, peer: Peer) -> None:
        """Queues the peer to be served next."""
        with self._changed:
            self._promised -= 1
            self._admitted.append((channel, peer))
            self._changed.notify_all()

    def wake(self) -> None:
        """Ends a `wait`."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def wait(self, seconds: float | None) -> tuple[Channel, Peer] | None:
        """The next peer to serve; None after `seconds`, or when woken."""
        with self._changed:
            self._changed.wait_for(lambda: self._admitted or self._woken, seconds)
            self._woken = False
            return self._admitted.popleft() if self._admitted else None

    def serve(self, session: ReceivingSession) -> None:
        """Starts this session's turn."""
        with self._changed:
            self._session = session

    def finished(self) -> None:
        """The session has ended."""
        with self._changed:
            self._session = None
            self._taken = bool(self._admitted) or self._promised > 0

    def is_anybody_next(self) -> bool:
        """Whether a peer was let in and waits. Waits for one that is just being told that its code was right."""
        with self._changed:
            self._changed.wait_for(lambda: self._admitted or self._promised <= 0, limits.STALL_SECONDS)
            return bool(self._admitted)

    def close(self) -> list[Channel]:
        """Returns the channels of peers whose turn never came."""
        with self._changed:
            late = [channel for channel, _peer in self._admitted]
            self._admitted.clear()
            return late
