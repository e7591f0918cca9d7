"""A pack is a zip archive in one canonical form: only the deflated bytes may vary, and any other variation is refused.

So a reader never trusts an archive's own directory, flags or sizes. Format: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3
and 4.4; any unzip reads it.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, TypeAlias

import msgspec
from isal import igzip_lib, isal_zlib

from countersign.base import limits
from countersign.base.errors import SealBroken
from countersign.pack.compress import deflate
from countersign.pack.plan import Piece
from countersign.pack.reasons import WITHDRAWN

Buffer: TypeAlias = bytes | bytearray | memoryview

STORED, DEFLATED = 0, 8
_VERSION = 20
_DATE = 1 << 5 | 1  # 1980-01-01, the zip epoch
_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")
_HEADER = _LOCAL.size
_LOCAL_MAGIC, _CENTRAL_MAGIC, _END_MAGIC = 0x04034B50, 0x02014B50, 0x06054B50
_ALWAYS = (_VERSION, 0, 0, _DATE, 0)  # in a local header: version, flags, time, date, length of the extra field
_LONGEST_NAME = 32  # two decimal numbers and a hyphen
_LARGE = 64 * limits.KIB  # parts of this size or more are passed on as they are, smaller ones are joined

REASONS = tuple(reason.word for reason in WITHDRAWN)


# a piece and its content; a plain tuple, since every small file needs one
Member: TypeAlias = tuple[Piece, Buffer]


class Pack(NamedTuple):
    """An opened pack: members in the plan's order, and withdrawn entries with their reasons."""

    members: list[Member]
    withdrawn: list[tuple[int, str]]


def member_name(piece: Piece) -> bytes:
    """`INDEX-OFFSET` in decimal."""
    return b"%d-%d" % (piece.index, piece.offset)


def content_at(piece: Piece) -> int:
    """The offset of the first member's content in an archive."""
    return _HEADER + len(member_name(piece))


def _local(name: bytes, method: int, crc: int, packed: int, size: int) -> bytes:
    return _LOCAL.pack(_LOCAL_MAGIC, _VERSION, 0, method, 0, _DATE, crc, packed, size, len(name), 0) + name


def _central(name: bytes, method: int, crc: int, packed: int, size: int, at: int) -> bytes:
    return (
        _CENTRAL.pack(
            _CENTRAL_MAGIC, _VERSION, _VERSION, 0, method, 0, _DATE, crc, packed, size, len(name), 0, 0, 0, 0, 0, at
        )
        + name
    )


def _end(count: int, size: int, at: int, comment: bytes) -> bytes:
    return _END.pack(_END_MAGIC, 0, 0, count, count, size, at, len(comment)) + comment


class PackWriter:
    """Collects members and returns the archive in parts, so large contents are not copied."""

    def __init__(self) -> None:
        self._parts: list[Buffer] = []
        self._small: list[bytes] = []
        self._directory: list[bytes] = []
        self._size = 0

    def add(self, piece: Piece, content: Buffer) -> None:
        """Appends a member. The content must not change until the archive is sealed."""
        packed = deflate(content)
        method = STORED if packed is None else DEFLATED
        body: Buffer = content if packed is None else packed
        name = member_name(piece)
        facts = (name, method, isal_zlib.crc32(content), len(body), len(content))
        self._directory.append(_central(*facts, self._size))
        header = _local(*facts)
        self._small.append(header)
        if len(body) >= _LARGE:
            self._flush()
            self._parts.append(body)
        else:
            self._small.append(bytes(body))
        self._size += len(header) + len(body)

    def finish(self, withdrawn: list[tuple[int, str]]) -> list[Buffer]:
        """The parts of the archive."""
        directory = b"".join(self._directory)
        comment = msgspec.msgpack.encode(withdrawn) if withdrawn else b""
        self._small += [directory, _end(len(self._directory), len(directory), self._size, comment)]
        self._flush()
        return self._parts

    def _flush(self) -> None:
        if self._small:
            self._parts.append(b"".join(self._small))
            self._small = []


def read_pack(payload: memoryview, pieces: list[Piece]) -> Pack:
    """The members of an archive that must hold exactly these pieces. Raises SealBroken for anything else.

    Never inflates beyond a piece's planned length.
    """
    members: list[Member] = []
    missing: list[int] = []
    directory: list[bytes] = []
    at = following = 0
    while len(payload) - at >= _HEADER:
        magic, version, flags, method, hour, date, crc, packed, size, name_length, extra = _LOCAL.unpack_from(
            payload, at
        )
        if magic != _LOCAL_MAGIC:
            break
        body_at = at + _HEADER + name_length
        if name_length > _LONGEST_NAME or len(payload) - body_at < packed:
            raise SealBroken
        name = bytes(payload[at + _HEADER : body_at])
        while following < len(pieces) and member_name(pieces[following]) != name:
            missing.append(pieces[following].index)
            following += 1
        if following == len(pieces):
            raise SealBroken
        piece = pieces[following]
        following += 1
        if size != piece.length or (version, flags, hour, date, extra) != _ALWAYS:
            raise SealBroken
        members.append((piece, _content(payload[body_at : body_at + packed], method, size, crc)))
        directory.append(_central(name, method, crc, packed, size, at))
        at = body_at + packed
    missing += [piece.index for piece in pieces[following:]]
    withdrawn = _closing(payload, at, directory)
    if [index for index, _reason in withdrawn] != missing:
        raise SealBroken
    return Pack(members, withdrawn)


def _content(body: memoryview, method: int, size: int, crc: int) -> Buffer:
    content: Buffer
    if method == STORED:
        content = body
    elif method == DEFLATED and len(body) < size:
        inflater = isal_zlib.decompressobj(-15)
        try:
            content = inflater.decompress(body, size + 1)
        except igzip_lib.IsalError:  # type: ignore[misc]  # a class, despite its stub
            raise SealBroken from None
        if not inflater.eof or inflater.unused_data:
            raise SealBroken
    else:
        raise SealBroken
    if len(content) != size or isal_zlib.crc32(content) != crc:
        raise SealBroken
    return content


def _closing(payload: memoryview, at: int, directory: list[bytes]) -> list[tuple[int, str]]:
    """Compares central directory and end record with the only valid ones. Returns the withdrawn entries."""
    joined = b"".join(directory)
    comment_at = at + len(joined) + _END.size
    comment = bytes(payload[comment_at:])
    if len(comment) > 0xFFFF or payload[at:] != joined + _end(len(directory), len(joined), at, comment):
        raise SealBroken
    if not comment:
        return []
    try:
        withdrawn = msgspec.msgpack.decode(comment, type=list[tuple[int, str]], strict=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SealBroken from None
    if any(reason not in REASONS for _index, reason in withdrawn):
        raise SealBroken
    return withdrawn
