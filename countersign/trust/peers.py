"""The people we trust: `certs/peers/NAME.pem`. The name is the file's, chosen here; nothing a peer sends becomes its name."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.errors import (
    AlreadyKnown,
    BadName,
    DiskProblem,
    NameTaken,
    NoSuchPeer,
    OwnCertificate,
    Problem,
    UnusableCertificate,
)
from countersign.files import PUBLIC_FILE, replace_file
from countersign.limits import CERTIFICATE_FILE_CAP
from countersign.trust.certificate import check_dates, read_certificate
from countersign.trust.fingerprint import DeviceId, device_id, fingerprint
from countersign.trust.peer_files import SUFFIXES, PeerFile, PeerFolder

_NAME_MARKS = frozenset(" -_.'()&+,")
LONGEST_NAME = 60
_OWN_FILES = frozenset({"cert.pem", "key.pem"})


@dataclass(frozen=True)
class Peer:
    """Somebody we trust."""

    name: str
    id: DeviceId
    pem: str
    path: Path

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.id)

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.pem.encode())


@dataclass(frozen=True)
class Candidate:
    """A certificate that was looked at and could be added."""

    id: DeviceId
    pem: bytes
    suggested: str

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.id)


@dataclass(frozen=True)
class _Known:
    """What the folder held at one look."""

    everybody: tuple[Peer, ...] = ()
    by_id: dict[DeviceId, Peer] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


class PeerStore:
    """The folder of pinned certificates, looked at anew at every question: people copy files into it by hand.

    own: the identities of this computer. usable: whether OpenSSL reads a certificate too (PEM). now: seconds since 1970.
    """

    def __init__(
        self, certs: Path, own: Collection[DeviceId], usable: Callable[[bytes], bool], now: Callable[[], float]
    ) -> None:
        self._certs = certs
        self._folder = certs / "peers"
        self._own = frozenset(own)
        self._usable = usable
        self._files = PeerFolder(self._folder, _read_small, self._held, now)
        self._last: tuple[list[PeerFile], _Known] = ([], _Known())

    def all(self) -> list[Peer]:
        """Everybody whose file can be read, by name."""
        return list(self._known().everybody)

    def pinned(self) -> list[Peer]:
        """Every certificate that lets somebody in."""
        return list(self._known().by_id.values())

    def problems(self) -> list[Problem]:
        """What is wrong with files that were put among the peers by hand."""
        return list(self._known().problems)

    def by_id(self, identity: DeviceId) -> Peer | None:
        return self._known().by_id.get(identity)

    def by_name(self, name: str) -> Peer:
        """The peer of this name, case ignored. Raises NoSuchPeer."""
        for peer in self.all():
            if peer.name.casefold() == name.casefold():
                return peer
        raise NoSuchPeer(name=name)

    def examine(self, path: Path, now: datetime.datetime) -> Candidate:
        """Looks at a file that somebody gave us. Raises the problem with it; adds nothing."""
        data = _read_small(path)
        certificate = read_certificate(data, path.name)
        check_dates(certificate, now, path.name)
        identity = self._checked(certificate, path.name)
        known = self.by_id(identity)
        if known is not None:
            raise AlreadyKnown(name=known.name)
        return Candidate(identity, certificate.public_bytes(Encoding.PEM), self._free_name(path.stem))

    def add(self, candidate: Candidate, name: str | None = None) -> Peer:
        """Pins a certificate under a name. Raises BadName or NameTaken."""
        name = self._checked_name(name if name is not None else candidate.suggested)
        path = self._folder / f"{name}.pem"
        try:
            self._folder.mkdir(exist_ok=True)
            replace_file(path, candidate.pem, PUBLIC_FILE)
        except OSError as error:
            raise DiskProblem(path=path, reason=error.strerror or error) from error
        return Peer(name, candidate.id, candidate.pem.decode(), path)

    def rename(self, peer: Peer, name: str) -> Peer:
        """Gives a peer another name. Raises BadName or NameTaken."""
        name = name.strip() if name.strip().casefold() == peer.name.casefold() else self._checked_name(name)
        path = self._folder / f"{name}.pem"
        try:
            peer.path.rename(path)
        except OSError as error:
            raise DiskProblem(path=path, reason=error.strerror or error) from error
        return Peer(name, peer.id, peer.pem, path)

    def forget(self, name: str) -> Peer:
        """Removes a peer. Raises NoSuchPeer."""
        peer = self.by_name(name)
        try:
            peer.path.unlink()
        except OSError as error:
            raise DiskProblem(path=peer.path, reason=error.strerror or error) from error
        return peer

    def found_by_hand(self, now: datetime.datetime) -> list[tuple[Path, Candidate]]:
        """Certificates that somebody copied into certs/ itself, to be offered."""
        found = []
        for path in sorted(self._certs.iterdir()):
            if path.name in _OWN_FILES or path.suffix.lower() not in SUFFIXES or not path.is_file():
                continue
            try:
                found.append((path, self.examine(path, now)))
            except Problem:  # what is not a usable certificate is not offered; importing it by hand says why
                continue
        return found

    def _known(self) -> _Known:
        files = self._files.look()
        before, known = self._last
        if len(files) != len(before) or any(now is not then for now, then in zip(files, before, strict=True)):
            known = _sorted_out(files)
            self._last = (files, known)
        return known

    def _held(self, data: bytes, path: Path) -> list[tuple[DeviceId, str]]:
        """Who is in the content of a file. Raises the problem with it."""
        certificate = read_certificate(data, path.name)
        return [(self._checked(certificate, path.name), certificate.public_bytes(Encoding.PEM).decode())]

    def _checked(self, certificate: x509.Certificate, file: str) -> DeviceId:
        """The identity of a certificate that is somebody else's and that a connection could use."""
        identity = device_id(certificate.public_bytes(Encoding.DER))
        if identity in self._own:
            raise OwnCertificate(file=file)
        if not self._usable(certificate.public_bytes(Encoding.PEM)):
            raise UnusableCertificate(file=file)
        return identity

    def _checked_name(self, name: str) -> str:
        name = name.strip()
        if not name or len(name) > LONGEST_NAME or name[0] == "." or name[-1] == ".":
            raise BadName(name=name)
        if not all(c.isalnum() or c in _NAME_MARKS for c in name):
            raise BadName(name=name)
        if name.casefold() in {peer.name.casefold() for peer in self.all()}:
            raise NameTaken(name=name)
        return name

    def _free_name(self, stem: str) -> str:
        cleaned = "".join(c if c.isalnum() or c in _NAME_MARKS else "-" for c in stem).strip(". ")[: LONGEST_NAME - 4]
        base = cleaned or "peer"
        taken = {peer.name.casefold() for peer in self.all()}
        names = [base, *(f"{base} {n}" for n in range(2, len(taken) + 3))]
        return next(name for name in names if name.casefold() not in taken)


def _sorted_out(files: list[PeerFile]) -> _Known:
    people: dict[DeviceId, Peer] = {}
    problems = []
    for file in files:
        if file.problem is not None:
            problems.append(file.problem)
            continue
        for identity, pem in file.held:
            people.setdefault(identity, Peer(file.path.stem, identity, pem, file.path))
    return _Known(tuple(people.values()), people, tuple(problems))


def _read_small(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(CERTIFICATE_FILE_CAP + 1)
    except OSError as error:
        raise DiskProblem(path=path, reason=error.strerror or error) from error
