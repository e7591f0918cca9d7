"""A listener that greets every accepted visitor with one byte, and visits to it: real TLS over loopback without a transfer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from countersign.profile import Profile
from countersign.transport.addresses import Address
from countersign.transport.dialing import connect
from countersign.transport.link import LinkLostError
from countersign.transport.listening import Listener
from countersign.transport.tls import TlsLink
from tests.waiting import wait_until

NEVER = lambda: False  # noqa: E731


class Hall:
    """A listener that greets every accepted visitor with one byte."""

    def __init__(self, profile: Profile, bind: str = "127.0.0.1") -> None:
        self.welcomed: list[bytes] = []
        self.refused = 0
        self._links: list[TlsLink] = []
        device = profile.device
        self.listener = Listener(device.identity, device.peers, bind, 0, self._welcome, self._refuse)
        self.address = Address("127.0.0.1", self.listener.port)

    def _welcome(self, link: TlsLink) -> None:
        self.welcomed.append(link.peer_id)
        self._links.append(link)
        try:
            assert link.try_send(memoryview(b"!")) == 1
        except LinkLostError:  # under TLS 1.3 a visitor may already have refused us and left
            pass

    def _refuse(self) -> None:
        self.refused += 1

    def close(self) -> None:
        self.listener.close()
        self.listener.join(10)
        for link in self._links:
            link.close()


@contextmanager
def hall(profile: Profile) -> Iterator[Hall]:
    made = Hall(profile)
    try:
        yield made
    finally:
        made.close()


def first_byte(link: TlsLink) -> bytes:
    """The receiver's first byte. Raises LinkLostError."""
    buffer = bytearray(1)

    def look() -> bool:
        link.wait(1.0)
        return link.try_receive(memoryview(buffer)) == 1

    try:
        wait_until(look, 10, "the first byte")
        return bytes(buffer)
    finally:
        link.close()


def visit(profile: Profile, address: Address) -> bytes:
    return first_byte(connect(address, profile.device.identity, profile.device.peers.pinned(), NEVER))
