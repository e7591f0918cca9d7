"""Fernet tokens in binary, built from AES-CBC and HMAC: large ones are fast and release the GIL.

The format is exactly https://github.com/fernet/spec/blob/master/Spec.md. `cryptography.fernet.Fernet` opens a token's
base64url form; it is the oracle of the tests. Every failure is the same SealBroken.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from typing import TypeAlias

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from countersign.base.errors import SealBroken

Buffer: TypeAlias = bytes | bytearray | memoryview

_VERSION = 0x80
_HEAD = struct.Struct(">BQ16s")
HEAD = _HEAD.size  # version, time, IV
BLOCK = 16
TAG = 32
SMALLEST = HEAD + BLOCK + TAG


def token_size(length: int) -> int:
    """The token size for a plaintext of `length` bytes."""
    return HEAD + (length // BLOCK + 1) * BLOCK + TAG


def seal(
    key: bytes, parts: list[Buffer], now: int, out: bytearray | None = None, iv: bytes | None = None
) -> memoryview:
    """The token for the joined parts.

    key: 32 bytes, signing half first. now: seconds since 1970, only written into the token. out: a buffer to
    write into, enlarged if it is too small. iv: for published vectors only; random otherwise.
    """
    length = sum(len(part) for part in parts)
    size = token_size(length)
    if out is None:
        out = bytearray(size + BLOCK)
    elif len(out) < size + BLOCK:
        out.extend(bytes(size + BLOCK - len(out)))
    iv = os.urandom(BLOCK) if iv is None else iv
    _HEAD.pack_into(out, 0, _VERSION, now, iv)
    encryptor = Cipher(AES(key[16:]), CBC(iv)).encryptor()
    view = memoryview(out)
    at = HEAD
    pad = BLOCK - length % BLOCK
    for part in [*parts, bytes([pad]) * pad]:
        # update_into needs room for one block more than it writes
        at += encryptor.update_into(part, view[at : at + len(part) + BLOCK])
    encryptor.finalize()
    assert at == size - TAG
    view[at:size] = hmac.digest(key[:16], view[:at], hashlib.sha256)
    return view[:size]


def open_token(key: bytes, token: Buffer, out: bytearray | memoryview | None = None) -> memoryview:
    """The plaintext of a token. Raises SealBroken, the same for every fault.

    out: a buffer to write into, if it is large enough: one block more than the plaintext.
    """
    view = memoryview(token)
    size = len(view)
    if size < SMALLEST or (size - HEAD - TAG) % BLOCK:
        raise SealBroken
    tag = hmac.digest(key[:16], view[: size - TAG], hashlib.sha256)
    if not hmac.compare_digest(tag, view[size - TAG :]) or view[0] != _VERSION:
        raise SealBroken
    body = view[HEAD : size - TAG]
    need = len(body) + BLOCK
    if out is None or len(out) < need:
        out = bytearray(need)
    decryptor = Cipher(AES(key[16:]), CBC(bytes(view[9:HEAD]))).decryptor()
    room = memoryview(out)
    n = decryptor.update_into(body, room[:need])
    decryptor.finalize()
    pad = room[n - 1]
    if not 1 <= pad <= BLOCK or room[n - pad : n] != bytes([pad]) * pad:
        raise SealBroken
    return room[: n - pad]
