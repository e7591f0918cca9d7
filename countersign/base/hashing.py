"""BLAKE3 of contents: what receipts, the journal and both sides' comparison use. A leaf.

https://github.com/BLAKE3-team/BLAKE3-specs; 32 bytes of output. A GiB costs 0.14 s of processor, SHA-256 0.54 s, measured.
"""

from __future__ import annotations

from typing import TypeAlias

from blake3 import blake3

DIGEST = 32  # bytes

Hasher: TypeAlias = blake3


def new_hasher() -> Hasher:
    """A hasher that has seen nothing. Several threads hash beside each other, so each uses no more than one."""
    return blake3(max_threads=1)


def digest_of(content: bytes | bytearray | memoryview) -> bytes:
    """The hash of this content."""
    return blake3(content).digest()  # one thread, unless it is told otherwise
