"""Where everything of one run comes together: a home, its identity, its people. Used by the composition root and the self-test."""

from __future__ import annotations

import datetime
import errno
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from countersign.base.errors import DiskProblem, NoPeers, PeerForgotten
from countersign.disk.folders import allow_many_handles
from countersign.places.home import Home, received_folder
from countersign.places.own import own_places
from countersign.places.targets import check_target
from countersign.session.device import Device
from countersign.session.status import Report
from countersign.source.selection import Selection
from countersign.transfer.reception import Reception
from countersign.transfer.sending import SendingSession
from countersign.transport.addresses import Address
from countersign.transport.dialing import connect
from countersign.transport.listening import Listener
from countersign.transport.tls import loads_as_anchor
from countersign.trust.guesses import Guesses
from countersign.trust.identity import open_identity
from countersign.trust.peers import Peer, PeerStore


@dataclass(frozen=True)
class Profile:
    """A home that was opened."""

    home: Home
    device: Device

    def into(self, asked: str | None) -> Path:
        """Where arriving folders go."""
        return _plain(asked) if asked else received_folder(self.home)[0]

    def selection(self, asked: str | None, patterns: Iterable[str] = ()) -> Selection:
        """What is sent: a folder's content or one file, without what the patterns name."""
        return Selection((_plain(asked) if asked else self.home.send_folder,), patterns=tuple(patterns))

    def sending(self, selection: Selection, address: Address, peer: Peer | None, report: Report) -> SendingSession:
        """A sending to this address; to anybody we trust who answers there, or to one peer only. Raises NoPeers."""
        device = self.device
        if peer is None and not device.peers.all():
            raise NoPeers

        def reach(cancelled: Callable[[], bool]):  # type: ignore[no-untyped-def]  # a TlsLink
            known = device.peers.pinned(peer)  # at each try: they may have renewed their certificate meanwhile
            if peer is not None and not known:
                raise PeerForgotten(name=peer.name)
            return connect(address, device.identity, known, cancelled)

        return SendingSession(device, selection, reach, report)

    def reception(
        self, into: Path, bind: str | None, port: int, report: Report, *, keep_listening: bool = False
    ) -> Reception:
        """A receiver that waits there. Raises DiskProblem where nothing could, or may, be received into that folder."""
        device = self.device
        check_target(device.own, into)
        _check_target(into)
        return Reception(
            device,
            into,
            lambda welcome, refused: Listener(device.identity, device.peers, bind, port, welcome, refused),
            report,
            keep_listening=keep_listening,
        )


def _plain(asked: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(asked)))


def _check_target(into: Path) -> None:
    """Better now than after a code and a key. Writes nothing: the folder is made when something is accepted."""
    nearest = next((path for path in (into, *into.parents) if os.path.lexists(path)), into)
    if not nearest.is_dir():
        raise DiskProblem(path=nearest, reason=os.strerror(errno.ENOTDIR))
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise DiskProblem(path=nearest, reason=os.strerror(errno.EACCES))


def open_profile(home: Home, now: Callable[[], float] = time.time) -> Profile:
    """Makes what is missing and opens what is there. Raises DiskProblem or IdentityDamaged."""
    allow_many_handles()
    home.prepare()
    identity = open_identity(home.certs, datetime.datetime.fromtimestamp(now(), datetime.timezone.utc))
    peers = PeerStore(home.certs, identity.ids, loads_as_anchor, now)
    return Profile(
        home, Device(identity, peers, Guesses(home.state), home.receipts, home.state, own_places(home, identity), now)
    )
