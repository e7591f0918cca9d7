"""What both kinds of session know about this computer."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from countersign.places.own import OwnPlaces
from countersign.trust.guesses import Guesses
from countersign.trust.identity import Identity
from countersign.trust.peers import PeerStore


@dataclass(frozen=True)
class Device:
    """Identity, peers, counters, folders, and the clock (seconds since 1970)."""

    identity: Identity
    peers: PeerStore
    guesses: Guesses
    receipts: Path
    state: Path
    own: OwnPlaces
    now: Callable[[], float] = time.time

    @property
    def transfers(self) -> Path:
        return self.state / "transfers"

    def local_time(self) -> datetime.datetime:
        """The current time, aware, in this computer's zone."""
        return datetime.datetime.fromtimestamp(self.now()).astimezone()
