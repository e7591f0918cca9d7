"""BLAKE3 of contents, for receipts, the journal and the comparison between both sides. A leaf.

https://github.com/BLAKE3-team/BLAKE3-specs; 32 bytes of output. Measured: 0.14 s of processor a GiB; SHA-256: 0.54 s.
"""

from __future__ import annotations

from typing import TypeAlias

from blake3 import blake3

DIGEST = 32  # bytes

Hasher: TypeAlias = blake3


def new_hasher() -> Hasher:
    """An empty hasher. Several threads hash in parallel, so each hasher uses one thread only."""
    return blake3(max_threads=1)


def digest_of(content: bytes | bytearray | memoryview) -> bytes:
    """The hash of this content."""
    return blake3(content).digest()  # uses one thread by default
