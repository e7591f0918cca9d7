"""The 4-digit code and its proof."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from countersign.base.errors import BadCode

DIGITS = 4
_LABEL = b"countersign/1 code"


def new_code() -> str:
    """Four random decimal digits."""
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"


def parse_code(typed: str) -> str:
    """The four typed digits; spaces and hyphens are ignored. Raises BadCode."""
    digits = "".join(c for c in typed if not c.isspace() and c not in "-.\u00a0")
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        raise BadCode
    return digits


def code_proof(code: str, receiver_nonce: bytes, sender_nonce: bytes, sender_id: bytes, receiver_id: bytes) -> bytes:
    """32 bytes that prove the code, for this connection between these two devices.

    Nonces are 32 bytes, ids the SHA-256 of the DER certificates.
    """
    message = _LABEL + receiver_nonce + sender_nonce + sender_id + receiver_id
    return hmac.digest(code.encode("ascii"), message, hashlib.sha256)


def same(a: bytes, b: bytes) -> bool:
    """Whether two proofs are equal, in constant time."""
    return hmac.compare_digest(a, b)
