"""Recovers files of the offered folder from earlier, interrupted tries.

Entries are the same if path, size and mtime are. A file on disk counts only if its hash is the one in the journal.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Callable
from pathlib import Path

from countersign.base import limits
from countersign.base.hashing import DIGEST, Hasher, new_hasher
from countersign.base.locks import hold
from countersign.base.refusals import disk_errors
from countersign.disk.folders import Folder, Tree
from countersign.pack.comparing import same_files
from countersign.pack.manifest import Manifest
from countersign.session.background import Background
from countersign.target.adopting import Kept, mark_of
from countersign.target.journal import LOCK, Past, counting, discard, is_staging_name, remove_journal
from countersign.target.staging import Staging

log = logging.getLogger(__name__)

_NOTHING = -1
_LOOK = 0.05
_BATCH = 64  # files moved between two looks at the peer


class Recovered:
    """What one interrupted transfer can give to the offered one."""

    def __init__(self, past: Past, manifest: Manifest, name: str) -> None:
        self.past = past
        self._manifest = manifest
        self._name = name
        self.old_index = array("i", [_NOTHING]) * len(manifest)
        self.begun: dict[int, tuple[int, Hasher]] = {}  # index now: bytes, hash so far
        self._marks = array("q", bytes(8 * len(manifest)))  # of the verified files, by index now
        self.files = self.bytes = 0
        self._root = Folder.open_root(past.about.staging_path)
        self._tree = Tree(past.manifest, self._root)

    def verify(self, on_progress: Callable[[], None]) -> None:
        """Reads the staged files and keeps those that match. Calls `on_progress` often; it may raise."""
        buffer = memoryview(bytearray(limits.MIB))
        for new, old in same_files(self._manifest, self.past.manifest):
            on_progress()
            size = self._manifest.sizes[new]
            if self.past.complete[old]:
                hasher = self._hash(new, old, size, buffer, on_progress)
                if hasher is not None and hasher.digest() == self.past.digests[DIGEST * old : DIGEST * (old + 1)]:
                    self.old_index[new] = old
                    self.files += 1
                    self.bytes += size
            elif old in self.past.begun:
                there, digest = self.past.begun[old]
                hasher = self._hash(new, old, there, buffer, on_progress) if 0 < there < size else None
                if hasher is not None and hasher.digest() == digest:
                    self.begun[new] = (there, hasher)
                    self.old_index[new] = old
                    self.bytes += there

    def _hash(
        self, new: int, old: int, size: int, buffer: memoryview, on_progress: Callable[[], None]
    ) -> Hasher | None:
        """The hash of a staged file's first `size` bytes; None if they are missing. Records the file's mark."""
        manifest = self.past.manifest
        try:
            file = self._tree.folder(manifest.parents[old]).read_file(manifest.names[old])
        except OSError:  # missing: it is sent again
            return None
        hasher = new_hasher()
        try:
            status = file.status()
            if self.past.complete[old] and status.st_size != size:  # its beginning might still match
                return None
            self._marks[new] = mark_of(status)
            done = 0
            while done < size:
                count = file.read_at(buffer[: min(len(buffer), size - done)], done)
                if not count:
                    return None
                hasher.update(buffer[:count])
                done += count
                on_progress()
        except OSError:
            return None
        finally:
            file.close()
        return hasher

    def hand_over(self, staging: Staging, on_progress: Callable[[], None]) -> None:
        """Moves verified files that no other try has given into the new transfer's staging folder.

        Raises DiskProblem, and what `on_progress` raises.
        """
        movable = self._root.can_move_to(staging.root)
        batch: list[Kept] = []
        with disk_errors(staging.path):
            for new, old in enumerate(self.old_index):
                if old == _NOTHING or new in staging.holdings.skipped or staging.has(new):
                    continue
                batch.append(self._kept(new, old, movable))
                if len(batch) == _BATCH:
                    staging.adopt(batch, on_progress)
                    batch = []
                    on_progress()
            if batch:
                staging.adopt(batch, on_progress)

    def _kept(self, new: int, old: int, movable: bool) -> Kept:
        manifest = self.past.manifest
        size, hasher = self.begun.get(new, (self._manifest.sizes[new], None))
        digest = bytes(self.past.digests[DIGEST * old : DIGEST * (old + 1)]) if hasher is None else hasher.digest()
        parent, name = manifest.parents[old], manifest.names[old]
        return Kept(new, size, digest, hasher, self._tree, parent, name, movable, self._marks[new])

    def close(self) -> None:
        """Releases the handles and the journal's lock."""
        self._tree.close()
        self._root.close()
        self.past.close()

    @property
    def useful(self) -> bool:
        return bool(self.files or self.bytes)

    def superseded(self) -> bool:
        """Whether the new transfer replaces the old: it has all its top names, or one of them and its offered name.

        A top name may be gone by now; files that are never sent again must not stay here for ever.
        """
        old, new = _top_names(self.past.manifest), _top_names(self._manifest)
        return old <= new or (self.past.about.name == self._name and not old.isdisjoint(new))


def look_for(
    manifest: Manifest, name: str, transfers: Path, peer: str, on_progress: Callable[[], None]
) -> list[Recovered]:
    """Finds files of this manifest in interrupted transfers of this peer (identity in hex), most bytes first.

    name: the offered name, as shown to people. Skips transfers that are running now. Calls `on_progress` often; it
    may raise.
    """
    found: list[Recovered] = []
    try:
        for folder in counting(transfers):
            recovered = _recovered(folder, manifest, name, peer)
            if recovered is not None:
                found.append(recovered)
                recovered.verify(on_progress)
    except BaseException:
        close_all(found)
        raise
    return sorted(found, key=lambda item: -item.bytes)


def _recovered(folder: Path, manifest: Manifest, name: str, peer: str) -> Recovered | None:
    try:
        lock = hold(folder / LOCK)
        if lock is None:
            return None
        past = Past(folder, lock)
    except (OSError, ValueError):  # damaged: leave it and recover nothing
        return None
    if past.about.peer == peer and is_staging_name(past.about.staging_path.name):
        try:
            return Recovered(past, manifest, name)
        except FileNotFoundError:
            past.close()
            if past.about.staging_path.parent.is_dir():  # gone for good: its disk is not just unplugged
                remove_journal(folder)
            return None
        except OSError:  # it may work another time
            past.close()
            return None
    past.close()
    return None


def close_all(found: list[Recovered]) -> None:
    """Leaves interrupted transfers as they are."""
    while found:
        found.pop().close()


def take_over(found: list[Recovered], staging: Staging, on_progress: Callable[[], None]) -> None:
    """Moves everything useful into the staging folder; forgets transfers that this one replaces.

    Raises DiskProblem, and what `on_progress` raises.
    """
    for recovered in found:
        if recovered.useful:
            recovered.hand_over(staging, on_progress)
    while found:
        recovered = found.pop()
        recovered.close()
        if recovered.superseded():
            _clear_away(recovered.past.folder, on_progress)


def _clear_away(folder: Path, on_progress: Callable[[], None]) -> None:
    """Discards a try. If that fails, it stays in the list of interrupted transfers and can be discarded later."""
    job = Background(lambda: discard(folder), "discarding")
    while not job.ended(_LOOK):
        on_progress()
    try:
        job.result()
    except (OSError, ValueError) as error:
        log.info("an earlier try could not be removed: %s", error)


def _top_names(manifest: Manifest) -> set[str]:
    return {manifest.names[i] for i in manifest.top()}
