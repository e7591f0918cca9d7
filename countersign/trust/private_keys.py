"""Finds private keys in a file's content: PEM, DER, OpenSSH and PuTTY's own form. Pure; a broken key still counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    load_ssh_private_key,
)

_WORDS = b"PRIVATE KEY"
_PUTTY = b"PuTTY-User-Key-File-"
_SEQUENCE = 0x30  # the first byte of every DER key
_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----", re.DOTALL)
_ENDINGS = frozenset({"pem", "key", "p8", "pk8", "der", "ppk"})
_SHORTEST = 40  # bytes; a DER Ed25519 key has 48
_LONGEST = 64 * 1024


def may_hold_key(name: str, size: int) -> bool:
    """Whether a file with this name and size may hold a key."""
    if not _SHORTEST <= size <= _LONGEST:
        return False
    stem, _dot, ending = name.rpartition(".")
    return not stem or ending.lower() in _ENDINGS or name.startswith("id_")


def holds_key(data: bytes | bytearray) -> bool:
    """Whether this looks like a private key of any kind, readable or not."""
    return _WORDS in data or data.startswith(_PUTTY) or _is_der_key(data)


def public_halves(data: bytes | bytearray) -> frozenset[bytes]:
    """The public keys (SubjectPublicKeyInfo, DER) of all its private keys that need no password."""
    return frozenset(_public(key) for key in _keys(bytes(data)))


def public_half(key: Any) -> bytes:
    """The form for comparing public keys: SubjectPublicKeyInfo in DER."""
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _public(key: Any) -> bytes:
    return public_half(key.public_key())


def _keys(data: bytes) -> Iterator[object]:
    if data[:1] == bytes((_SEQUENCE,)):
        yield from _loaded(load_der_private_key, data)
    for block in _BLOCK.finditer(data):
        load = load_ssh_private_key if block[1] == b"OPENSSH " else load_pem_private_key
        yield from _loaded(load, block[0])


def _loaded(load: Callable[..., object], data: bytes) -> Iterator[object]:
    try:
        # the check tests numbers for being prime, 60 ms a key; comparing public halves does not need it
        yield load(data, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # broken, password-protected, or of an unknown kind
        return


def _is_der_key(data: bytes | bytearray) -> bool:
    if data[:1] != bytes((_SEQUENCE,)):
        return False
    try:
        load_der_private_key(bytes(data), None, unsafe_skip_rsa_key_validation=True)
    except TypeError:  # needs a password
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True
