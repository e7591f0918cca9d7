"""Derives the stream keys from the spoken key: scrypt once, then HKDF for each label.

scrypt: RFC 7914, HKDF: RFC 5869, both from `cryptography`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from enum import Enum

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from countersign.seal.keytext import LENGTH

SCRYPT_N, SCRYPT_R, SCRYPT_P = 1 << 17, 8, 1  # 128 MiB and about half a second, fixed by the protocol
_INFO = b"countersign/1 "


class Label(Enum):
    """The purpose of a derived key."""

    MANIFEST = "manifest"
    ANSWER = "answer"
    PACK = "pack"
    HASHES = "hashes"
    VERDICT = "verdict"
    RECEIPT = "receipt"
    THANKS = "thanks"
    REJOIN = "rejoin"


def new_salt() -> bytes:
    """16 random bytes; a transfer id has the same form."""
    return secrets.token_bytes(16)


def stretch(key: str, salt: bytes) -> bytes:
    """The 32-byte master of a spoken key: sixteen checked characters, of which the last is only the check."""
    return stretch_secret(key[: LENGTH - 1].encode("ascii"), salt)


def stretch_secret(secret: bytes, salt: bytes) -> bytes:
    """32 bytes from a memorable secret. Takes 128 MiB and half a second."""
    return Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P).derive(secret)


def hkdf_sha256(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256; separate, so published vectors can test it."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


class KeyRing:
    """The keys of one transfer between two devices. Its repr never shows a key."""

    def __init__(self, master: bytes, transfer_id: bytes, sender_id: bytes, receiver_id: bytes) -> None:
        self._master = master
        self.transfer_id = transfer_id
        self._ids = sender_id + receiver_id

    def stream_key(self, label: Label) -> bytes:
        """32 bytes: a Fernet key, signing half first."""
        info = _INFO + label.value.encode() + b"\0" + self._ids
        return hkdf_sha256(self._master, self.transfer_id, info, 32)

    def rejoin_proof(self, receiver_nonce: bytes, sender_nonce: bytes) -> bytes:
        """32 bytes that prove that a new connection continues this transfer."""
        message = b"countersign/1 rejoin" + receiver_nonce + sender_nonce
        return hmac.digest(self.stream_key(Label.REJOIN), message, hashlib.sha256)
