"""The sender's connections in one session, one after another: the first, and those after a lost connection."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from countersign.base import limits
from countersign.base.errors import (
    Busy,
    Cancelled,
    CertificateNotYetValid,
    Interrupted,
    NotCountersign,
    NotTrusted,
    PeerForgotten,
    PeerSilent,
    Problem,
    TheyDoNotTrustUs,
    Unreachable,
)
from countersign.seal.keys import KeyRing
from countersign.session.channel import Channel
from countersign.session.controls import Controls
from countersign.session.device import Device
from countersign.session.greeting import Nonces, greet
from countersign.session.status import Reconnecting, Report
from countersign.transfer.states import TABLE
from countersign.transport.link import Link, LinkLostError
from countersign.trust.peers import Peer
from countersign.wire.messages import Rejoin, Role

_THANKS_SECONDS = limits.THANKS_SECONDS
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between two tries
# the receiver is not back yet, or has not noticed the loss: its answer is not final
_NOT_FINAL = (
    Unreachable, NotCountersign, NotTrusted, CertificateNotYetValid, Busy, PeerSilent, TheyDoNotTrustUs, LinkLostError,
)  # fmt: skip

Connect: TypeAlias = Callable[[Callable[[], bool]], Link]


class Connections:
    """Opens connections and counts their bytes. The session's thread uses it."""

    def __init__(self, device: Device, connect: Connect, controls: Controls, report: Report) -> None:
        """connect: returns a link to a pinned peer; its argument tells whether it is cancelled."""
        self._device = device
        self._connect = connect
        self._controls = controls
        self._report = report
        self._channel: Channel | None = None
        self._bytes_before = 0  # of lost connections
        self._lost_since: float | None = None

    @property
    def wire_bytes(self) -> int:
        """Bytes of all connections, in both directions."""
        return self._bytes_before + (self._channel.wire_bytes if self._channel is not None else 0)

    def open(self) -> tuple[Channel, Nonces, Peer]:
        """Connects and exchanges hello. Raises the problem that prevents it."""
        link = self._connect(lambda: self._controls.cancelled)
        peer = self._device.peers.by_id(link.peer_id)
        channel = self._channel = Channel(link, Role.SENDER, self._controls, TABLE)
        if peer is None:  # removed in the meantime
            raise PeerForgotten(name="?")
        try:
            nonces = greet(channel)
        except LinkLostError as lost:
            if channel.heard:
                raise
            # under TLS 1.3 a refused client learns it here: some peers send a reason, some just close. A broken
            # connection does neither
            raise (lost.problem or (TheyDoNotTrustUs() if lost.orderly else PeerSilent())) from lost
        return channel, nonces, peer

    def end(self, problem: Problem) -> None:
        """Tells the peer on the last connection why we end, if possible."""
        if self._channel is not None:
            self._channel.end(problem)

    def got_through(self) -> None:
        """The peer has sent something: the next loss gets the full time again."""
        self._lost_since = None

    def rejoin(self, ring: KeyRing, patience: float) -> Channel | None:
        """After a loss: tries to reconnect, with growing pauses. None if that fails within `patience` seconds.

        All losses share this time until something gets through again. Raises Cancelled, and final problems.
        """
        assert self._channel is not None
        self._bytes_before, channel = self.wire_bytes, self._channel
        self._channel = None
        channel.close()
        if self._lost_since is None:
            self._lost_since = time.monotonic()
        deadline = self._lost_since + patience
        attempt = 0
        while (left := deadline - time.monotonic()) > 0:
            self._report(Reconnecting(left))
            if self._controls.wait_cancelled(_PAUSES[min(attempt, len(_PAUSES) - 1)]):
                raise Cancelled
            attempt += 1
            try:
                channel, nonces, _peer = self.open()
                proof = ring.rejoin_proof(nonces.receiver, nonces.sender)
                channel.send(Rejoin(ring.transfer_id, proof))
            except _NOT_FINAL:
                if self._channel is not None:
                    self._channel.close()
                continue
            return channel
        return None


def patience_of(is_done: bool) -> float:
    """How long a sender tries to reconnect, in seconds: less if only the last signature is missing."""
    return _THANKS_SECONDS if is_done else limits.REJOIN_SECONDS


def not_found(is_moving: bool) -> Problem:
    """The problem if the receiver was not found again."""
    return Interrupted() if is_moving else PeerSilent()
