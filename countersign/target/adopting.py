"""Files of an earlier try that become files of this one: moved, or copied from another disk.

They were verified before the person answered, and in another place. What is taken over is the very file that was verified, or has
its hash here too; everything else is sent again. So the hashes that both sides compare are always those of the files in the staging folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from countersign.base import limits
from countersign.base.hashing import Hasher, new_hasher
from countersign.disk.folders import File, Folder, Tree


@dataclass(frozen=True)
class Kept:
    """A verified file of an earlier try: where it is, and which entry it is now. `hasher` where it is only begun.

    Its folder is named by tree and index, and opened when it is needed: an open one may be closed by the next.
    """

    index: int
    size: int
    digest: bytes  # of its first `size` bytes
    hasher: Hasher | None
    tree: Tree
    parent: int  # of the tree that it lies in
    name: str
    movable: bool
    mark: int  # of the file that was verified


def mark_of(status: os.stat_result) -> int:
    """Differs for two files, and for one that was written to since. Its being moved changes nothing."""
    return hash((status.st_ino, status.st_size, status.st_mtime_ns))


def move(kept: Kept, parent: Folder, name: str, mtime: int, on_progress: Callable[[], None]) -> bool:
    """Moves it; mtime: what a complete one has. False where it is not what was verified: then nothing of it is here. Raises OSError."""
    try:
        kept.tree.folder(kept.parent).move(kept.name, parent, name)
    except FileNotFoundError:  # it is gone: then it is sent again
        return False
    # some file systems number a file anew when it was not looked at for a while, so its hash has the last word
    status = parent.status(name)
    if mark_of(status) != kept.mark and not _has_hash(kept, parent, name, on_progress):
        parent.remove_file(name)
        return False
    if kept.hasher is None and status.st_mtime_ns != mtime:
        parent.set_folder_time(name, mtime)
    return True


def _has_hash(kept: Kept, parent: Folder, name: str, on_progress: Callable[[], None]) -> bool:
    with parent.read_file(name) as file:
        if kept.hasher is None and file.status().st_size != kept.size:
            return False
        return _pass_on(file, kept.size, lambda _content: None, on_progress) == kept.digest


def copy(
    kept: Kept,
    parent: Folder,
    name: str,
    executable: bool,
    complete: Callable[[File], None],
    on_progress: Callable[[], None],
) -> bool:
    """Copies it; `complete` gets the open file at the end. False where it is not what was verified: then nothing of it is here.

    Raises OSError, and what `on_progress` raises.
    """
    try:
        source = kept.tree.folder(kept.parent).read_file(kept.name)
    except FileNotFoundError:
        return False
    with source:
        target = parent.create_file(name, executable)
        same = False
        try:
            same = _pass_on(source, kept.size, target.write, on_progress) == kept.digest
            complete(target)
        except BaseException:
            same = False
            raise
        finally:
            target.close()
            if not same:
                parent.remove_file(name)  # it must not be in the way of what is sent
    return same


def _pass_on(source: File, size: int, take: Callable[[memoryview], object], on_progress: Callable[[], None]) -> bytes:
    """Hands over the first `size` bytes, or as many as there are; gives their hash."""
    buffer = memoryview(bytearray(min(size, limits.MIB)))
    hasher = new_hasher()
    done = 0
    while done < size:
        count = source.read_at(buffer[: min(len(buffer), size - done)], done)
        if not count:
            break
        take(buffer[:count])
        hasher.update(buffer[:count])
        done += count
        on_progress()
    return hasher.digest()
