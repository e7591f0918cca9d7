"""Guests: pinned connections that are not let in yet. A few at a time, and fewer per peer."""

from __future__ import annotations

import threading

from countersign.base import limits
from countersign.session.channel import Channel
from countersign.trust.peers import Peer


class Guests:
    """The guests, oldest first. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guests: list[tuple[Peer, Channel]] = []
        self._closed = False

    def __len__(self) -> int:
        with self._lock:
            return len(self._guests)

    def admit(self, peer: Peer, channel: Channel) -> bool:
        """Admits a guest, or returns False. At a peer's own limit, its oldest connection makes room."""
        with self._lock:
            own = [other for who, other in self._guests if who.person == peer.person]
            if self._closed or len(self._guests) - (len(own) >= limits.GUESTS_OF_ONE) >= limits.GUESTS:
                return False
            self._guests.append((peer, channel))
            if len(own) >= limits.GUESTS_OF_ONE:
                self._guests = [item for item in self._guests if item[1] is not own[0]]
                own[0].lose()
            return True

    def dismiss(self, channel: Channel) -> None:
        """Removes a guest that has left or was let in."""
        with self._lock:
            self._guests = [item for item in self._guests if item[1] is not channel]

    def close(self) -> None:
        """Admits no more guests, and ends all connections."""
        with self._lock:
            self._closed = True
            channels = [channel for _peer, channel in self._guests]
        for channel in channels:
            channel.lose()
