"""What is Countersign's own on this disk, and never leaves it: certificates, state, the private key and copies of it.

Folders and files are recognised by their number (device and inode), so no link, mount or spelling hides them.
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
    """What a file turned out to be."""

    NONE = "none"
    OWN = "own"
    KEY = "key"  # somebody's private key


@dataclass(frozen=True)
class OwnPlaces:
    """Where our things are. The numbers are looked up anew for every transfer: files are replaced while we run."""

    home: Home
    program: Path | None  # the folder with the scripts or the executable
    public: bytes  # of our key

    def look(self) -> Own:
        """Our things as they are on the disk now."""
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
    """The numbers of our folders and key files, the sizes of these, and the public halves of our keys."""

    folders: frozenset[Spot | None]
    files: frozenset[Spot | None]
    sizes: frozenset[int]
    publics: frozenset[bytes]
    send_folder: Spot | None

    def holds(self, folder: Folder) -> bool:
        """Whether an open folder is one of ours or lies in one."""
        return any(spot in self.folders for spot in folder.lineage())

    def judge(self, folder: Folder, name: str, status: os.stat_result) -> Secret:
        """What a suspect file in an open folder is."""
        try:
            if status.st_size in self.sizes and spot_of(status if status.st_ino else folder.status(name)) in self.files:
                return Secret.OWN
            with folder.read_file(name) as file:
                return self._content(file, status.st_size)
        except OSError:  # what cannot be read now cannot be sent either, and is named then
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
    """Ours, for a home that was opened and its identity."""
    certificate = x509.load_pem_x509_certificate(identity.pem)
    return OwnPlaces(home, program_folder(), public_half(certificate.public_key()))


def spot_at(path: Path) -> Spot | None:
    """The number of what is at a path; None where nothing is, or nothing that we may look at."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return spot_of(status) if status.st_ino else None  # a disk that has no numbers cannot be asked for them


def with_folders_in(top: Path) -> Iterable[Path]:
    """A folder and those in it: one of these may be mounted elsewhere."""
    yield top
    yield from (path for path in entries_of(top) if path.is_dir())


def _files_in(folder: Path) -> Iterable[Path]:
    return (path for path in entries_of(folder) if path.is_file())


def entries_of(folder: Path) -> list[Path]:
    """What is in a folder; nothing where it cannot be read."""
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
