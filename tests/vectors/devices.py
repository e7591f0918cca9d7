"""Two test devices with Ed25519 keys from fixed seeds, so that their certificates and signatures are always the same."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from countersign.trust.fingerprint import device_id

# 32 bytes each, for vectors only; no real device has a key that anybody can read here
SEEDS = {name: f"vectors: {name}".ljust(32, ".").encode() for name in ("alice", "bob", "alice renewed")}
_SINCE = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
_UNTIL = datetime.datetime(2076, 1, 1, tzinfo=datetime.timezone.utc)


@dataclass(frozen=True)
class TestDevice:
    """A key and its certificate in DER."""

    __test__ = False  # to pytest: not a class of tests
    key: Ed25519PrivateKey
    der: bytes

    @property
    def pem(self) -> str:
        return x509.load_der_x509_certificate(self.der).public_bytes(Encoding.PEM).decode()

    @property
    def id(self) -> bytes:
        return device_id(self.der)


def device(name: str) -> TestDevice:
    """One of SEEDS."""
    key = Ed25519PrivateKey.from_private_bytes(SEEDS[name])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Test vectors: {name}")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1 + list(SEEDS).index(name))
        .not_valid_before(_SINCE)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, None)
    )
    return TestDevice(key, certificate.public_bytes(Encoding.DER))
