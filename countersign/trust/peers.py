"""The people we trust: `certs/peers/NAME.pem`. The person here chooses the name; nothing a peer sends becomes its name.

A file begins with the compared certificate. Up to three may follow, each signed by an earlier one (`trust.renewal`).
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from countersign.base.errors import (
    AlreadyKnown,
    BadName,
    NameTaken,
    NoSuchPeer,
    NotACertificate,
    OwnCertificate,
    PeerForgotten,
    Problem,
    RenewalRefused,
    UnusableCertificate,
)
from countersign.base.files import PUBLIC_FILE, OddFile, cut_to_bytes, read_small, replace_file
from countersign.base.i18n import _
from countersign.base.limits import CERTIFICATE_FILE_CAP, CERTIFICATES_OF_ONE
from countersign.base.locks import file_lock
from countersign.base.printable import encodable
from countersign.base.refusals import disk_errors, disk_problem
from countersign.trust.certificate import check_dates, is_device_alone, read_certificate, read_certificates
from countersign.trust.fingerprint import DeviceId, device_id, fingerprint
from countersign.trust.peer_files import SUFFIXES, PeerFile, PeerFolder
from countersign.trust.renewal import Renewal, check_renewal

_NAME_MARKS = frozenset(" -_.'()&+,")
LONGEST_NAME = 60
MOST_NAME_BYTES = 120  # of UTF-8: files are named after people, and most file systems allow 255 bytes
_OWN_FILES = frozenset({"cert.pem", "key.pem", "next-cert.pem", "next-key.pem"})


@dataclass(frozen=True)
class Peer:
    """A trusted person, by one of their certificates. person: the identity of the compared certificate."""

    name: str
    id: DeviceId
    pem: str
    path: Path
    person: DeviceId

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.id)

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self.pem.encode())


@dataclass(frozen=True)
class Candidate:
    """An examined certificate that can be added."""

    id: DeviceId
    pem: bytes
    suggested: str

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.id)


@dataclass(frozen=True)
class _Known:
    """The folder's content at one look. paths: a person's files; copying by hand can make several."""

    everybody: tuple[Peer, ...] = ()
    by_id: dict[DeviceId, Peer] = field(default_factory=dict)
    paths: dict[DeviceId, list[Path]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


class PeerStore:
    """The folder of pinned certificates, read anew for every query: people copy files into it by hand.

    own: this computer's identities. usable: whether OpenSSL can read a certificate (PEM) too. now: seconds since 1970.
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
        """All people with a readable file, by name, with the compared certificate."""
        return list(self._known().everybody)

    def pinned(self, person: Peer | None = None) -> list[Peer]:
        """All pinned certificates, or this person's: the compared one first."""
        found = self._known().by_id.values()
        return [peer for peer in found if person is None or peer.person == person.person]

    def problems(self) -> list[Problem]:
        """The problems with files that were copied into the folder by hand."""
        return list(self._known().problems)

    def by_id(self, identity: DeviceId) -> Peer | None:
        """The person with this certificate, whether it is their first or a later one."""
        return self._known().by_id.get(identity)

    def by_name(self, name: str) -> Peer:
        """The peer with this name, ignoring case. Raises NoSuchPeer."""
        for peer in self.all():
            if peer.name.casefold() == name.casefold():
                return peer
        raise NoSuchPeer(name=name)

    def examine(self, path: Path, now: datetime.datetime) -> Candidate:
        """Checks a certificate file. Raises the problem with it; adds nothing."""
        return self.examine_bytes(_read_small(path), path.name, path.stem, now)

    def examine_bytes(self, data: bytes, source: str, name: str, now: datetime.datetime) -> Candidate:
        """Checks a certificate, PEM or DER, from any source. Raises the problem with it; adds nothing.

        source: its name in problems. name: the suggested name for the person.
        """
        certificate = read_certificate(data, source)
        check_dates(certificate, now, source)
        identity = self._checked(certificate, source)
        known = self.by_id(identity)
        if known is not None:
            raise AlreadyKnown(name=known.name)
        return Candidate(identity, certificate.public_bytes(Encoding.PEM), self._free_name(name))

    def add(self, candidate: Candidate, name: str | None = None) -> Peer:
        """Pins a certificate under a name. Raises BadName or NameTaken."""
        with self._alone():
            name = self._checked_name(name if name is not None else candidate.suggested)
            path = self._folder / f"{name}.pem"
            with disk_errors(path):
                self._folder.mkdir(exist_ok=True)
                replace_file(path, candidate.pem, PUBLIC_FILE)
        return Peer(name, candidate.id, candidate.pem.decode(), path, candidate.id)

    def rename(self, peer: Peer, name: str) -> Peer:
        """Renames a peer. Raises BadName or NameTaken."""
        with self._alone():
            name = name.strip() if name.strip().casefold() == peer.name.casefold() else self._checked_name(name)
            path = self._folder / f"{name}.pem"
            with disk_errors(path):
                peer.path.rename(path)
        return Peer(name, peer.id, peer.pem, path, peer.person)

    def forget(self, name: str) -> Peer:
        """Removes a peer: all their certificates in all files. Raises NoSuchPeer."""
        with self._alone():
            peer = self.by_name(name)
            for path in self._known().paths[peer.person]:
                with disk_errors(path):
                    path.unlink(missing_ok=True)
        return peer

    def renew(self, peer: Peer, renewal: Renewal) -> Peer:
        """Adds the new certificate that this one signs, and returns its peer. Repeating it changes nothing.

        Raises PeerForgotten, or what `check_renewal` raises.
        """
        with self._alone():
            held = self.by_id(peer.id)
            if held is None or held.person != peer.person:
                raise PeerForgotten(name=peer.name)
            new = check_renewal(held.certificate, renewal, self._own, self._usable)
            identity = device_id(new.public_bytes(Encoding.DER))
            known = self.by_id(identity)
            if known is None:
                known = Peer(held.name, identity, new.public_bytes(Encoding.PEM).decode(), held.path, held.person)
                self._append(held, known)
            elif known.person != held.person:
                raise RenewalRefused(detail=_("it is the certificate of {name}").format(name=known.name))
            return known

    def _append(self, signer: Peer, new: Peer) -> None:
        """Appends to the person's file. If full, drops the oldest certificate, but never the first or the signer's."""
        first, *later = self.pinned(signer)
        while len(later) > CERTIFICATES_OF_ONE - 2:
            later.remove(next(peer for peer in later if peer.id != signer.id))
        data = "".join(peer.pem for peer in (first, *later, new)).encode()
        if len(data) > CERTIFICATE_FILE_CAP:
            raise RenewalRefused(detail=_("it is too large"))
        with disk_errors(first.path):
            replace_file(first.path, data, PUBLIC_FILE)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps the other app from changing peers meanwhile."""
        with disk_errors(self._certs, named=True):
            lock = self._certs / ".lock"
            with file_lock(lock):
                yield

    def found_by_hand(self, now: datetime.datetime) -> list[tuple[Path, Candidate]]:
        """Certificates that were copied into certs/ itself, to offer them for adding."""
        found = []
        for path in sorted(self._certs.iterdir()):
            if path.name in _OWN_FILES or path.suffix.lower() not in SUFFIXES or not path.is_file():
                continue
            try:
                found.append((path, self.examine(path, now)))
            except Problem:  # an unusable certificate is not offered; importing it by hand says why
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
        """The certificates in a file's content. Raises the problem with it."""
        first, *later = read_certificates(data, path.name, CERTIFICATES_OF_ONE)
        if not all(is_device_alone(certificate) for certificate in later):
            raise NotACertificate(file=path.name)  # a chain of authorities: these are no devices
        return [
            (self._checked(certificate, path.name), certificate.public_bytes(Encoding.PEM).decode())
            for certificate in (first, *later)
        ]

    def _checked(self, certificate: x509.Certificate, file: str) -> DeviceId:
        """The identity of a certificate, which must not be ours and must work for a connection."""
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


def _sorted_out(files: list[PeerFile]) -> _Known:
    """Compared certificates first, then later ones: no later one can replace another person's compared one."""
    people: dict[DeviceId, Peer] = {}
    paths: dict[DeviceId, list[Path]] = {}
    read = [file for file in files if file.problem is None]
    for file in read:
        identity, pem = file.held[0]
        people.setdefault(identity, Peer(encodable(file.path.stem), identity, pem, file.path, identity))
        paths.setdefault(identity, []).append(file.path)
    by_id = dict(people)
    for file in read:
        first = people[file.held[0][0]]
        for identity, pem in file.held[1:]:
            by_id.setdefault(identity, Peer(first.name, identity, pem, first.path, first.id))
    problems = tuple(file.problem for file in files if file.problem is not None)
    return _Known(tuple(people.values()), by_id, paths, problems)


def _read_small(path: Path) -> bytes:
    try:
        return read_small(path, CERTIFICATE_FILE_CAP)
    except OddFile as error:
        raise NotACertificate(file=path.name) from error
    except OSError as error:
        raise disk_problem(error, path) from error
