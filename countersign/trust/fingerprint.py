"""A device's identity: the SHA-256 of its certificate's DER, with one form for people."""

from __future__ import annotations

import hashlib
from typing import NewType

from countersign.seal.keytext import ALPHABET

DeviceId = NewType("DeviceId", bytes)
SHOWN = 20  # characters: 100 bits, beyond anybody's search for a second certificate with the same ones
GROUP = 4


def device_id(der: bytes) -> DeviceId:
    """The 32-byte identity of a certificate in DER."""
    return DeviceId(hashlib.sha256(der).digest())


def fingerprint(identity: DeviceId) -> str:
    """Five groups of four characters, the same alphabet as the key, short enough to compare by voice."""
    number = int.from_bytes(identity, "big") >> (256 - 5 * SHOWN)
    chars = [ALPHABET[number >> 5 * i & 31] for i in reversed(range(SHOWN))]
    return "-".join("".join(chars[i : i + GROUP]) for i in range(0, SHOWN, GROUP))
