"""The hash of contents: what receipts and the journal use. A leaf."""

from __future__ import annotations

import hashlib
from typing import TypeAlias

DIGEST = 32  # bytes of SHA-256

Hasher: TypeAlias = "hashlib._Hash"


def new_hasher() -> Hasher:
    """A hasher that has seen nothing."""
    return hashlib.sha256()


def digest_of(content: bytes | bytearray | memoryview) -> bytes:
    """The hash of this content."""
    return hashlib.sha256(content).digest()
