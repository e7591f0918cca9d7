"""TLS 1.3 with pinned certificates on both sides.

We set up `ssl.SSLContext` ourselves: `create_default_context` obeys SSLKEYLOGFILE and trusts the system's
authorities. Chain verification alone would let a pinned CA:TRUE certificate vouch for others, so the DER hash
is also compared after the handshake.
"""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable

from countersign.base import limits
from countersign.base.errors import Cancelled, CertificateNotYetValid, IdentityDamaged, Problem, TheyDoNotTrustUs
from countersign.base.i18n import _
from countersign.transport.link import LinkLostError
from countersign.trust.fingerprint import DeviceId, device_id
from countersign.trust.identity import Identity
from countersign.trust.peers import Peer

log = logging.getLogger(__name__)
_SLICE = 0.2  # seconds between checks for cancellation
_TOGETHER = 100  # certificates loaded in one call, which holds the GIL: milliseconds
_X509_FLAGS = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
_DATE_ALERTS = ("CERTIFICATE_EXPIRED", "BAD_CERTIFICATE")  # OpenSSL sends the second if it is not valid yet
_TRUST_ALERTS = (
    "UNKNOWN_CA",
    "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE",
    "CERTIFICATE_REQUIRED",
    "ACCESS_DENIED",
)


def make_context(identity: Identity, peers: Iterable[Peer], *, listening: bool) -> ssl.SSLContext:
    """A context that accepts only these peers. Raises IdentityDamaged if OpenSSL refuses our own files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if listening else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # addresses change; the pin is the identity
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= _X509_FLAGS
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    try:
        context.load_cert_chain(identity.certificate_path, identity.key_path)
    except ssl.SSLError as error:
        files = f"{identity.certificate_path.name}, {identity.key_path.name}"
        detail = _("OpenSSL cannot use {files}").format(files=files)
        raise IdentityDamaged(detail=detail, folder=identity.certificate_path.parent) from error
    _trust(context, list(peers))
    if listening:
        context.num_tickets = 0
    return context


def loads_as_anchor(pem: bytes) -> bool:
    """Whether OpenSSL reads this certificate; it refuses some that other readers accept."""
    return _loaded(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), pem.decode("ascii"))


def _trust(context: ssl.SSLContext, peers: list[Peer]) -> None:
    """Loads these peers' certificates, and leaves out only those that OpenSSL does not read."""
    for start in range(0, len(peers), _TOGETHER):
        some = peers[start : start + _TOGETHER]
        if _loaded(context, "".join(peer.pem for peer in some)):
            continue
        for peer in some:
            if not _loaded(context, peer.pem):
                log.warning("OpenSSL cannot read the certificate %s", peer.fingerprint)


def _loaded(context: ssl.SSLContext, anchors: str) -> bool:
    try:
        context.load_verify_locations(cadata=anchors)
    except ssl.SSLError as error:
        log.debug("a certificate was not loaded: %s", error.reason)
        return False
    return True


# The unsent bytes that the system buffers. With fewer of them, a cancellation or a pause takes effect sooner, and less
# is sent again after a lost connection. Linux' tcp(7) does not list the option; macOS' netinet/tcp.h has 0x201.
_NOTSENT_LOWAT = {"linux": 25, "darwin": 0x201}.get(sys.platform)
_UNSENT = 512 * limits.KIB


class TlsLink:
    """A link over TLS. `handshake` has its own deadline."""

    def __init__(self, raw: socket.socket, context: ssl.SSLContext, own_id: DeviceId, *, listening: bool) -> None:
        raw.setblocking(False)
        _tune(raw)
        self._lock = threading.Lock()
        self._closed = False
        self._woken = False
        self._wake: tuple[socket.socket, socket.socket] | None = None  # made after the handshake: strangers stay cheap
        self._tls = context.wrap_socket(
            raw, server_side=listening, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
        self._selector = _cheap_selector()
        self._events = selectors.EVENT_READ
        self._selector.register(self._tls, self._events)
        self._own_id = own_id
        self._peer_id: DeviceId | None = None
        self._wants_write = False  # TLS must write before it can read more

    @property
    def own_id(self) -> DeviceId:
        return self._own_id

    @property
    def peer_id(self) -> DeviceId:
        if self._peer_id is None:
            raise AssertionError("no handshake yet")
        return self._peer_id

    def handshake(self, seconds: float, cancelled: Callable[[], bool] = lambda: False) -> DeviceId:
        """Performs the handshake. Returns the peer's identity; the caller compares it with the pins before any byte.

        Raises ssl.SSLError, OSError, TimeoutError, or Cancelled.
        """
        deadline = time.monotonic() + seconds
        while True:
            if cancelled():
                raise Cancelled
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._wait_until(deadline, selectors.EVENT_READ)
            except ssl.SSLWantWriteError:
                self._wait_until(deadline, selectors.EVENT_WRITE)
        der = self._tls.getpeercert(binary_form=True)
        if not der:
            raise ssl.SSLError("no certificate")
        self._peer_id = device_id(der)
        self._wake = socket.socketpair()
        for end in self._wake:
            end.setblocking(False)
        self._selector.register(self._wake[1], selectors.EVENT_READ)
        return self._peer_id

    def try_receive(self, buffer: memoryview) -> int:
        self._wants_write = False
        try:
            count = self._tls.recv_into(buffer)
        except ssl.SSLWantReadError:
            return 0
        except ssl.SSLWantWriteError:
            self._wants_write = True
            return 0
        except (OSError, ValueError) as error:
            raise LinkLostError(_problem_of(error)) from error
        if count == 0:
            raise LinkLostError(orderly=True)
        return count

    def try_send(self, data: memoryview) -> int:
        try:
            return self._tls.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except (OSError, ValueError) as error:
            raise LinkLostError(_problem_of(error)) from error

    def wait(self, seconds: float, *, read: bool = True, write: bool = False) -> None:
        events = selectors.EVENT_READ if read else 0
        if write or self._wants_write:
            events |= selectors.EVENT_WRITE
        self._select(events, seconds)

    def wake(self) -> None:
        with self._lock:
            if not self._closed and not self._woken and self._wake is not None:
                self._woken = True
                self._wake[0].send(b"w")

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
        try:
            self._tls.unwrap()  # sends close_notify; does not wait for the peer's
        except (OSError, ValueError) as error:  # the peer is gone or has not answered yet: closed either way
            log.debug("closing: %s", type(error).__name__)
        self._selector.close()
        for end in (self._tls, *(self._wake or ())):
            end.close()

    def abort(self) -> None:
        """Ends the connection at once, from any thread; the owner must still call `close`."""
        try:
            # the plain socket's shutdown: the wrapped one would remove TLS while its owner uses it
            socket.socket.shutdown(self._tls, socket.SHUT_RDWR)
        except OSError as error:  # it has already ended
            log.debug("aborting: %s", error.strerror)

    def _wait_until(self, deadline: float, events: int) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._select(events, min(left, _SLICE))

    def _select(self, events: int, seconds: float) -> None:
        try:
            if events != self._events:
                self._selector.modify(self._tls, events)
                self._events = events
            ready = self._selector.select(max(0.0, seconds))
        except (OSError, ValueError, KeyError) as error:
            raise LinkLostError from error
        for key, _mask in ready:
            if self._wake is not None and key.fileobj is self._wake[1]:
                with self._lock:
                    self._woken = False
                    self._wake[1].recv(16)


def _cheap_selector() -> selectors.BaseSelector:
    """A selector that needs no handle of its own, if there is one."""
    return selectors.PollSelector() if hasattr(selectors, "PollSelector") else selectors.SelectSelector()


def _tune(raw: socket.socket) -> None:
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if _NOTSENT_LOWAT is not None:
        raw.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, _UNSENT)
    if sys.platform == "linux":
        # without an acknowledgement the connection ends after this time, not after a quarter of an hour
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(limits.STALL_SECONDS * 1000))


def _problem_of(error: Exception) -> Problem | None:
    """The problem that the peer's alert means for the person here."""
    reason = getattr(error, "reason", None) or ""
    if not isinstance(error, ssl.SSLError) or "ALERT" not in reason:
        return None
    if any(alert in reason for alert in _DATE_ALERTS):
        return CertificateNotYetValid()
    return TheyDoNotTrustUs() if any(alert in reason for alert in _TRUST_ALERTS) else None
