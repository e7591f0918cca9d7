"""Those who were greeted and are not let in yet: a few at a time, and of one peer fewer still."""

from __future__ import annotations

import threading

from countersign.base import limits
from countersign.session.channel import Channel
from countersign.trust.peers import Peer


class Guests:
    """Oldest first. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guests: list[tuple[Peer, Channel]] = []
        self._closed = False

    def __len__(self) -> int:
        with self._lock:
            return len(self._guests)

    def admit(self, peer: Peer, channel: Channel) -> bool:
        """Makes somebody a guest, or says no. Of one peer only a few at a time: the oldest of them makes room."""
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
        """This one has gone, or was let in."""
        with self._lock:
            self._guests = [item for item in self._guests if item[1] is not channel]

    def close(self) -> None:
        """Nobody is admitted any more, and all of them have to go."""
        with self._lock:
            self._closed = True
            channels = [channel for _peer, channel in self._guests]
        for channel in channels:
            channel.lose()
