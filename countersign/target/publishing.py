"""Publishes from staging to the person's folder: one rename per top name, which cannot overwrite.

If a name is taken by the same content, that stays as it is; anything else arrives beside it as `name (2)`.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from countersign.base import limits
from countersign.base.hashing import new_hasher
from countersign.base.refusals import disk_errors
from countersign.disk.folders import File, Folder, is_link
from countersign.pack.manifest import EntryKind
from countersign.places.own import OwnPlaces
from countersign.places.targets import check_opened
from countersign.target.staging import Staging

_LONGEST = 255  # bytes of a name, on nearly every file system
_TRIES = 10_000


@dataclass
class Published:
    """The names under which entries arrived."""

    renamed: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)  # the same content was already there


def publish(staging: Staging, into: Path, own: OwnPlaces) -> Published:
    """Moves every top entry into `into`. Raises TargetRefused, or DiskProblem, which leaves moved entries in place."""
    done = Published()
    comparison = _Comparison(staging)
    with disk_errors(into), Folder.open_root(into) as target:
        check_opened(own, target, into)
        for index in staging.holdings.top_entries():
            _publish_one(staging, index, target, done, comparison)
        target.sync()
    return done


def _publish_one(staging: Staging, index: int, target: Folder, done: Published, comparison: _Comparison) -> None:
    name = staging.manifest.names[index]
    for number in range(1, _TRIES):
        candidate = name if number == 1 else beside(name, number, staging.manifest.kinds[index] == EntryKind.FOLDER)
        try:
            staging.root.move(name, target, candidate)
        except FileExistsError:
            if not comparison.same(index, target, candidate):
                continue
            if number == 1:
                done.kept.append(name)
                return
        # here, or from an earlier transfer: sending the same again and again must not pile up copies
        if number > 1:
            done.renamed[name] = candidate
        return
    raise FileExistsError(name)


def beside(name: str, number: int, is_folder: bool) -> str:
    """`report (2).pdf` for `report.pdf`; for folders and dot files the number follows the whole name."""
    stem, dot, ending = name.rpartition(".")
    if is_folder or not stem or len(ending) > 10 or " " in ending:
        stem, dot, ending = name, "", ""
    tail = f" ({number}){dot}{ending}"
    while len((stem + tail).encode("utf-8")) > _LONGEST:
        stem = stem[:-1]
    return stem + tail


class _Comparison:
    """Compares the target's content with the received one: byte for byte, and nothing more."""

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._names = staging.manifest.names
        self._buffer = memoryview(bytearray(limits.MIB))

    @cached_property
    def _children(self) -> dict[int, list[int]]:
        """Made once, and only if a name is taken."""
        found: dict[int, list[int]] = {}
        for index, parent in enumerate(self._staging.manifest.parents):
            if index not in self._staging.holdings.skipped:
                found.setdefault(parent, []).append(index)
        return found

    def same(self, index: int, folder: Folder, name: str) -> bool:
        """Whether `folder` holds the same as this staging entry under `name`. Uses a list instead of recursion,
        since trees may be deep."""
        waiting: list[tuple[int, Folder, str] | None] = [(index, folder, name)]  # None: the folder is done
        opened: list[Folder] = []
        try:
            while waiting:
                item = waiting.pop()
                if item is None:
                    opened.pop().close()
                    continue
                inside = self._compare(*item)
                if inside is None:
                    return False
                if isinstance(inside, Folder):
                    opened.append(inside)
                    children = self._children.get(item[0], [])
                    waiting += [None, *((child, inside, self._names[child]) for child in children)]
            return True
        except OSError:  # unreadable content is not known to be the same
            return False
        finally:
            for inside in opened:
                inside.close()

    def _compare(self, index: int, folder: Folder, name: str) -> Folder | bool | None:
        """None if they differ; the open folder if its content must still be compared."""
        manifest = self._staging.manifest
        status = folder.status(name)
        kind = EntryKind(manifest.kinds[index])
        if is_link(status):
            same_link = kind is EntryKind.LINK and folder.read_link(name) == manifest.targets[index]
            return True if same_link else None
        if stat.S_ISDIR(status.st_mode):
            return self._same_names(index, folder.folder(name)) if kind is EntryKind.FOLDER else None
        same_size = stat.S_ISREG(status.st_mode) and status.st_size == manifest.sizes[index]
        if not manifest.is_file(index) or not same_size:
            return None
        return True if self._same_file(index, folder.read_file(name)) else None

    def _same_names(self, index: int, folder: Folder) -> Folder | None:
        wanted = {self._names[child] for child in self._children.get(index, [])}
        if {entry.name for entry in folder.entries()} == wanted:
            return folder
        folder.close()
        return None

    def _same_file(self, index: int, file: File) -> bool:
        hasher = new_hasher()
        offset = 0
        try:
            while count := file.read_at(self._buffer, offset):
                hasher.update(self._buffer[:count])
                offset += count
        finally:
            file.close()
        return hasher.digest() == self._staging.holdings.digest(index)
