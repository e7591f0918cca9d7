"""This device's own keys and certificates: made once per home, shared by both apps, even if both start at once.

There are at most two pairs: `key.pem` with `cert.pem` and, when that certificate ends soon, `next-key.pem` with
`next-cert.pem`. They never swap places on disk. Each opening takes the first pair that is valid then, so one opening
with a wrong clock does no harm.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from countersign.base.errors import IdentityDamaged, Problem, SuccessorDamaged, WeakCertificate
from countersign.base.figures import moment_text
from countersign.base.files import PRIVATE_FILE, PUBLIC_FILE, OddFile, read_small, replace_file, set_aside, tighten
from countersign.base.i18n import N_, _
from countersign.base.limits import CERTIFICATE_FILE_CAP
from countersign.base.locks import file_lock
from countersign.base.refusals import disk_errors
from countersign.trust import certificate as certificates
from countersign.trust.fingerprint import DeviceId, device_id, fingerprint
from countersign.trust.renewal import Renewal, make_renewal

NEAR_END = datetime.timedelta(days=90)
_Notes: TypeAlias = "list[tuple[str, dict[str, object]]]"


@dataclass(frozen=True)
class Successor:
    """The certificate that will replace ours. certificate: DER. since: when ours ends."""

    certificate: bytes
    since: datetime.datetime
    _old: bytes = field(repr=False)
    _key: object = field(repr=False, compare=False)

    def renewal(self) -> Renewal:
        """The renewal that paired people check and accept."""
        return make_renewal(self._key, self._old, self.certificate)


@dataclass(frozen=True)
class Identity:
    """This device's identity. The key stays in its file and in OpenSSL; no repr shows it."""

    id: DeviceId
    certificate_path: Path
    key_path: Path
    pem: bytes
    others: frozenset[DeviceId] = frozenset()  # this device's other identities, past or future
    successor: Successor | None = None
    _notes: tuple[tuple[str, dict[str, object]], ...] = ()
    _key: object = field(default=None, repr=False)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.id)

    @property
    def ids(self) -> frozenset[DeviceId]:
        """All identities of this device."""
        return self.others | {self.id}

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the person at the start, in the current language."""
        return tuple(
            _(text).format(**{name: _readable(fact) for name, fact in facts.items()}) for text, facts in self._notes
        )

    def sign(self, data: bytes) -> bytes:
        """Signs these bytes for this device."""
        return certificates.sign(self._key, data)


def open_identity(certs: Path, now: datetime.datetime) -> Identity:
    """The identity in this folder, made if there is none. now: an aware time.

    Raises IdentityDamaged if half of it is missing, DiskProblem if it can't be read or written.
    """
    with disk_errors(certs, named=True), file_lock(certs / ".lock"):
        return _open_locked(certs, now)


@dataclass(frozen=True)
class _Files:
    """The paths of a pair, and the problem to raise if it is damaged."""

    certificate: Path
    key: Path
    damaged: type[IdentityDamaged]

    def problem(self, detail: str) -> IdentityDamaged:
        return self.damaged(detail=detail, folder=self.key.parent)

    def missing(self, path: Path) -> IdentityDamaged:
        return self.problem(_("{file} is missing").format(file=path.name))


@dataclass(frozen=True)
class _Pair:
    """A certificate with its key."""

    files: _Files
    certificate: x509.Certificate
    key: object = field(repr=False)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def ends(self) -> datetime.datetime:
        return self.certificate.not_valid_after_utc

    def valid(self, now: datetime.datetime) -> bool:
        return self.certificate.not_valid_before_utc <= now <= self.ends


def _open_locked(certs: Path, now: datetime.datetime) -> Identity:
    notes: _Notes = []
    first = _first_pair(_Files(certs / "cert.pem", certs / "key.pem", IdentityDamaged), now, notes)
    second = _second_pair(_Files(certs / "next-cert.pem", certs / "next-key.pem", SuccessorDamaged), first, now, notes)
    if second is not None and second.valid(now) and not first.valid(now):
        if now - first.ends <= NEAR_END:
            notes.append((_TAKEN_PLACE, {"date": first.ends}))
        return _identity(second, (first,), None, notes)
    if not first.valid(now):
        notes.append((N_("By this computer's clock your own certificate is not valid now. Check date and time."), {}))
    elif second is not None and _ends_soon(first, now):
        notes.append((_ENDS_SOON, {"date": first.ends}))
        following = Successor(second.der, first.ends, first.der, first.key)
        return _identity(first, (second,), following, notes)
    return _identity(first, (second,) if second else (), None, notes)


_ENDS_SOON = N_(
    "Your own certificate ends on {date}. A new one is here already: the people you are paired with take it over by themselves "
    "at their next transfer with you."
)
_TAKEN_PLACE = N_(
    "Your first certificate ended on {date}, and a new one has taken its place. Give the new one to everybody "
    "who had no transfer with you shortly before. If that date surprises you, check date and time."
)


def _identity(in_use: _Pair, others: tuple[_Pair, ...], successor: Successor | None, notes: _Notes) -> Identity:
    return Identity(
        id=device_id(in_use.der),
        certificate_path=in_use.files.certificate,
        key_path=in_use.files.key,
        pem=in_use.certificate.public_bytes(Encoding.PEM),
        others=frozenset(device_id(pair.der) for pair in others),
        successor=successor,
        _notes=tuple(notes),
        _key=in_use.key,
    )


def _ends_soon(pair: _Pair, now: datetime.datetime) -> bool:
    return pair.ends - now <= NEAR_END


def _first_pair(files: _Files, now: datetime.datetime, notes: _Notes) -> _Pair:
    if files.certificate.exists() and not files.key.exists():
        raise files.missing(files.key)
    if not files.key.exists():
        replace_file(files.key, certificates.key_pem(certificates.new_key()), PRIVATE_FILE)
    _make_private(files.key, notes)
    key = _read_key(files.key, files)
    if not files.certificate.exists():
        # both a fresh first run and one interrupted between the two files finish here
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise files.missing(files.certificate)
        _write(files.certificate, certificates.self_signed(key, now))
    return _pair_of(key, files, files.certificate)


def _second_pair(files: _Files, first: _Pair, now: datetime.datetime, notes: _Notes) -> _Pair | None:
    """The pair that follows the first; made if the first ends soon or has ended."""
    over = now > first.ends
    try:
        found = _found(files, notes)
    except SuccessorDamaged:
        if over:  # peers may have it already, and nothing else is valid
            raise
        found = None
        if _ends_soon(first, now):
            _set_aside(files, notes)
    if not _ends_soon(first, now) or (found is not None and (over or found.valid(now))):
        return found
    return _made(files, first, now)


def _found(files: _Files, notes: _Notes) -> _Pair | None:
    if not files.key.exists():
        if files.certificate.exists():
            raise files.missing(files.key)
        return None
    _make_private(files.key, notes)
    key = _read_key(files.key, files)
    if files.certificate.exists():
        return _pair_of(key, files, files.certificate)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise files.missing(files.certificate)
    return None  # interrupted between the two files


def _made(files: _Files, first: _Pair, now: datetime.datetime) -> _Pair:
    """A new certificate for the existing key, or for a new one."""
    key = _read_key(files.key, files) if files.key.exists() else None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        key = certificates.new_key()
        replace_file(files.key, certificates.key_pem(key), PRIVATE_FILE)
    # valid from the earliest time at which we look for it: a clock some weeks wrong does not make us replace it
    since = min(now, first.ends - NEAR_END) - certificates.BACKDATED
    _write(files.certificate, certificates.self_signed(key, now, since))
    return _pair_of(key, files, files.certificate)


def _set_aside(files: _Files, notes: _Notes) -> None:
    for path in (files.certificate, files.key):
        if path.exists():
            set_aside(path)
            notes.append((N_("{file} was damaged and set aside; another one was made."), {"file": path.name}))


def _make_private(key: Path, notes: _Notes) -> None:
    if tighten(key, PRIVATE_FILE):
        notes.append((N_("Other users of this computer could read {file}. That is mended."), {"file": key.name}))


def _read_key(path: Path, files: _Files) -> object:
    try:
        return load_pem_private_key(read_small(path, CERTIFICATE_FILE_CAP), password=None)
    except (ValueError, TypeError, OddFile) as error:
        raise files.problem(_("{file} is not a key without password").format(file=path.name)) from error


def _pair_of(key: object, files: _Files, path: Path) -> _Pair:
    try:
        own = certificates.read_certificate(read_small(path, CERTIFICATE_FILE_CAP), path.name)
    except WeakCertificate as error:
        raise files.problem(_("the key is of a kind that cannot be used")) from error
    except (Problem, OddFile) as error:
        raise files.problem(_("{file} is not a certificate").format(file=path.name)) from error
    public = key.public_key() if hasattr(key, "public_key") else None
    if public is None or _public_bytes(public) != _public_bytes(own.public_key()):
        detail = _("{certificate} does not belong to {key}").format(certificate=path.name, key=files.key.name)
        raise files.problem(detail)
    return _Pair(files, own, key)


def _write(path: Path, certificate: x509.Certificate) -> None:
    replace_file(path, certificate.public_bytes(Encoding.PEM), PUBLIC_FILE)


def _readable(fact: object) -> object:
    return moment_text(fact.astimezone()) if isinstance(fact, datetime.datetime) else fact


def _public_bytes(key: object) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return encoded
