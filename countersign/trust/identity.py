"""This device's own key and certificate: made once for a home, shared by both apps, also when both start at once."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from countersign.errors import DiskProblem, IdentityDamaged, Problem
from countersign.files import PRIVATE_FILE, PUBLIC_FILE, OddFile, read_small, replace_file, tighten
from countersign.i18n import _
from countersign.limits import CERTIFICATE_FILE_CAP
from countersign.locks import file_lock
from countersign.trust import certificate as certificates
from countersign.trust.fingerprint import DeviceId, device_id, fingerprint


@dataclass(frozen=True)
class Identity:
    """Who this device is. The key stays in its file and in OpenSSL; it is not part of any text form."""

    id: DeviceId
    certificate_path: Path
    key_path: Path
    pem: bytes
    notes: tuple[str, ...] = ()
    _key: object = field(default=None, repr=False)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.id)

    def sign(self, data: bytes) -> bytes:
        """A signature of this device over these bytes."""
        return certificates.sign(self._key, data)


def open_identity(certs: Path, now: datetime.datetime) -> Identity:
    """The identity in this folder, made first where there is none. now: an aware time.

    Raises IdentityDamaged where only half of it is there, DiskProblem where it can't be read or written.
    """
    try:
        with file_lock(certs / ".lock"):
            return _open_locked(certs, now)
    except OSError as error:
        raise DiskProblem(path=error.filename or certs, reason=error.strerror or error) from error


def _open_locked(certs: Path, now: datetime.datetime) -> Identity:
    key_path, certificate_path = certs / "key.pem", certs / "cert.pem"
    notes = []
    if certificate_path.exists() and not key_path.exists():
        raise IdentityDamaged(detail=_("key.pem is missing"), folder=certs)
    if not key_path.exists():
        replace_file(key_path, certificates.key_pem(certificates.new_key()), PRIVATE_FILE)
    elif tighten(key_path, PRIVATE_FILE):
        notes.append(_("Other users of this computer could read key.pem. That is mended."))
    key = _read_key(key_path)
    if not certificate_path.exists():
        # a first run that was cut off between the two files ends here, and so does one that was not
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise IdentityDamaged(detail=_("cert.pem is missing"), folder=certs)
        made = certificates.self_signed(key, now)
        replace_file(certificate_path, made.public_bytes(Encoding.PEM), PUBLIC_FILE)
    return _assembled(key, key_path, certificate_path, tuple(notes), now)


def _read_key(path: Path) -> object:
    try:
        return load_pem_private_key(read_small(path, CERTIFICATE_FILE_CAP), password=None)
    except (ValueError, TypeError, OddFile) as error:
        raise IdentityDamaged(detail=_("key.pem is not a key without password"), folder=path.parent) from error


def _assembled(key: object, key_path: Path, path: Path, notes: tuple[str, ...], now: datetime.datetime) -> Identity:
    try:
        own = certificates.read_certificate(read_small(path, CERTIFICATE_FILE_CAP), path.name)
    except (Problem, OddFile) as error:
        raise IdentityDamaged(detail=_("cert.pem is not a certificate"), folder=path.parent) from error
    public = key.public_key() if hasattr(key, "public_key") else None
    if public is None or _public_bytes(public) != _public_bytes(own.public_key()):
        raise IdentityDamaged(detail=_("cert.pem does not belong to key.pem"), folder=path.parent)
    if not own.not_valid_before_utc <= now <= own.not_valid_after_utc:
        notes += (_("By this computer's clock your own certificate is not valid now. Check date and time."),)
    return Identity(
        id=device_id(own.public_bytes(Encoding.DER)),
        certificate_path=path,
        key_path=key_path,
        pem=_pem_of(own),
        notes=notes,
        _key=key,
    )


def _pem_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _public_bytes(key: object) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return encoded
