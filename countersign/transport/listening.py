"""The receiver's end: a plain TCP socket. Each connection gets its own thread, TLS and a deadline.

Strangers cost little: their number is capped, and each may stay a few seconds. At the cap the oldest is closed, so
peers still get in.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable

import psutil

from countersign.base import limits
from countersign.base.errors import CannotListen, PortTaken, Problem
from countersign.base.i18n import _
from countersign.base.refusals import reason_of
from countersign.transport.link import LinkLostError
from countersign.transport.tls import TlsLink, make_context
from countersign.trust.identity import Identity
from countersign.trust.peers import Peer, PeerStore

_PAUSE = 0.2
_BACKLOG = 1024  # if a flood fills it, the system makes a paired sender wait for seconds before it retries
log = logging.getLogger(__name__)


class Listener:
    """Accepts connections and hands over those from pinned peers.

    `welcome(link)` runs on the connection's own thread and owns the link. `refused()` is called for each stranger.
    Raises PortTaken, CannotListen, IdentityDamaged or DiskProblem.
    """

    def __init__(
        self,
        identity: Identity,
        peers: PeerStore,
        bind: str | None,
        port: int,
        welcome: Callable[[TlsLink], None],
        refused: Callable[[], None],
    ) -> None:
        self._identity = identity
        self._peers = peers
        self._welcome = welcome
        self._refused = refused
        self._lock = threading.Lock()
        self._strangers: dict[socket.socket | TlsLink, None] = {}
        self._threads: set[threading.Thread] = set()
        self._closing = False
        self._made: tuple[list[str], ssl.SSLContext] | None = None
        self._making = threading.Lock()
        self._pause = threading.Event()
        self._context(peers.pinned())  # takes seconds for ten thousand people, and the first caller must not wait
        self._socket = _bound(bind, port)
        self.port: int = self._socket.getsockname()[1]
        self.interfaces, self.addresses = _addresses(bind)
        self._thread = threading.Thread(target=self._accept, name="listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops listening, closes strangers and waits for the listening thread; links handed over live on."""
        with self._lock:
            self._closing = True
            for stranger in self._strangers:
                _shut(stranger)
        self._pause.set()
        _shut(self._socket)
        self._socket.close()
        self._thread.join()

    def join(self, seconds: float) -> None:
        """Waits for the connections' threads: `seconds` for all of them together."""
        deadline = time.monotonic() + seconds
        for thread in list(self._threads):
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _accept(self) -> None:
        while True:
            try:
                raw, _where = self._socket.accept()
            except OSError as error:
                if self._closing or error.errno in (errno.EBADF, errno.EINVAL, errno.ENOTSOCK):
                    return
                log.warning("accept: %s", error.strerror)  # out of handles, or the stranger has already left
                self._pause.wait(_PAUSE)
                continue
            with self._lock:
                if self._closing:
                    raw.close()
                    return
                if len(self._strangers) >= limits.STRANGERS:
                    oldest = next(iter(self._strangers))
                    del self._strangers[oldest]  # its thread sees the connection end and returns
                    _shut(oldest)
                self._strangers[raw] = None
            thread = threading.Thread(target=self._greet, args=(raw,), name="connection", daemon=True)
            self._threads.add(thread)
            thread.start()

    def _greet(self, raw: socket.socket) -> None:
        try:
            link = self._shake_hands(raw)
            if link is not None:
                self._welcome(link)
        finally:
            self._threads.discard(threading.current_thread())

    def _shake_hands(self, raw: socket.socket) -> TlsLink | None:
        link: TlsLink | None = None
        known = False
        try:
            peers = self._peers.pinned()
            context = self._context(peers)
            link = TlsLink(raw, context, self._identity.id, listening=True)
            self._replace(raw, link)
            known = link.handshake(limits.HANDSHAKE_SECONDS) in {peer.id for peer in peers}
        except (ssl.SSLError, OSError, LinkLostError, Problem) as error:
            log.info("a connection was refused: %s", type(error).__name__)
        finally:
            with self._lock:
                self._strangers.pop(raw, None)
                if link is not None:
                    self._strangers.pop(link, None)
            if not known:
                (link or raw).close()
                if not self._closing:
                    self._refused()
        return link if known else None

    def _context(self, peers: list[Peer]) -> ssl.SSLContext:
        """Makes a context only if the peers have changed: it costs more than a stranger may."""
        pinned = [peer.pem for peer in peers]
        with self._making:
            if self._made is None or self._made[0] != pinned:
                self._made = (pinned, make_context(self._identity, peers, listening=True))
            return self._made[1]

    def _replace(self, raw: socket.socket, link: TlsLink) -> None:
        """Lists the link instead of the raw socket, which wrapping empties. Aborts it if the stranger made room."""
        with self._lock:
            if raw in self._strangers:
                del self._strangers[raw]
                self._strangers[link] = None
            else:
                link.abort()


def _shut(stranger: socket.socket | TlsLink) -> None:
    if isinstance(stranger, TlsLink):
        stranger.abort()
        return
    with contextlib.suppress(OSError):  # it has already ended
        stranger.shutdown(socket.SHUT_RDWR)


def _bound(bind: str | None, port: int) -> socket.socket:
    try:
        if bind is None and socket.has_dualstack_ipv6():
            try:
                return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise
                # the system knows IPv6, but it is switched off; IPv4 alone is enough
        host = bind or "0.0.0.0"  # noqa: S104  # nosec B104 - a receiver listens on every interface by default
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(port=port, owner=_owner_of(port), free=_free_port(port)) from error
        where = bind or f"port {port}"
        raise CannotListen(address=where, reason=reason_of(error).partition(" (")[0]) from error


def _owner_of(port: int) -> str:
    """The program that listens on this port, if the system tells."""
    try:
        for found in psutil.net_connections(kind="tcp"):
            if found.status == psutil.CONN_LISTEN and found.laddr and found.laddr.port == port and found.pid:
                program = psutil.Process(found.pid)
                ours = any(part.endswith(("receiver.py", "receiver")) for part in program.cmdline())
                return _("another Countersign") if ours else str(program.name())
    except (psutil.Error, OSError):  # some systems do not tell every user
        pass
    return _("another program")


def _free_port(taken: int) -> int:
    """One of the next ports, which people and firewalls can remember; else any."""
    for port in (*range(taken + 1, min(taken + 10, 65536)), 0):
        try:
            with socket.create_server(("", port)) as probe:
                found: int = probe.getsockname()[1]
                return found
        except OSError:  # also taken
            continue
    return 0


def _addresses(bind: str | None) -> tuple[list[str], list[str]]:
    """(interfaces, their addresses that another computer can use), the likeliest first."""
    if bind is not None and bind not in ("0.0.0.0", "::"):  # noqa: S104  # nosec B104
        return [""], [bind]
    up = {name for name, facts in psutil.net_if_stats().items() if facts.isup}
    ranked: list[tuple[int, str, str]] = []
    for name, entries in psutil.net_if_addrs().items():
        if name not in up:
            continue
        for entry in entries:
            if entry.family in (socket.AF_INET, socket.AF_INET6):
                ranked.append((_rank(name, entry.address), entry.address, name))
    found = [(name, address) for rank, address, name in sorted(ranked) if rank < 9] or [("", "127.0.0.1")]
    return [name for name, _address in found], [address for _name, address in found]


def _rank(interface: str, address: str) -> int:
    if address.startswith(("127.", "fe80:")) or address == "::1":
        return 9  # other computers need more than the address to reach these
    virtual = interface.startswith(("docker", "br-", "veth", "virbr", "vmnet", "vbox", "utun", "zt"))
    if ":" in address:
        return 6 if virtual else 5
    return 4 if virtual else 1 if interface.startswith(("e", "w")) else 2
