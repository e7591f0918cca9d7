"""The peer files. A file is read again only if it changed: looking at ten thousand takes milliseconds."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from countersign.base.errors import Problem
from countersign.base.refusals import disk_problem
from countersign.trust.fingerprint import DeviceId

SUFFIXES = (".pem", ".crt", ".cer")
# Two changes within one tick of the file system's clock can leave the same stamp; FAT's ticks are two seconds.
_SETTLED = 4.0
_Stamp: TypeAlias = tuple[int, int, int, int]
Held: TypeAlias = "list[tuple[DeviceId, str]]"


@dataclass(frozen=True)
class PeerFile:
    """A file's certificates as (identity, PEM), or the problem with it."""

    path: Path
    held: Held
    problem: Problem | None
    digest: bytes = b""
    stamp: _Stamp | None = None  # None: read it again at the next look


class PeerFolder:
    """One folder. read: gives a small file's content. held: finds its certificates. Both raise the problem with it."""

    def __init__(
        self,
        folder: Path,
        read: Callable[[Path], bytes],
        held: Callable[[bytes, Path], Held],
        now: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._read = read
        self._held = held
        self._now = now
        self._files: dict[str, PeerFile] = {}

    def look(self) -> list[PeerFile]:
        """All files by name; unchanged files keep their object. Raises DiskProblem."""
        before, now = self._files, self._now()
        files = {}
        for name, stamp in sorted(self._stamps().items(), key=lambda item: (item[0].casefold(), item[0])):
            old = before.get(name)
            if old is None or old.stamp is None or old.stamp != stamp:
                settled = stamp is not None and abs(now - stamp[2] / 1e9) > _SETTLED
                old = self._looked_at(self._folder / name, stamp if settled else None, old)
            files[name] = old
        self._files = files
        return list(files.values())

    def _stamps(self) -> dict[str, _Stamp | None]:
        found: dict[str, _Stamp | None] = {}
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if not entry.name.startswith(".") and entry.name.lower().endswith(SUFFIXES):
                        found[entry.name] = _stamp(entry)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise disk_problem(error, self._folder) from error
        return found

    def _looked_at(self, path: Path, stamp: _Stamp | None, old: PeerFile | None) -> PeerFile:
        try:
            data = self._read(path)
        except Problem as problem:
            return PeerFile(path, [], problem)
        digest = hashlib.sha256(data).digest()
        if old is not None and old.digest == digest:
            return old if old.stamp == stamp else dataclasses.replace(old, stamp=stamp)
        try:
            return PeerFile(path, self._held(data, path), None, digest, stamp)
        except Problem as problem:
            return PeerFile(path, [], problem, digest, stamp)


def _stamp(entry: os.DirEntry[str]) -> _Stamp | None:
    try:
        found = entry.stat()
    except OSError:  # reading the file will report it
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
