"""500 strangers, silent, babbling or with an unknown certificate, connect; a paired sender is still greeted.

Also counts the bytes that a stranger hears beyond the alert that ends its handshake.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from countersign.base import limits
from countersign.places.home import Home
from countersign.profile import Profile, open_profile
from countersign.transport.tls import make_context
from countersign.wire import messages as m
from tests.hostile_peer import Scene, bobs_door
from tests.long.figures import Figure, quick_couple
from tests.transfers import Couple, introduce
from tests.waiting import wait_until

CROWD = 500
GREETED_WITHIN = 3.0
_VISITS = 20
_ALERT = 7  # bytes of an alert in the clear: type, version, length, level, description (RFC 8446, 5.1 and 6)
WORDS = (
    b"",
    b"GET / HTTP/1.0\r\n\r\n",
    bytes(64),
    b"\x16\x03\x01\xff\xff" + b"x" * 2000,
    b"SSH-2.0-x\r\n",
    b"\x16\x03\x01\x00\x10",
)


@dataclass
class Crowd:
    """Strangers that reconnect whenever they are sent away, from several addresses of this computer and from one."""

    port: int
    size: int
    told: list[bytes] = field(default_factory=list)  # what each stranger heard that did not speak TLS
    _stopping: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Crowd:
        self._selector = selectors.DefaultSelector()
        for number in range(self.size):
            self._come(number)
        self._thread = threading.Thread(target=self._keep_coming, name="crowd", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._stopping.set()
        self._thread.join(20)
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def _come(self, number: int) -> None:
        raw = socket.socket()
        raw.setblocking(False)
        with contextlib.suppress(OSError):  # not every system has all of 127/8
            raw.bind((f"127.0.0.{2 + number % 50}" if number % 2 and sys.platform == "linux" else "127.0.0.1", 0))
        raw.connect_ex(("127.0.0.1", self.port))
        self._selector.register(raw, selectors.EVENT_WRITE, [number, b""])

    def _keep_coming(self) -> None:
        while not self._stopping.is_set():
            for key, _events in self._selector.select(0.1):
                raw = key.fileobj
                assert isinstance(raw, socket.socket)
                if not self._attend(raw, key):
                    self._selector.unregister(raw)
                    raw.close()
                    self.told.append(key.data[1])
                    self._come(key.data[0])

    def _attend(self, raw: socket.socket, key: selectors.SelectorKey) -> bool:
        """Babbles once, then listens. False if it was sent away."""
        try:
            if key.events & selectors.EVENT_WRITE:
                raw.send(WORDS[key.data[0] % len(WORDS)])
                self._selector.modify(raw, selectors.EVENT_READ, key.data)
                return True
            heard = raw.recv(65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        key.data[1] += heard
        return bool(heard)


def greet(scene: Scene) -> float:
    """Seconds from the connection of a paired sender to the receiver's hello."""
    began = time.monotonic()
    hostile = scene.enter()
    assert isinstance(hostile.hear(), m.Hello)
    hostile.link.close()
    return time.monotonic() - began


def told_beyond_the_alert(crowd: Crowd) -> int:
    """Bytes that strangers without TLS heard, except the one alert."""
    return sum(len(heard) - (_ALERT if heard[:1] == b"\x15" else 0) for heard in crowd.told)


def application_bytes(scene: Scene, stranger: Profile) -> int:
    """Bytes inside TLS that a stranger reads who speaks TLS well, with its own certificate or none."""
    total = 0
    for known in (True, False):
        context = (
            make_context(stranger.device.identity, stranger.device.peers.all(), listening=False) if known else _nobody()
        )
        with socket.create_connection(("127.0.0.1", scene.port)) as raw, contextlib.suppress(OSError):
            raw.settimeout(10)
            with context.wrap_socket(raw) as tls:
                while heard := tls.recv(65536):
                    total += len(heard)
    return total


def _nobody() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.contextmanager
def many_handles(wanted: int) -> Iterator[None]:
    """Allows as many open files as the crowd needs. (The limit of a receiver in another process does not change.)"""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < wanted and (hard == resource.RLIM_INFINITY or hard >= wanted):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    yield


def crowd_of(couple: Couple, size: int, visits: int) -> tuple[float, int, int, int]:
    """The longest wait of a paired sender in seconds, bytes beyond the alert, bytes inside TLS, strangers sent away."""
    stranger = open_profile(Home(couple.root / "alice" / "stranger"))
    introduce(stranger, couple.bob, "bob")
    with many_handles(4096), bobs_door(couple) as scene, Crowd(scene.port, size) as crowd:
        waits = []
        for _visit in range(visits):
            waits.append(greet(scene))
            device = couple.bob.device
            device.guesses.allow(couple.alice.device.identity.id, device.now())
        inside = application_bytes(scene, stranger)
        wait_until(lambda: len(crowd.told) > limits.STRANGERS, 30, "strangers to be sent away")
    return max(waits), told_beyond_the_alert(crowd), inside, len(crowd.told)


def run(runs: int | None, first: int = 0) -> Figure:
    """A crowd of `runs` strangers."""
    size = CROWD if runs is None else runs
    with quick_couple() as couple:
        longest, beyond, inside, away = crowd_of(couple, size, _VISITS + first)
    text = (
        f"{size} strangers at a time ({away} sent away, each came again): a paired sender was greeted {_VISITS} times, after "
        f"{longest:.2f} s at the longest; bytes to a stranger beyond the TLS alert {beyond + inside}"
    )
    return Figure(text, longest < GREETED_WITHIN and beyond == 0 and inside == 0)
