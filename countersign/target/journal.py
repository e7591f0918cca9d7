"""The journal records a running transfer on disk, so that it can resume after any kind of end.

`state/transfers/ID/`: `about.json`, `manifest` (the batches in wire form), `log` (verified content, appended).
A torn or damaged end of the log is dropped. Every record is compared with the disk before it counts.
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
_LATEST = 1e11  # seconds since 1970: the limit of a date
_ASIDE = ".damaged-"
_ABOUT_CAP = limits.MIB  # two of the longest paths
_RECORD = struct.Struct(">II")  # length and CRC-32 of the record that follows


SystemPath = bytes  # the system's own form: not every path is text


class About(msgspec.Struct, frozen=True):
    """The transfer's peer, target and staging folder. Times in seconds since 1970."""

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
    """What one pack added: complete files with their BLAKE3, and all files currently begun."""

    complete: list[tuple[int, bytes]]
    begun: list[tuple[int, int, bytes]]  # index, bytes, BLAKE3 of these bytes


@dataclass(frozen=True)
class InterruptedTransfer:
    """An interrupted transfer, for lists."""

    id: str
    about: About
    bytes_there: int


class Journal:
    """The journal of a running transfer."""

    def __init__(self, folder: Path, lock: Handle) -> None:
        """Raises OSError."""
        self.folder = folder
        self._lock = lock
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._log = Handle(os.open(folder / "log", flags, PRIVATE_FILE))

    @classmethod
    def begin(cls, transfers: Path, about: About, manifest: Manifest) -> Journal:
        """Starts a journal under a new random id. The last file written makes it count.

        The lock is taken before that: a search for interrupted transfers tries only those that count and finds it held.
        Raises OSError.
        """
        folder = transfers / secrets.token_hex(8)
        private_folder(folder)
        lock = hold(folder / LOCK)
        if lock is None:  # no other process knows this folder
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
        """Appends a record of verified content."""
        data = _framed(msgspec.msgpack.encode(record))
        while data:  # a nearly full disk takes a part, then raises
            data = data[os.write(self._log.number, data) :]

    def close(self) -> None:
        self._log.close()
        self._lock.close()


def _framed(data: bytes) -> bytes:
    return _RECORD.pack(len(data), zlib.crc32(data)) + data


def _frames(path: Path) -> Iterator[bytes]:
    """The whole records of a file, up to the first torn one."""
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
    """A journal that cannot be read any more."""


class Past:
    """Reads the journal of an interrupted transfer. The caller passes the lock and must call `close`."""

    def __init__(self, folder: Path, lock: Handle) -> None:
        """Raises OSError or ValueError if the journal is unusable, and releases the lock then."""
        self.folder = folder
        self._lock = lock
        try:
            self.about = read_about(folder)
            self._read()
        except (OSError, ValueError):
            self.close()
            raise

    def close(self) -> None:
        """Releases the lock."""
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
        self.begun: dict[int, tuple[int, bytes]] = {}  # index: number of bytes, and their BLAKE3
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
            for index in self.begun:  # it was complete but differed from what was sent: it comes again
                self.complete[index] = 0


def read_about(folder: Path) -> About:
    """Raises OSError or ValueError; DamagedError if it can never be read again."""
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
    """All interrupted transfers of a home, oldest first. Skips unreadable ones."""
    found = []
    for folder in counting(transfers):
        try:
            lock = hold(folder / LOCK)
            if lock is None:
                continue  # running now
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
    """The folders of all journals of a home, except those set aside."""
    found = transfers.iterdir() if transfers.is_dir() else []
    return sorted(path for path in found if path.is_dir() and _ASIDE not in path.name)


def counting(transfers: Path) -> list[Path]:
    """The journals that have begun: try only their locks, since others are just being made."""
    return [folder for folder in journals(transfers) if (folder / ABOUT).exists()]


def discard(folder: Path) -> bool:
    """Removes a journal and its staging folder, both under our random names. False if in use.

    Raises OSError, or ValueError for an unreadable journal.
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
    """Removes a journal whose staging is gone; `about.json` first, so an interruption leaves no journal that counts."""
    (folder / ABOUT).unlink(missing_ok=True)
    remove_tree(folder)


def tidy(transfers: Path, staging: Path, now: float) -> list[Path]:
    """Removes the leftovers of a crash: journals that never began, staging folders without a journal.

    now: seconds since 1970. Anything younger than a day is kept: another process may just be starting. Sets damaged
    journals aside and returns their new names; their staging folders stay, since nothing tells which they are.
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
                unknown = True  # this staging may belong to a journal that is unreadable now
        elif now - folder.stat().st_mtime > _OLD:
            discard(folder)
    unknown = unknown or any(_ASIDE in path.name for path in (transfers.iterdir() if transfers.is_dir() else []))
    for path in staging.iterdir() if staging.is_dir() and not unknown else []:
        if is_staging_name(path.name) and path not in used and now - path.stat().st_mtime > _OLD:
            remove_tree(path)
    return aside


PREFIX = ".countersign-"


def new_staging_name() -> str:
    """A name that cannot be guessed and that identifies it as ours."""
    return PREFIX + secrets.token_hex(16)


def is_staging_name(name: str) -> bool:
    return name.startswith(PREFIX) and len(name) == len(PREFIX) + 32
