"""The people we trust: `certs/peers/NAME.pem`. The name is the file's, chosen here; nothing a peer sends becomes its name."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.errors import (
    AlreadyKnown,
    BadName,
    DiskProblem,
    NameTaken,
    NoSuchPeer,
    NotACertificate,
    OwnCertificate,
    Problem,
)
from countersign.files import PUBLIC_FILE, OddFile, cut_to_bytes, read_small, replace_file
from countersign.limits import CERTIFICATE_FILE_CAP
from countersign.printable import encodable
from countersign.trust.certificate import check_dates, read_certificate
from countersign.trust.fingerprint import DeviceId, device_id, fingerprint

SUFFIXES = (".pem", ".crt", ".cer")
_NAME_MARKS = frozenset(" -_.'()&+,")
LONGEST_NAME = 60
MOST_NAME_BYTES = 120  # of UTF-8: files are named after people, and most file systems end a name at 255 bytes
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


class PeerStore:
    """The folder of pinned certificates, read anew at every question: people copy files into it by hand."""

    def __init__(self, certs: Path, own: DeviceId) -> None:
        self._certs = certs
        self._folder = certs / "peers"
        self._own = own

    def all(self) -> list[Peer]:
        """Everybody whose file can be read, by name."""
        return self._read()[0]

    def problems(self) -> list[Problem]:
        """What is wrong with files that were put among the peers by hand."""
        return self._read()[1]

    def by_id(self, identity: DeviceId) -> Peer | None:
        return next((peer for peer in self.all() if peer.id == identity), None)

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
        identity = device_id(certificate.public_bytes(Encoding.DER))
        if identity == self._own:
            raise OwnCertificate(file=path.name)
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

    def _read(self) -> tuple[list[Peer], list[Problem]]:
        peers: dict[DeviceId, Peer] = {}
        problems: list[Problem] = []
        try:
            paths = sorted(self._folder.iterdir(), key=lambda p: p.name.casefold())
        except FileNotFoundError:
            return [], []
        except OSError as error:
            raise DiskProblem(path=self._folder, reason=error.strerror or error) from error
        for path in paths:
            if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES:
                continue
            try:
                certificate = read_certificate(_read_small(path), path.name)
                identity = device_id(certificate.public_bytes(Encoding.DER))
                if identity == self._own:
                    raise OwnCertificate(file=path.name)
            except Problem as problem:
                problems.append(problem)
                continue
            pem = certificate.public_bytes(Encoding.PEM).decode()
            peers.setdefault(identity, Peer(encodable(path.stem), identity, pem, path))
        return list(peers.values()), problems

    def _checked_name(self, name: str) -> str:
        name = name.strip()
        if not name or len(name) > LONGEST_NAME or name[0] == "." or name[-1] == ".":
            raise BadName(name=name)
        if not all(c.isalnum() or c in _NAME_MARKS for c in name) or len(name.encode()) > MOST_NAME_BYTES:
            raise BadName(name=name)
        if name.casefold() in {peer.name.casefold() for peer in self.all()}:
            raise NameTaken(name=name)
        return name

    def _free_name(self, stem: str) -> str:
        cleaned = "".join(c if c.isalnum() or c in _NAME_MARKS else "-" for c in stem).strip(". ")[: LONGEST_NAME - 4]
        base = cut_to_bytes(cleaned, MOST_NAME_BYTES - 4) or "peer"
        taken = {peer.name.casefold() for peer in self.all()}
        names = [base, *(f"{base} {n}" for n in range(2, len(taken) + 3))]
        return next(name for name in names if name.casefold() not in taken)


def _read_small(path: Path) -> bytes:
    try:
        return read_small(path, CERTIFICATE_FILE_CAP)
    except OddFile as error:
        raise NotACertificate(file=path.name) from error
    except OSError as error:
        raise DiskProblem(path=path, reason=error.strerror or error) from error
