"""The plan of packs: which piece of which file travels in which pack. Both sides derive the same plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, NamedTuple

import msgspec

from countersign.base import limits
from countersign.base.errors import ProtocolProblem
from countersign.pack.manifest import Manifest
from countersign.pack.payload import decoded

Index = Annotated[int, msgspec.Meta(ge=0, lt=limits.MAX_ENTRIES)]
Bytes = Annotated[int, msgspec.Meta(ge=1, le=limits.MAX_TOTAL_BYTES)]


class Piece(msgspec.Struct, frozen=True, gc=False):
    """`length` bytes of entry `index`, starting at `offset`."""

    index: int
    offset: int
    length: int


class PackPlan(NamedTuple):
    """The content of one pack."""

    number: int
    pieces: list[Piece]
    last: bool


class Answer(msgspec.Struct, frozen=True):
    """The receiver's reply to an offer that it accepts; see docs/PROTOCOL.md."""

    held: bytes = b""
    unwanted: bytes = b""
    partial: Annotated[list[tuple[Index, Bytes]], msgspec.Meta(max_length=limits.PARTIALS)] = []
    renewal: Annotated[bytes, msgspec.Meta(max_length=limits.TOLD_RENEWAL)] = b""  # see trust.renewal


def bitmap(count: int, members: Iterator[int] | list[int]) -> bytes:
    """A bitmap of `count` bits; empty if no bit is set."""
    bits = bytearray((count + 7) // 8)
    some = False
    for index in members:
        bits[index >> 3] |= 1 << (index & 7)
        some = True
    return bytes(bits) if some else b""


def has_bit(bits: bytes, index: int) -> bool:
    """Whether this bit is set."""
    return bool(bits) and bool(bits[index >> 3] >> (index & 7) & 1)


def members_of(bits: bytes) -> Iterator[int]:
    """The indexes of the set bits, ascending."""
    for at, eight in enumerate(bits):
        if eight:
            yield from (8 * at + bit for bit in range(8) if eight >> bit & 1)


def encode_answer(answer: Answer) -> bytes:
    return msgspec.msgpack.encode(answer)


def decode_answer(payload: memoryview | bytes, manifest: Manifest) -> Answer:
    """The answer to this manifest. Raises ProtocolProblem if it does not fit."""
    answer = decoded(payload, Answer)
    count = len(manifest)
    for bits in (answer.held, answer.unwanted):
        if bits and (len(bits) != (count + 7) // 8 or (count % 8 and bits[-1] >> (count % 8))):
            raise ProtocolProblem
    last = -1
    for index, size in answer.partial:
        if index <= last or index >= count or not manifest.is_file(index) or size >= manifest.sizes[index]:
            raise ProtocolProblem
        if has_bit(answer.held, index) or has_bit(answer.unwanted, index):
            raise ProtocolProblem
        last = index
    return answer


def pieces_of(manifest: Manifest, answer: Answer) -> Iterator[tuple[int, int, int]]:
    """(index, first byte, size) of every file with bytes to send."""
    partial = dict(answer.partial)
    held, unwanted = answer.held, answer.unwanted  # nearly always both empty
    for index, size in enumerate(manifest.sizes):
        if not manifest.is_file(index) or (held and has_bit(held, index)) or (unwanted and has_bit(unwanted, index)):
            continue
        yield index, partial.get(index, 0), size


def plan_packs(manifest: Manifest, answer: Answer) -> Iterator[PackPlan]:
    """The packs in order: at least one, and only the last is marked as last."""
    number = 0
    waiting: list[Piece] | None = None  # a full pack, held back until we know whether another follows
    pieces: list[Piece] = []
    room = limits.PACK_BYTES
    for index, offset, size in pieces_of(manifest, answer):
        while True:
            if not room or len(pieces) == limits.PACK_PIECES:
                if waiting is not None:
                    yield PackPlan(number, waiting, False)
                    number += 1
                waiting, pieces, room = pieces, [], limits.PACK_BYTES
            length = min(room, size - offset)
            pieces.append(Piece(index, offset, length))
            room -= length
            offset += length
            if offset >= size:
                break
    if waiting is not None:
        yield PackPlan(number, waiting, not pieces)
        number += 1
    if pieces or number == 0:
        yield PackPlan(number, pieces, True)
