"""What an earlier, interrupted try has left here of the folder that is offered now.

Entries are the same when path, size and mtime are; what is on the disk counts only when its hash is the one that the journal names.
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
_BATCH = 64  # files that move between two looks at the other side


class Recovered:
    """What one interrupted transfer can give to the one that is offered now."""

    def __init__(self, past: Past, manifest: Manifest, name: str) -> None:
        self.past = past
        self._manifest = manifest
        self._name = name
        self.old_index = array("i", [_NOTHING]) * len(manifest)
        self.begun: dict[int, tuple[int, Hasher]] = {}  # index now: bytes, hash so far
        self._marks = array("q", bytes(8 * len(manifest)))  # of the files that were verified, by index now
        self.files = self.bytes = 0
        self._root = Folder.open_root(past.about.staging_path)
        self._tree = Tree(past.manifest, self._root)

    def verify(self, on_progress: Callable[[], None]) -> None:
        """Reads what is there and keeps what agrees. `on_progress` is called often and may raise."""
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
        """The hash of the first `size` bytes of a staged file; None where they are not there. Marks which file it was."""
        manifest = self.past.manifest
        try:
            file = self._tree.folder(manifest.parents[old]).read_file(manifest.names[old])
        except OSError:  # it is gone: then it is sent again
            return None
        hasher = new_hasher()
        try:
            status = file.status()
            if self.past.complete[old] and status.st_size != size:  # its beginning alone may well agree
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
        """Moves what was verified, and what nobody else gave, into the staging of the transfer that goes on.

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
        """Lets go of handles and of the journal's lock."""
        self._tree.close()
        self._root.close()
        self.past.close()

    @property
    def useful(self) -> bool:
        return bool(self.files or self.bytes)

    def superseded(self) -> bool:
        """Whether the new transfer is of the same folder: it has all top names of the old one, or one of them and the same offered name.

        A top name may have gone since; what nobody sends again must not stay here for ever.
        """
        old, new = _top_names(self.past.manifest), _top_names(self._manifest)
        return old <= new or (self.past.about.name == self._name and not old.isdisjoint(new))


def look_for(
    manifest: Manifest, name: str, transfers: Path, peer: str, on_progress: Callable[[], None]
) -> list[Recovered]:
    """What interrupted transfers of this peer (identity in hex) have of this manifest, most first.

    name: the offered one, as people are shown it. Transfers under way at this moment are left alone. `on_progress` is called
    often and may raise.
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
    except (OSError, ValueError):  # damaged: it stays where it is and gives nothing
        return None
    if past.about.peer == peer and is_staging_name(past.about.staging_path.name):
        try:
            return Recovered(past, manifest, name)
        except FileNotFoundError:
            past.close()
            if past.about.staging_path.parent.is_dir():  # it is gone for good, and not just its disk unplugged
                remove_journal(folder)
            return None
        except OSError:  # perhaps another time
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
    """What cannot be removed stays listed among the interrupted ones, where it can be discarded later."""
    job = Background(lambda: discard(folder), "discarding")
    while not job.ended(_LOOK):
        on_progress()
    try:
        job.result()
    except (OSError, ValueError) as error:
        log.info("an earlier try could not be removed: %s", error)


def _top_names(manifest: Manifest) -> set[str]:
    return {manifest.names[i] for i in manifest.top()}
