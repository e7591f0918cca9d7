"""Keys and proofs against the formulas of docs/PROTOCOL.md, worked out here from HMAC alone."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from countersign.seal.code import code_proof
from countersign.seal.keys import KeyRing, Label

MASTER, TRANSFER = b"m" * 32, b"t" * 16
SENDER, RECEIVER = b"s" * 32, b"r" * 32
NONCES = b"1" * 32, b"2" * 32


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, hashlib.sha256)


def derived(label: bytes) -> bytes:
    """HKDF for one block of output (RFC 5869, 2.2 and 2.3)."""
    info = b"countersign/1 " + label + b"\0" + SENDER + RECEIVER
    return hmac_sha256(hmac_sha256(TRANSFER, MASTER), info + b"\x01")


def ring() -> KeyRing:
    return KeyRing(MASTER, TRANSFER, SENDER, RECEIVER)


@pytest.mark.parametrize("label", list(Label))
def test_stream_keys_are_those_of_the_protocol(label: Label) -> None:
    assert ring().stream_key(label) == derived(label.value.encode())


def test_a_rejoin_is_proven_with_a_key_of_its_own() -> None:
    expected = hmac_sha256(derived(b"rejoin"), b"countersign/1 rejoin" + NONCES[0] + NONCES[1])
    assert ring().rejoin_proof(*NONCES) == expected


def test_the_code_is_proven_as_the_protocol_says() -> None:
    expected = hmac_sha256(b"0471", b"countersign/1 code" + NONCES[0] + NONCES[1] + SENDER + RECEIVER)
    assert code_proof("0471", *NONCES, SENDER, RECEIVER) == expected
