"""Hostile packs: archives for two planned pieces of three bytes each that break one rule, named by their row in the table of threats."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

from countersign.pack.archive import PackWriter
from countersign.pack.plan import Piece

CONTENT = b"abc"
PIECES = [Piece(0, 0, 3), Piece(1, 0, 3)]


def archive(pieces: list[Piece], content: bytes = CONTENT, withdrawn: list[tuple[int, str]] | None = None) -> bytes:
    writer = PackWriter()
    for piece in pieces:
        writer.add(piece, content)
    return b"".join(bytes(part) for part in writer.finish(withdrawn or []))


def right_archive() -> bytes:
    return archive(PIECES)


def hostile_archives() -> Iterator[tuple[str, bytes]]:
    """(name, payload of the pack)."""
    yield from _by_our_own_writer()
    yield from _by_hand()
    yield from _by_other_writers()
    right = right_archive()
    for at in range(len(right)):
        changed = bytearray(right)
        changed[at] ^= 0x41
        yield f"Z2 byte {at} changed", bytes(changed)
    for size in (0, 1, 29, 30, 35, 36, len(right) - 22, len(right) - 1):
        yield f"S1 cut to {size} bytes", right[:size]


def _by_our_own_writer() -> Iterator[tuple[str, bytes]]:
    both = PIECES
    yield "S1 an empty last one", archive([])
    yield "Z1 members longer than planned", archive(both, b"abcd")
    yield "Z1 members shorter than planned", archive(both, b"ab")
    yield "Z1 a thousandfold", archive(both, bytes(4_000_000))
    yield "Z2 one is missing without a word", archive(both[:1])
    yield "Z2 one twice", archive([both[0], both[0], both[1]])
    yield "Z2 another order", archive(both[::-1])
    yield "Z2 one that is not planned", archive([*both, Piece(2, 0, 3)])
    yield "Z2 another offset", archive([Piece(0, 1, 3), both[1]])
    yield "Z2 one for an index that is not there", archive([both[0], Piece(10**9, 0, 3)])
    yield "withdrawn and brought", archive(both, withdrawn=[(1, "changed")])
    yield "withdrawn twice", archive(both[:1], withdrawn=[(1, "changed"), (1, "changed")])
    yield "withdrawn, but another", archive(both[:1], withdrawn=[(0, "changed")])
    yield "withdrawn for a reason of its own", archive(both[:1], withdrawn=[(1, "\x1b[2K")])
    yield "withdrawn: a negative index", archive(both[:1], withdrawn=[(-1, "changed")])
    yield "withdrawn: out of the list", archive(both[:1], withdrawn=[(1, "changed"), (2, "changed")])
    for name, comment in {
        "text": b"hello",
        "nil": b"\xc0",
        "deep": b"\x91" * 60_000,
        "many": b"\xdd\xff\xff\xff\xff",
    }.items():
        yield f"a comment that is none: {name}", _with_comment(archive(both[:1]), comment)
    yield "a comment over 64 KiB", right_archive() + bytes(70_000)


def _with_comment(data: bytes, comment: bytes) -> bytes:
    return data[:-2] + struct.pack("<H", len(comment)) + comment


def _zip(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, content in members:
            made.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return out.getvalue()


def _by_other_writers() -> Iterator[tuple[str, bytes]]:
    inner = _zip([("0-0", CONTENT)])
    yield "Z2 a zip of the standard library", _zip([("0-0", CONTENT), ("1-0", CONTENT)])
    yield "Z2 deflated what is stored", _zip([("0-0", CONTENT), ("1-0", CONTENT)], zipfile.ZIP_DEFLATED)
    yield "Z2 compressed with bzip2", _zip([("0-0", CONTENT), ("1-0", CONTENT)], zipfile.ZIP_BZIP2)
    yield "Z2 compressed with lzma", _zip([("0-0", CONTENT), ("1-0", CONTENT)], zipfile.ZIP_LZMA)
    yield "Z1 nested", _zip([("0-0", inner), ("1-0", inner)])
    for name in ("../x", "/etc/x", "..\\x", "0-0/../../x", "0-0\0", "00-0", "0-00", "+0-0", "0 -0", "0-0-0", "-1-0"):
        yield f"P1 a member called {name!r}", _zip([(name, CONTENT), ("1-0", CONTENT)])


def _local(
    flags: int = 0, method: int = 0, crc: int | None = None, packed: int = 3, size: int = 3, body: bytes = CONTENT
) -> bytes:
    real = zlib.crc32(CONTENT) if crc is None else crc
    head = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, flags, method, 0, 33, real, packed, size, 3, 0)
    return head + b"0-0" + body


def _by_hand() -> Iterator[tuple[str, bytes]]:
    rest = right_archive()[36:]
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    inflated = bomb.compress(bytes(50_000_000)) + bomb.flush()
    yield "Z2 encrypted", _local(flags=1) + rest
    yield "Z2 with a data descriptor", _local(flags=8) + rest
    yield "Z2 an unknown method", _local(method=99) + rest
    yield "Z1 a wrong checksum", _local(crc=0) + rest
    yield "Z1 packed larger than what follows", _local(packed=2**31) + rest
    yield "Z1 size of 4 GiB", _local(size=2**32 - 1) + rest
    yield "Z1 a bomb behind a small size", _local(method=8, packed=len(inflated), body=inflated) + rest
    yield "Z1 a bomb behind its own size", _local(method=8, packed=len(inflated), size=50_000_000, body=inflated) + rest
    yield "Z1 no deflate data", _local(method=8, packed=2, body=b"\xff\xff") + rest
    yield "Z1 overlapping: the second begins inside the first", _local(packed=0, body=b"") + rest
    yield (
        "Z2 a name of 64 KiB",
        struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 0, 0, 33, 0, 3, 3, 65535, 0) + bytes(65535),
    )
    yield "no archive", b"x" * 1000
    yield "only the end record", struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0, 0, 0, 0, 0)
