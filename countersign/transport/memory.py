"""Two links joined in memory, for tests: they behave like TLS over TCP, without either."""

from __future__ import annotations

import threading
from collections.abc import Callable

from countersign.transport.link import LinkLostError
from countersign.trust.fingerprint import DeviceId


class _Pipe:
    """Bytes in one direction, up to a bound."""

    def __init__(self, changed: threading.Condition, room: int) -> None:
        self.changed = changed
        self.room = room
        self.data = bytearray()
        self.closed = False


class MemoryLink:
    """One end. `tamper` gets every piece of outgoing bytes and returns what arrives instead; None cuts the link."""

    def __init__(self, own: DeviceId, peer: DeviceId, incoming: _Pipe, outgoing: _Pipe) -> None:
        self._own, self._peer = own, peer
        self._in, self._out = incoming, outgoing
        self._woken = False
        self.sent = 0
        self.tamper: Callable[[bytes], bytes | None] | None = None

    @property
    def own_id(self) -> DeviceId:
        return self._own

    @property
    def peer_id(self) -> DeviceId:
        return self._peer

    def try_receive(self, buffer: memoryview) -> int:
        with self._in.changed:
            if not self._in.data:
                if self._in.closed:
                    raise LinkLostError
                return 0
            count = min(len(buffer), len(self._in.data))
            buffer[:count] = self._in.data[:count]
            del self._in.data[:count]
            self._in.changed.notify_all()
            return count

    def try_send(self, data: memoryview) -> int:
        with self._out.changed:
            if self._out.closed or self._in.closed:
                raise LinkLostError
            count = min(len(data), self._out.room - len(self._out.data))
            if not count:
                return 0
            piece: bytes | None = bytes(data[:count])
            if self.tamper is not None:
                piece = self.tamper(piece or b"")
            if piece is None:
                self._out.closed = self._in.closed = True
                self._out.changed.notify_all()
                raise LinkLostError
            self._out.data += piece
            self.sent += count
            self._out.changed.notify_all()
            return count

    def wait(self, seconds: float, *, read: bool = True, write: bool = False) -> None:
        def ready() -> bool:
            readable = read and bool(self._in.data or self._in.closed)
            writable = write and (len(self._out.data) < self._out.room or self._out.closed)
            return self._woken or readable or writable

        with self._in.changed:
            self._in.changed.wait_for(ready, max(0.0, seconds))
            self._woken = False

    def wake(self) -> None:
        with self._in.changed:
            self._woken = True
            self._in.changed.notify_all()

    def close(self) -> None:
        with self._in.changed:
            self._out.closed = True
            self._in.closed = True
            self._in.changed.notify_all()


def memory_pair(one: DeviceId, other: DeviceId, room: int = 256 * 1024) -> tuple[MemoryLink, MemoryLink]:
    """Two ends; each direction holds up to `room` bytes in transit."""
    changed = threading.Condition()
    there, back = _Pipe(changed, room), _Pipe(changed, room)
    return MemoryLink(one, other, back, there), MemoryLink(other, one, there, back)
