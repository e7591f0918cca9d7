"""Ways to break a single message: a type out of place, a wrong length, a body that is not a map, a field that does not fit.

Right and wrong are spelled out here by hand, not taken from the decoder under test.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from countersign.wire.frames import HEADER
from countersign.wire.messages import Kind

GOOD: dict[Kind, dict[str, Any]] = {
    Kind.HELLO: {"versions": [1], "nonce": b"n" * 32},
    Kind.CODE_PROOF: {"proof": b"p" * 32},
    Kind.CODE_ACCEPTED: {},
    Kind.CODE_REFUSED: {"tries_left": 2},
    Kind.OFFER: {"transfer_id": b"t" * 16, "salt": b"s" * 16},
    Kind.KEY_ACCEPTED: {},
    Kind.KEY_REFUSED: {"tries_left": 2},
    Kind.RECEIVED: {"packs": 0, "files": 0, "bytes": 0},
    Kind.WAITING: {},
    Kind.STOP: {"code": "busy"},
    Kind.REJOIN: {"transfer_id": b"t" * 16, "proof": b"p" * 32},
}
SEALED = (Kind.MANIFEST, Kind.ANSWER, Kind.PACK, Kind.RECEIPT, Kind.THANKS, Kind.HASHES, Kind.VERDICT)
UNKNOWN_TYPES = (0, 19, 128, 255)
LENGTHS = (2**31 - 1, 2**31, 2**32 - 1)  # as signed 32-bit numbers the last two are negative

_NEVER_COUNTS: list[Any] = [None, True, 1.5, "1", b"1", [], {}, -1, -(2**63), 2**60 + 1, 2**63, 2**64 - 1]
_NEVER_BYTES: list[Any] = [None, True, 7, -1, 1.5, [], {}, b"", "n" * 16, "n" * 32]
BAD_FIELDS: dict[str, list[Any]] = {
    "nonce": [*_NEVER_BYTES, b"n" * 31, b"n" * 33, b"n" * 200],
    "proof": [*_NEVER_BYTES, b"n" * 31, b"n" * 33, b"n" * 200],
    "transfer_id": [*_NEVER_BYTES, b"n" * 15, b"n" * 17, b"n" * 32],
    "salt": [*_NEVER_BYTES, b"n" * 15, b"n" * 17, b"n" * 32],
    "files": _NEVER_COUNTS,
    "bytes": _NEVER_COUNTS,
    "packs": _NEVER_COUNTS,
    "tries_left": [None, True, 1.5, "1", b"1", [], {}, -1, 256, 2**32, 2**63],
    "code": [None, True, 7, -1, 1.5, b"busy", [], {}, "x" * 65, "é" * 65],
    "versions": [None, True, 1, "1", b"1", {}, [], [-1], [65536], ["1"], [1.5], [None], [[1]], [1] * 33, [1, "2"]],
}


def frame(kind: int, body: bytes) -> bytes:
    return HEADER.pack(kind, len(body)) + body


def good_frame(kind: Kind) -> bytes:
    """A message of this type with nothing wrong, except perhaps its place."""
    return frame(kind, b"x" * 100 if kind in SEALED else msgspec.msgpack.encode(GOOD[kind]))


def out_of_place(allowed: frozenset[Kind]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes): every type that may not be sent here, and types that do not exist."""
    for kind in Kind:
        if kind not in allowed:
            yield f"out of place: {kind.name}", good_frame(kind)
    for number in UNKNOWN_TYPES:
        yield f"unknown type {number}", frame(number, b"")


def lengths(caps: dict[Kind, int], allowed: frozenset[Kind]) -> Iterator[tuple[str, bytes]]:
    """Lengths over the cap, by one and by a lot, with a few bytes after them."""
    for kind in sorted(allowed):
        for length in (caps[kind] + 1, *LENGTHS):
            yield f"{kind.name} of {length} bytes", HEADER.pack(kind, length) + b"x" * 50


def bodies(kind: Kind) -> Iterator[tuple[str, bytes]]:
    """Control messages whose body does not fit their type."""
    good = msgspec.msgpack.encode(GOOD[kind])
    for name, body in {
        "nothing": b"",
        "nil": b"\xc0",
        "a number": b"\x01",
        "a text": b"\xa1x",
        "a list": b"\x90",
        "what MessagePack never uses": b"\xc1",
        "lists in lists": b"\x91" * 200,
        "maps in maps": b"\x81\xa1x" * 60,
        "an extension": b"\xd4\x05x",
        "a map that promises 2^32-1 fields": b"\xdf\xff\xff\xff\xff",
        "a key that is no text": b"\x81\x01\x01",
        "cut short": good[:-1],
        "something behind it": good + b"\x00",
    }.items():
        yield f"{kind.name}: {name}", frame(kind, body)
    for field in GOOD[kind]:
        without = {name: value for name, value in GOOD[kind].items() if name != field}
        yield f"{kind.name}: no {field}", frame(kind, msgspec.msgpack.encode(without))
        for value in BAD_FIELDS[field]:
            body = msgspec.msgpack.encode({**GOOD[kind], field: value})
            yield f"{kind.name}: {field} = {value!r:.40}", frame(kind, body)
    if any(isinstance(value, str) for value in GOOD[kind].values()):
        yield (
            f"{kind.name}: text that is none",
            frame(kind, good.replace(b"\xa4busy", b"\xa4bu\xffy").replace(b"\xa1x", b"\xa1\xff")),
        )


def tokens(right: bytes, others: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Changed tokens of a sealed frame, and tokens that are right elsewhere."""
    yield "no bytes", b""
    yield "one byte", right[:1]
    yield "cut by one", right[:-1]
    yield "cut by a block", right[:-16]
    yield "one more byte", right + b"\0"
    yield "a block more", right + bytes(16)
    places = {"byte 0": 0, "byte 1": 1, "byte 8": 8, "byte 9": 9, "byte 24": 24, "byte 25": 25, "byte 40": 40,
              "the middle": len(right) // 2, "the last of the text": -33, "the first of the tag": -32, "the last": -1}  # fmt: skip
    for where, at in places.items():
        for bit in (1, 128):
            changed = bytearray(right)
            changed[at] ^= bit
            yield f"bit {bit} of {where} flipped", bytes(changed)
    yield from others.items()
