"""Frames: one type byte, a four-byte length, a body. The reader never allocates more than a cap allows.

The reader hands out the buffer to fill next, so a socket can write into it without a copy.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TypeAlias

from countersign.base.errors import ProtocolProblem
from countersign.wire.messages import Kind, Message, decode, encode_body, kind_of

HEADER = struct.Struct(">BI")
Buffer: TypeAlias = bytes | bytearray | memoryview


def encode_frame(message: Message) -> tuple[bytes, bytes | memoryview]:
    """Header and body of a message's frame; separate, to avoid copying a large body."""
    body = encode_body(message)
    return HEADER.pack(kind_of(message), len(body)), body


class FrameReader:
    """Turns a stream of bytes into messages.

    `cap_of(kind)` returns the largest body that a type may have now, or -1 if the type is not allowed.
    `allocate(kind, n)` returns a buffer of at least n bytes.
    """

    def __init__(self, cap_of: Callable[[Kind], int], allocate: Callable[[Kind, int], bytearray] | None = None) -> None:
        self._cap_of = cap_of
        self._allocate = allocate or (lambda _kind, n: bytearray(n))
        self._header = memoryview(bytearray(HEADER.size))
        self._kind: Kind | None = None
        self._want = self._header
        self._have = 0

    @property
    def between_frames(self) -> bool:
        """Whether no byte of a next frame has arrived."""
        return self._kind is None and self._have == 0

    def get_buffer(self) -> memoryview:
        """The buffer for the next bytes; never empty."""
        return self._want[self._have :]

    def buffer_updated(self, n: int) -> Message | None:
        """Call this after writing n bytes into the buffer. Returns the message that they complete, if any.

        Raises ProtocolProblem for a type or length that is not allowed, and for a body that does not fit its type.
        """
        self._have += n
        if self._have < len(self._want):
            return None
        if self._kind is None:
            self._begin_body()
            if len(self._want):
                return None
        kind, body = self._kind, self._want
        assert kind is not None
        self._kind, self._want, self._have = None, self._header, 0
        return decode(kind, body)

    def feed(self, data: Buffer) -> list[Message]:
        """All messages that these bytes complete, for callers that already hold bytes."""
        out: list[Message] = []
        view = memoryview(data)
        while view:
            room = self.get_buffer()
            n = min(len(room), len(view))
            room[:n] = view[:n]
            view = view[n:]
            message = self.buffer_updated(n)
            if message is not None:
                out.append(message)
        return out

    def _begin_body(self) -> None:
        number, length = HEADER.unpack(self._header)
        try:
            kind = Kind(number)
        except ValueError:
            raise ProtocolProblem from None
        if length > self._cap_of(kind):
            raise ProtocolProblem
        self._kind, self._have = kind, 0
        self._want = memoryview(self._allocate(kind, length))[:length]
