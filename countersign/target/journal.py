"""What is known of a transfer while it is under way, on disk, so that it can go on after any kind of end.

`state/transfers/ID/`: `about.json`, `manifest` (the batches as they crossed the wire), `log` (verified content, appended).
A torn or damaged end of the log is dropped: whatever it tells is compared with the disk before it counts.
"""

from __future__ import annotations

import errno
import os
import secrets
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from countersign.base import limits
from countersign.base.errors import OfferRefused
from countersign.base.files import (
    PRIVATE_FILE,
    OddFile,
    open_regular,
    private_folder,
    read_small,
    replace_file,
    set_aside,
)
from countersign.base.handles import Handle
from countersign.base.hashing import DIGEST
from countersign.base.i18n import _
from countersign.base.locks import hold
from countersign.disk.folders import remove_tree
from countersign.pack.manifest import Manifest, ManifestReader

VERSION = 2
LOCK = "lock"
ABOUT = "about.json"
_OLD = 86400.0
_LATEST = 1e11  # seconds since 1970: what a date can hold
_ASIDE = ".damaged-"
_ABOUT_CAP = limits.MIB  # two of the longest paths
_RECORD = struct.Struct(">II")  # length and CRC-32 of what follows


SystemPath = bytes  # as the system knows it: not every path is text


class About(msgspec.Struct, frozen=True):
    """Whose transfer it is, from where to where. times in seconds since 1970."""

    version: int
    peer: str  # identity of the sender in hex
    peer_name: str
    name: str
    into: SystemPath
    staging: SystemPath
    began: float
    entries: int
    files: int
    bytes: int

    @property
    def into_path(self) -> Path:
        return Path(os.fsdecode(self.into))

    @property
    def staging_path(self) -> Path:
        return Path(os.fsdecode(self.staging))


class _Version(msgspec.Struct):
    version: int


class Record(msgspec.Struct, array_like=True, frozen=True):
    """What one pack added: complete files with their BLAKE3, and all files that are begun now."""

    complete: list[tuple[int, bytes]]
    begun: list[tuple[int, int, bytes]]  # index, bytes, BLAKE3 of these bytes


@dataclass(frozen=True)
class InterruptedTransfer:
    """A transfer that did not end: for lists."""

    id: str
    about: About
    bytes_there: int


class Journal:
    """The journal of a transfer that is under way."""

    def __init__(self, folder: Path, lock: Handle) -> None:
        """Raises OSError."""
        self.folder = folder
        self._lock = lock
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._log = Handle(os.open(folder / "log", flags, PRIVATE_FILE))

    @classmethod
    def begin(cls, transfers: Path, about: About, manifest: Manifest) -> Journal:
        """Starts a journal under a new random id. The last thing to be written is what makes it count.

        The lock is taken before that: whoever looks for interrupted transfers only tries those that count, and finds it held.
        Raises OSError.
        """
        folder = transfers / secrets.token_hex(8)
        private_folder(folder)
        lock = hold(folder / LOCK)
        if lock is None:  # nobody else knows this folder
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(folder))
        try:
            cls._write(folder, about, manifest)
            return cls(folder, lock)
        except BaseException:
            lock.close()
            raise

    @staticmethod
    def _write(folder: Path, about: About, manifest: Manifest) -> None:
        handle = os.open(folder / "manifest", os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with open(handle, "wb") as out:
            for batch in manifest.batches():
                out.write(_framed(batch))
        replace_file(folder / ABOUT, msgspec.json.encode(about))

    def add(self, record: Record) -> None:
        """Appends what was verified."""
        data = _framed(msgspec.msgpack.encode(record))
        while data:  # a disk that is nearly full takes a part, and then says so
            data = data[os.write(self._log.number, data) :]

    def close(self) -> None:
        self._log.close()
        self._lock.close()


def _framed(data: bytes) -> bytes:
    return _RECORD.pack(len(data), zlib.crc32(data)) + data


def _frames(path: Path) -> Iterator[bytes]:
    """The whole records of a file, up to the first that is torn."""
    with open_regular(path) as file:
        while True:
            header = file.read(_RECORD.size)
            if len(header) < _RECORD.size:
                return
            length, check = _RECORD.unpack(header)
            if length > limits.PACK_CAP:
                return
            data = file.read(length)
            if len(data) < length or zlib.crc32(data) != check:
                return
            yield data


class DamagedError(ValueError):
    """A journal that says nothing any more."""


class Past:
    """The journal of an interrupted transfer, read. Whoever made this holds its lock and calls `close`."""

    def __init__(self, folder: Path, lock: Handle) -> None:
        """Raises OSError or ValueError where the journal cannot be used; the lock is let go then."""
        self.folder = folder
        self._lock = lock
        try:
            self.about = read_about(folder)
            self._read()
        except (OSError, ValueError):
            self.close()
            raise

    def close(self) -> None:
        """Lets go of the lock."""
        self._lock.close()

    def _read(self) -> None:
        folder = self.folder
        reader = ManifestReader(self.about.entries, self.about.files, self.about.bytes)
        try:
            for batch in _frames(folder / "manifest"):
                reader.add_batch(batch)
            self.manifest = reader.finish()
        except OfferRefused as error:
            raise ValueError("the journal's manifest is damaged") from error
        self.digests = bytearray(DIGEST * len(self.manifest))
        self.complete = bytearray(len(self.manifest))
        self.begun: dict[int, tuple[int, bytes]] = {}  # index: bytes, and their BLAKE3
        self._read_log()

    def _read_log(self) -> None:
        if not (self.folder / "log").exists():
            return
        count = len(self.manifest)
        for data in _frames(self.folder / "log"):
            try:
                record = msgspec.msgpack.decode(data, type=Record, strict=True)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return
            for index, digest in record.complete:
                if 0 <= index < count and len(digest) == DIGEST:
                    self.complete[index] = 1
                    self.digests[DIGEST * index : DIGEST * (index + 1)] = digest
            self.begun = {index: (size, digest) for index, size, digest in record.begun if 0 <= index < count}
            for index in self.begun:  # complete once, but not what was sent: it comes again
                self.complete[index] = 0


def read_about(folder: Path) -> About:
    """Raises OSError or ValueError; DamagedError where it can never be read again."""
    try:
        data = read_small(folder / ABOUT, _ABOUT_CAP)
        if msgspec.json.decode(data, type=_Version).version != VERSION:
            raise ValueError(_("it is of another version of Countersign"))
        about = msgspec.json.decode(data, type=About)
        paths = str(about.into_path), str(about.staging_path)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OddFile) as error:
        raise DamagedError(_("it is damaged")) from error
    if any("\0" in path for path in paths) or not 0 <= about.began < _LATEST:
        raise DamagedError(_("it is damaged"))
    return about


def list_interrupted(transfers: Path) -> list[InterruptedTransfer]:
    """All interrupted transfers of a home, oldest first. What can't be read is left alone."""
    found = []
    for folder in counting(transfers):
        try:
            lock = hold(folder / LOCK)
            if lock is None:
                continue  # under way at this moment
            lock.close()
            about = read_about(folder)
        except (OSError, ValueError):
            continue
        found.append(InterruptedTransfer(folder.name, about, _bytes_in(about.staging_path)))
    return sorted(found, key=lambda item: item.about.began)


def _bytes_in(staging: Path) -> int:
    total = 0
    for folder, _names, files in os.walk(staging):
        total += sum(os.lstat(os.path.join(folder, name)).st_size for name in files)
    return total


def journals(transfers: Path) -> list[Path]:
    """The folders of all journals of a home, without those that were set aside."""
    found = transfers.iterdir() if transfers.is_dir() else []
    return sorted(path for path in found if path.is_dir() and _ASIDE not in path.name)


def counting(transfers: Path) -> list[Path]:
    """Those of them that have begun: only their locks may be tried, since others are just being made."""
    return [folder for folder in journals(transfers) if (folder / ABOUT).exists()]


def discard(folder: Path) -> bool:
    """Removes a journal and its staging folder, both under random names of ours. False where it is in use.

    Raises OSError, or ValueError for a journal that cannot be read.
    """
    lock = hold(folder / LOCK)
    if lock is None:
        return False
    lock.close()
    if (folder / ABOUT).exists():
        staging = read_about(folder).staging_path
        if is_staging_name(staging.name):
            remove_tree(staging)
    remove_journal(folder)
    return True


def remove_journal(folder: Path) -> None:
    """Removes a journal whose staging is gone; `about.json` first, so that being cut off leaves nothing that counts as interrupted."""
    (folder / ABOUT).unlink(missing_ok=True)
    remove_tree(folder)


def tidy(transfers: Path, staging: Path, now: float) -> list[Path]:
    """Removes what a death at an unlucky moment has left: journals that never began, staging folders without one.

    now: seconds since 1970. What is younger than a day may be somebody's who is just beginning. Damaged journals are set
    aside, and their new names given; what has arrived of them is left alone, since nothing says any more which it is.
    """
    used: set[Path] = set()
    aside: list[Path] = []
    unknown = False
    for folder in journals(transfers):
        if (folder / ABOUT).exists():
            try:
                used.add(read_about(folder).staging_path)
            except DamagedError:
                aside.append(set_aside(folder))
            except (OSError, ValueError):
                unknown = True  # one that can't be read now may be whose staging this is
        elif now - folder.stat().st_mtime > _OLD:
            discard(folder)
    unknown = unknown or any(_ASIDE in path.name for path in (transfers.iterdir() if transfers.is_dir() else []))
    for path in staging.iterdir() if staging.is_dir() and not unknown else []:
        if is_staging_name(path.name) and path not in used and now - path.stat().st_mtime > _OLD:
            remove_tree(path)
    return aside


PREFIX = ".countersign-"


def new_staging_name() -> str:
    """A name that nobody can guess and that says whose it is."""
    return PREFIX + secrets.token_hex(16)


def is_staging_name(name: str) -> bool:
    return name.startswith(PREFIX) and len(name) == len(PREFIX) + 32
