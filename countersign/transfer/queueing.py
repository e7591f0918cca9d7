"""Who has proven the code and waits to be served: one at a time is, and the same sender may come again meanwhile."""

from __future__ import annotations

import threading
from collections import deque

from countersign.base.errors import Busy
from countersign.session.channel import Channel
from countersign.transfer.receiving import ReceivingSession
from countersign.trust.peers import Peer


class Turn:
    """Whose turn it is. Any thread may call it; `wait`, `serve` and `finished` are for the one that serves."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._let_in: deque[tuple[Channel, Peer]] = deque()
        self._session: ReceivingSession | None = None
        self._taken = False  # somebody has proven the code and is being served, or is about to be
        self._coming = 0  # connections that are being told that they are in
        self._woken = False

    def session_of(self, peer: Peer) -> ReceivingSession | None:
        """The session that serves this person, if one does."""
        with self._changed:
            session = self._session
            return session if session is not None and session.peer.person == peer.person else None

    @property
    def is_taken(self) -> bool:
        """Whether somebody is being served."""
        with self._changed:
            return self._taken

    def take(self, peer: Peer) -> None:
        """Somebody has proven the code. A session of theirs that waits for them makes room. Raises Busy.

        `let_in` or `give_back` must follow: until then the turn is theirs though nobody serves them yet.
        """
        with self._changed:
            session = self._session
            if session is not None and session.way_back.is_waiting and session.peer.person == peer.person:
                session.way_back.supersede()
            elif self._taken:
                raise Busy
            self._taken = True
            self._coming += 1

    def give_back(self) -> None:
        """They went in that moment."""
        with self._changed:
            self._coming -= 1
            self._taken = self._session is not None or bool(self._let_in or self._coming)
            self._changed.notify_all()

    def let_in(self, channel: Channel, peer: Peer) -> None:
        """They are served next."""
        with self._changed:
            self._coming -= 1
            self._let_in.append((channel, peer))
            self._changed.notify_all()

    def wake(self) -> None:
        """Ends a `wait`."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def wait(self, seconds: float | None) -> tuple[Channel, Peer] | None:
        """The next to be served; None after so many seconds, or when woken."""
        with self._changed:
            self._changed.wait_for(lambda: self._let_in or self._woken, seconds)
            self._woken = False
            return self._let_in.popleft() if self._let_in else None

    def serve(self, session: ReceivingSession) -> None:
        """This session begins."""
        with self._changed:
            self._session = session

    def finished(self) -> None:
        """It has ended."""
        with self._changed:
            self._session = None
            self._taken = bool(self._let_in or self._coming)

    def is_anybody_next(self) -> bool:
        """Whether somebody was let in and waits. Whoever is being told so at this moment is waited for."""
        with self._changed:
            self._changed.wait_for(lambda: self._coming <= 0)
            return bool(self._let_in)

    def close(self) -> list[Channel]:
        """The channels of those whose turn never came."""
        with self._changed:
            late = [channel for channel, _peer in self._let_in]
            self._let_in.clear()
            return late
