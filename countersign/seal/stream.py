"""Numbered tokens: no valid token can be swapped, repeated, dropped or taken from another stream unnoticed.

Inside each token: transfer id, stream, number, last flag. A reader accepts only the next number, and nothing after the
last. The idea is age's STREAM, with Fernet as the cipher.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from countersign.base.errors import SealBroken
from countersign.seal.keys import KeyRing, Label
from countersign.seal.token import Buffer, open_token, seal

_INNER = struct.Struct(">16sBQB")
INNER = _INNER.size


class Stream(IntEnum):
    """The sealed streams of a transfer, one byte inside each token."""

    MANIFEST = 1
    ANSWER = 2
    PACK = 3
    RECEIPT = 4
    HASHES = 5
    VERDICT = 6
    THANKS = 7


_LABELS = {stream: Label[stream.name] for stream in Stream}


class Sealer:
    """Seals frames of one stream. Any thread may seal any number; the caller uses each number once."""

    def __init__(self, ring: KeyRing, stream: Stream) -> None:
        self._id = ring.transfer_id
        self._stream = stream
        self._key = ring.stream_key(_LABELS[stream])

    def seal(self, number: int, last: bool, parts: list[Buffer], now: int, out: bytearray | None = None) -> memoryview:
        """The token of frame `number`. `now`: seconds since 1970."""
        inner = _INNER.pack(self._id, self._stream, number, last)
        return seal(self._key, [inner, *parts], now, out)


class Opener:
    """Opens frames of one stream. `open_frame` may run on any thread; `Order` then checks the sequence."""

    def __init__(self, ring: KeyRing, stream: Stream) -> None:
        self._id = ring.transfer_id
        self._stream = stream
        self._key = ring.stream_key(_LABELS[stream])

    def open_frame(
        self, number: int, token: Buffer, out: bytearray | memoryview | None = None
    ) -> tuple[bool, memoryview]:
        """(last, payload) of the token, which must be frame `number` of this stream. Raises SealBroken.

        out: a buffer to open into, if it is large enough; the payload then begins INNER bytes into it.
        """
        plain = open_token(self._key, token, out)
        if len(plain) < INNER:
            raise SealBroken
        transfer_id, stream, found, last = _INNER.unpack_from(plain)
        if transfer_id != self._id or stream != self._stream or found != number or last > 1:
            raise SealBroken
        return bool(last), plain[INNER:]


class Order:
    """Counts the frames of a stream as they arrive. Raises SealBroken for a frame after the last."""

    def __init__(self) -> None:
        self.next = 0
        self.ended = False

    def take(self) -> int:
        """The number that the arriving frame must have."""
        if self.ended:
            raise SealBroken
        self.next += 1
        return self.next - 1


class StreamReader:
    """Opener and order in one, for streams read on one thread."""

    def __init__(self, ring: KeyRing, stream: Stream) -> None:
        self._opener = Opener(ring, stream)
        self._order = Order()

    @property
    def ended(self) -> bool:
        return self._order.ended

    def read(self, token: Buffer) -> memoryview:
        """The payload of the next frame. Raises SealBroken."""
        last, payload = self._opener.open_frame(self._order.take(), token)
        self._order.ended = last
        return payload


class StreamWriter:
    """Sealer and numbering in one, for streams written on one thread."""

    def __init__(self, ring: KeyRing, stream: Stream) -> None:
        self._sealer = Sealer(ring, stream)
        self._next = 0

    def write(self, payload: Buffer, last: bool, now: int) -> memoryview:
        """The token of the next frame."""
        token = self._sealer.seal(self._next, last, [payload], now)
        self._next += 1
        return token
