"""Recognises Countersign's own files, which are never sent: certificates, state, the private key and its copies.

Folders and files are recognised by device and inode, so no link, mount or spelling hides them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from cryptography import x509

from countersign.disk.folders import File, Folder, Spot, spot_of
from countersign.places.home import Home, program_folder
from countersign.trust.identity import Identity
from countersign.trust.private_keys import holds_key, public_half, public_halves

_LONGEST_KEY = 64 * 1024


class Secret(Enum):
    """The kinds of suspect files."""

    NONE = "none"
    OWN = "own"
    KEY = "key"  # another private key


@dataclass(frozen=True)
class OwnPlaces:
    """Where our files are. Their numbers are looked up anew for every transfer: files are replaced while we run."""

    home: Home
    program: Path | None  # the folder with the scripts or the executable
    public: bytes  # our public key

    def look(self) -> Own:
        """Our files as they are on the disk now."""
        folders = {spot_at(path) for top in (self.home.certs, self.home.state) for path in with_folders_in(top)}
        files: set[Spot | None] = set()
        sizes: set[int] = set()
        publics = {self.public}
        for path in _files_in(self.home.certs):
            data = _small_content(path)
            if data is not None and holds_key(data):
                publics |= public_halves(data)
                sizes.add(len(data))
                files.add(spot_at(path))
        nothing = {None}
        return Own(
            folders=frozenset(folders - nothing),
            files=frozenset(files - nothing),
            sizes=frozenset(sizes),
            publics=frozenset(publics),
            send_folder=spot_at(self.home.send_folder),
        )


@dataclass(frozen=True)
class Own:
    """The numbers of our folders and key files, the key files' sizes, and our public keys."""

    folders: frozenset[Spot | None]
    files: frozenset[Spot | None]
    sizes: frozenset[int]
    publics: frozenset[bytes]
    send_folder: Spot | None

    def holds(self, folder: Folder) -> bool:
        """Whether an open folder is one of ours or lies in one."""
        return any(spot in self.folders for spot in folder.lineage())

    def judge(self, folder: Folder, name: str, status: os.stat_result) -> Secret:
        """Judges a suspect file in an open folder."""
        try:
            if status.st_size in self.sizes and spot_of(status if status.st_ino else folder.status(name)) in self.files:
                return Secret.OWN
            with folder.read_file(name) as file:
                return self._content(file, status.st_size)
        except OSError:  # an unreadable file cannot be sent either, and is reported then
            return Secret.NONE

    def _content(self, file: File, size: int) -> Secret:
        if not stat.S_ISREG(file.status().st_mode):
            return Secret.NONE
        data = bytearray(min(size, _LONGEST_KEY))
        file.read_at(memoryview(data), 0)
        if not holds_key(data):
            return Secret.NONE
        return Secret.OWN if public_halves(data) & self.publics else Secret.KEY


def own_places(home: Home, identity: Identity) -> OwnPlaces:
    """Our places, for an opened home and its identity."""
    certificate = x509.load_pem_x509_certificate(identity.pem)
    return OwnPlaces(home, program_folder(), public_half(certificate.public_key()))


def spot_at(path: Path) -> Spot | None:
    """Device and inode of a path; None if it is missing or we may not look at it."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return spot_of(status) if status.st_ino else None  # some disks have no numbers


def with_folders_in(top: Path) -> Iterable[Path]:
    """A folder and its subfolders: one of these may be a mount."""
    yield top
    yield from (path for path in entries_of(top) if path.is_dir())


def _files_in(folder: Path) -> Iterable[Path]:
    return (path for path in entries_of(folder) if path.is_file())


def entries_of(folder: Path) -> list[Path]:
    """A folder's entries; none if it cannot be read."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _small_content(path: Path) -> bytes | None:
    try:
        if path.stat().st_size > _LONGEST_KEY:
            return None
        return path.read_bytes()
    except OSError:
        return None
