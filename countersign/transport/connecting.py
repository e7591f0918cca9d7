"""The sender's end: an address typed by a person becomes a link to a pinned peer."""

from __future__ import annotations

import errno
import ipaddress
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from countersign import limits
from countersign.errors import (
    BadAddress,
    Cancelled,
    CertificateNotYetValid,
    NotCountersign,
    NotTrusted,
    PeerSilent,
    Unreachable,
)
from countersign.printable import printable
from countersign.transport.link import LinkLostError
from countersign.transport.tls import TlsLink, make_context
from countersign.trust.identity import Identity
from countersign.trust.peers import Peer

_IN_PROGRESS = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", -1)})
_NOT_VALID_NOW = frozenset({9, 10})  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_SLICE = 0.2


@dataclass(frozen=True)
class Address:
    """A host name or number, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == limits.DEFAULT_PORT else f"{host}:{self.port}"


def parse_address(typed: str) -> Address:
    """HOST, HOST:PORT, [V6]:PORT or a bare V6. Raises BadAddress."""
    text = typed.strip()
    host, port = text, str(limits.DEFAULT_PORT)
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise BadAddress(address=printable(typed))
        port = rest[1:] or port
    elif text.count(":") == 1:
        host, _colon, port = text.partition(":")
    if not _is_host(host) or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise BadAddress(address=printable(typed))
    return Address(host, int(port))


def _is_host(host: str) -> bool:
    if not host or len(host) > 253:
        return False
    try:
        ipaddress.ip_address(host)
        return True
    except ValueError:
        pass  # a name then, unless it looks like numbers
    if ":" in host or all(c.isdigit() or c == "." for c in host):
        return False
    labels = host.rstrip(".").split(".")
    return all(
        0 < len(label) < 64
        and all(c.isalnum() or c in "-_" for c in label)
        and not (label.startswith("-") or label.endswith("-"))
        for label in labels
    )


def connect(address: Address, identity: Identity, peers: list[Peer], cancelled: Callable[[], bool]) -> TlsLink:
    """A link to one of these peers at this address. Blocks for CONNECT_SECONDS and HANDSHAKE_SECONDS at most.

    Raises Unreachable, NotCountersign, NotTrusted, CertificateNotYetValid, Cancelled.
    """
    raw = _open(address, cancelled)
    link = TlsLink(raw, make_context(identity, peers, listening=False), identity.id, listening=False)
    try:
        peer = link.handshake(limits.HANDSHAKE_SECONDS * 2)
        if peer not in {known.id for known in peers}:
            raise NotTrusted(address=address)
    except ssl.SSLCertVerificationError as error:
        link.close()
        if error.verify_code in _NOT_VALID_NOW:
            raise CertificateNotYetValid from error
        raise NotTrusted(address=address) from error
    except ssl.SSLEOFError as error:
        link.close()
        raise PeerSilent from error
    except (ssl.SSLError, TimeoutError) as error:
        link.close()
        raise NotCountersign(address=address) from error
    except (OSError, LinkLostError) as error:
        link.close()
        raise PeerSilent from error
    except NotTrusted:
        link.close()
        raise
    return link


def _open(address: Address, cancelled: Callable[[], bool]) -> socket.socket:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(address=address) from error
    for family, kind, proto, _name, where in found:
        try:
            raw = socket.socket(family, kind, proto)
        except OSError:  # this computer lacks that family of addresses; another one may do
            continue
        if _connected(raw, where, cancelled):
            return raw
        raw.close()
        if cancelled():
            raise Cancelled
    raise Unreachable(address=address)


def _connected(raw: socket.socket, where: object, cancelled: Callable[[], bool]) -> bool:
    raw.setblocking(False)
    if raw.connect_ex(where) not in _IN_PROGRESS:  # type: ignore[arg-type]  # getaddrinfo's own form
        return False
    deadline = time.monotonic() + limits.CONNECT_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(raw, selectors.EVENT_WRITE)
        while time.monotonic() < deadline and not cancelled():
            if selector.select(_SLICE):
                return raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    return False
