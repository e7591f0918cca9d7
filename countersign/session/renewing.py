"""Sends our new certificate under the seal, and accepts the peer's: see trust.renewal."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from countersign.base.errors import Problem, RenewalRefused
from countersign.base.i18n import _
from countersign.base.printable import printable
from countersign.pack.payload import decoded
from countersign.session.device import Device
from countersign.session.status import Note, Status
from countersign.trust.peers import Peer
from countersign.trust.renewal import Renewal


def renewal_told(device: Device) -> bytes:
    """Our renewal for the peer; empty if there is none."""
    successor = device.identity.successor
    return msgspec.msgpack.encode(successor.renewal()) if successor is not None else b""


def take_renewal(device: Device, peer: Peer, payload: bytes, report: Callable[[Status], None]) -> None:
    """Accepts a peer's renewal. It never ends a transfer: a refused one is reported and changes nothing."""
    if not payload:
        return
    before = len(device.peers.pinned(peer))
    try:
        device.peers.renew(
            peer, decoded(payload, Renewal, RenewalRefused(detail=_("it is not in the form that is sent")))
        )
    except Problem as problem:
        report(Note(str(problem)))
        return
    if len(device.peers.pinned(peer)) > before:
        text = _("{name} has a new certificate, signed for by the old one. It was taken over.")
        report(Note(text.format(name=printable(peer.name))))
