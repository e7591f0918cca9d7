"""A network between two programs that sees TLS records and harms one of them. Later connections pass unharmed."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass

from countersign.transport.addresses import Address

_HEAD = 5  # type, version, length: RFC 8446, 5.1
_LATER = 0.3  # seconds of delay
_LINGER_NOT = struct.pack("ii", 1, 0)

CUTS = ("cut before", "cut inside", "reset")
HARMS = (*CUTS, "half closed", "delayed", "trickled", "flipped", "repeated", "swapped", "dropped", "inserted")
HARMLESS = frozenset({"delayed", "trickled"})


@dataclass(frozen=True)
class Fault:
    """What happens to record `index` (from 0) on its way to or from the server, on the first connection."""

    harm: str
    to_server: bool
    index: int

    def __str__(self) -> str:
        return f"record {self.index} to the {'receiver' if self.to_server else 'sender'} {self.harm}"


class _EndError(Exception):
    """This connection is over."""


class RecordProxy:
    """Forwards to a port on loopback. `counted` has the number of records of the first connection, to the server and from it."""

    def __init__(self, port: int, fault: Fault | None) -> None:
        self._port = port
        self._fault = fault
        self.counted = {True: 0, False: 0}
        self.harmed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._stopping = threading.Event()
        self.address = Address("127.0.0.1", self._listener.getsockname()[1])

    def __enter__(self) -> RecordProxy:
        self._accepting = threading.Thread(target=self._accept, name="proxy", daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._stopping.set()
        for end in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(10)
        for thread in self._threads:
            thread.join(10)
        for end in self._sockets:
            end.close()

    def _accept(self) -> None:
        first = True
        while True:
            try:
                client, _where = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                if self._stopping.is_set():
                    return
                client.close()
                continue
            self._sockets += [client, server]
            for to_server in (True, False):
                source, target = (client, server) if to_server else (server, client)
                fault = (
                    self._fault if first and self._fault is not None and self._fault.to_server == to_server else None
                )
                thread = threading.Thread(
                    target=self._pass, args=(source, target, fault, to_server, first), name="proxied", daemon=True
                )
                self._threads.append(thread)
                thread.start()
            first = False

    def _pass(
        self, source: socket.socket, target: socket.socket, fault: Fault | None, to_server: bool, first: bool
    ) -> None:
        held = b""
        index = 0
        try:
            while True:
                record = _record(source)
                if first:
                    self.counted[to_server] = index + 1
                if held:
                    target.sendall(record + held)
                    held = b""
                elif fault is not None and fault.index == index:
                    self.harmed.set()
                    held = self._harm(fault.harm, record, source, target)
                else:
                    target.sendall(record)
                index += 1
        except (OSError, _EndError):
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _harm(self, harm: str, record: bytes, source: socket.socket, target: socket.socket) -> bytes:
        """Applies the fault. Returns what is held back until the next record has passed."""
        if harm == "swapped":
            return record
        if harm == "half closed":
            target.shutdown(socket.SHUT_WR)
            while source.recv(65536):  # keep reading, forward nothing
                pass
            raise _EndError
        if harm in CUTS:
            if harm != "cut before":
                target.sendall(record[: len(record) // 2])
            if harm == "reset":
                for end in (source, target):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            raise _EndError
        if harm == "trickled":
            for at in range(0, len(record), max(1, len(record) // 200)):
                target.sendall(record[at : at + max(1, len(record) // 200)])
            return b""
        if harm == "delayed":
            self._stopping.wait(_LATER)
        target.sendall({
            "delayed": record,
            "flipped": record[:-1] + bytes([record[-1] ^ 1]),
            "repeated": record * 2,
            "dropped": b"",
            "inserted": b"\x17\x03\x03\x00\x20" + bytes(32) + record,
        }[harm])  # fmt: skip
        return b""


def _record(source: socket.socket) -> bytes:
    head = _exactly(source, _HEAD)
    return head + _exactly(source, int.from_bytes(head[3:], "big"))


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = source.recv(count - len(data))
        if not more:
            raise _EndError
        data += more
    return data
