"""Finding private keys in the content of a file: PEM, DER, OpenSSH and PuTTY's own form. Pure; a broken key is still one."""

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
_SEQUENCE = 0x30  # how every key in DER begins
_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----", re.DOTALL)
_ENDINGS = frozenset({"pem", "key", "p8", "pk8", "der", "ppk"})
_SHORTEST = 40  # bytes; an Ed25519 key in DER has 48
_LONGEST = 64 * 1024


def may_hold_key(name: str, size: int) -> bool:
    """Whether a file of this name and size is worth opening."""
    if not _SHORTEST <= size <= _LONGEST:
        return False
    stem, _dot, ending = name.rpartition(".")
    return not stem or ending.lower() in _ENDINGS or name.startswith("id_")


def holds_key(data: bytes | bytearray) -> bool:
    """Whether this looks like a private key, of whatever kind, readable or not."""
    return _WORDS in data or data.startswith(_PUTTY) or _is_der_key(data)


def public_halves(data: bytes | bytearray) -> frozenset[bytes]:
    """The public keys (SubjectPublicKeyInfo, DER) of all private ones in it that open without a password."""
    return frozenset(_public(key) for key in _keys(bytes(data)))


def public_half(key: Any) -> bytes:
    """The form in which public keys are compared: SubjectPublicKeyInfo in DER."""
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
        # the check asks whether numbers are prime, 60 ms a key; whoever compares public halves needs none of it
        yield load(data, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # broken, locked with a password, or of an unknown kind
        return


def _is_der_key(data: bytes | bytearray) -> bool:
    if data[:1] != bytes((_SEQUENCE,)):
        return False
    try:
        load_der_private_key(bytes(data), None, unsafe_skip_rsa_key_validation=True)
    except TypeError:  # it needs a password
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True
