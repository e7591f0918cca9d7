"""The sender's end: turns a typed address into a link to a pinned peer."""

from __future__ import annotations

import errno
import queue
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from countersign.base import limits
from countersign.base.errors import (
    Cancelled,
    CertificateNotYetValid,
    NotCountersign,
    NotTrusted,
    PeerSilent,
    UnknownHost,
    Unreachable,
)
from countersign.transport.addresses import Address
from countersign.transport.link import LinkLostError
from countersign.transport.tls import TlsLink, make_context
from countersign.trust.identity import Identity
from countersign.trust.peers import Peer

_IN_PROGRESS = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", -1)})
_NOT_VALID_NOW = frozenset({9, 10})  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_SLICE = 0.2


def connect(address: Address, identity: Identity, peers: list[Peer], cancelled: Callable[[], bool]) -> TlsLink:
    """A link to one of these peers at this address. Blocks for at most CONNECT_SECONDS and HANDSHAKE_SECONDS.

    Raises Unreachable, NotCountersign, NotTrusted, CertificateNotYetValid, IdentityDamaged, Cancelled.
    """
    # before connecting: with ten thousand people this takes longer than a receiver waits
    context = make_context(identity, peers, listening=False)
    raw = _open(address, cancelled)
    link = TlsLink(raw, context, identity.id, listening=False)
    try:
        peer = link.handshake(limits.HANDSHAKE_SECONDS * 2, cancelled)
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
    except (NotTrusted, Cancelled):
        link.close()
        raise
    return link


def _open(address: Address, cancelled: Callable[[], bool]) -> socket.socket:
    for family, kind, proto, where in _found(address, cancelled):
        try:
            raw = socket.socket(family, kind, proto)
        except OSError:  # this computer lacks that address family; another may work
            continue
        if _connected(raw, where, cancelled):
            return raw
        raw.close()
        if cancelled():
            raise Cancelled
    raise Unreachable(address=address)


_Found: TypeAlias = "list[tuple[int, int, int, object]]"


def _found(address: Address, cancelled: Callable[[], bool]) -> _Found:
    """The system resolver's answers: (family, kind, protocol, where). It can take half a minute and cannot be stopped,
    so it runs on its own thread, which is abandoned on cancellation. Raises UnknownHost, Cancelled."""
    answers: queue.SimpleQueue[_Found | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            answers.put([(family, kind, proto, where) for family, kind, proto, _name, where in found])
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    while True:
        try:
            answer = answers.get(timeout=_SLICE)
        except queue.Empty:
            if cancelled():
                raise Cancelled from None
            continue
        if isinstance(answer, Exception):
            raise UnknownHost(address=address) from answer
        return answer


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
