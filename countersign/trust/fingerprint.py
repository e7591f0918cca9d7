"""A device's identity is the SHA-256 of its certificate's DER, with one text form for people."""

from __future__ import annotations

import hashlib
from typing import NewType

from countersign.seal.keytext import ALPHABET

DeviceId = NewType("DeviceId", bytes)
SHOWN = 20  # characters: 100 bits, too many to find a second certificate that matches
GROUP = 4


def device_id(der: bytes) -> DeviceId:
    """The 32-byte identity of a DER certificate."""
    return DeviceId(hashlib.sha256(der).digest())


def fingerprint(identity: DeviceId) -> str:
    """Five groups of four characters in the key's alphabet, short enough to compare by voice."""
    number = int.from_bytes(identity, "big") >> (256 - 5 * SHOWN)
    chars = [ALPHABET[number >> 5 * i & 31] for i in reversed(range(SHOWN))]
    return "-".join("".join(chars[i : i + GROUP]) for i in range(0, SHOWN, GROUP))
