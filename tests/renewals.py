"""Certificates that end soon, and homes that hold them."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.trust import certificate as certificates
from countersign.trust.fingerprint import DeviceId, device_id
from countersign.trust.peers import Peer, PeerStore
from countersign.trust.renewal import Renewal, make_renewal
from tests.patched import patched

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.timezone.utc)


DAY = datetime.timedelta(days=1)


def home(root: Path, now: datetime.datetime = NOW, left: datetime.timedelta = 30 * DAY) -> Path:
    """A certs folder whose own certificate ends so long after `now`."""
    certs = root / "certs"
    (certs / "peers").mkdir(parents=True, exist_ok=True)
    key = certificates.new_key()
    (certs / "key.pem").write_bytes(certificates.key_pem(key))
    (certs / "key.pem").chmod(0o600)
    made = certificates.self_signed(key, now + left - certificates.LIFE)
    (certs / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    return certs


class Killed(BaseException):
    """The program ends here."""


def killed_at_each_write(action: Callable[[], object], begin: Callable[[], object]) -> Iterator[int]:
    """Does `begin`, then the action, killed before its first write, before its second, and so on until it comes through."""
    for step in range(20):
        begin()
        left = iter(range(step))
        real = os.replace

        def replace(
            source: Path, target: Path, left: Iterator[int] = left, real: Callable[[Path, Path], None] = real
        ) -> None:
            if next(left, None) is None:
                raise Killed
            real(source, target)

        try:
            with patched(os, replace=replace):
                action()
        except Killed:
            yield step
        else:
            assert step
            yield step
            return
    raise AssertionError("it never came through")


def own_pair(now: datetime.datetime = NOW) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = certificates.new_key()
    return key, certificates.self_signed(key, now)


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def signed_anyhow(public: object, ca: bool | None = False, name: str = "x", padding: int = 0) -> bytes:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)  # type: ignore[arg-type]
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + 100 * DAY)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, None), critical=True)
    if padding:
        filler = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(padding))
        builder = builder.add_extension(filler, critical=False)
    return der_of(builder.sign(certificates.new_key(), SHA256()))


class DesktopUser:
    """Somebody with a chain of certificates, each signed for by the one before or by the first."""

    def __init__(self) -> None:
        self.pairs = [own_pair()]

    def id(self, number: int) -> DeviceId:
        return device_id(der_of(self.pairs[number][1]))

    def next(self, signer: int = -1) -> Renewal:
        key, old = self.pairs[signer]
        self.pairs.append(own_pair())
        return make_renewal(key, der_of(old), der_of(self.pairs[-1][1]))


def pinned(store: PeerStore, person: DesktopUser, name: str) -> Peer:
    path = store._certs / "given.txt"
    path.write_bytes(person.pairs[0][1].public_bytes(Encoding.PEM))
    return store.add(store.examine(path, NOW), name)
