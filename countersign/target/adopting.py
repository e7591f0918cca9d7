"""Takes over files of an earlier try: moves them, or copies them from another disk.

They were verified before the person answered, in their old place. So a file is taken over only if it is still the
verified one, or has the same hash here; everything else is sent again. Therefore the hashes that both sides compare
are always those of the files in the staging folder.
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
    """A verified file of an earlier try: its place, and its entry now. `hasher` if it is only begun.

    Tree and index name its folder, which is opened when needed: opening the next may close it.
    """

    index: int
    size: int
    digest: bytes  # of its first `size` bytes
    hasher: Hasher | None
    tree: Tree
    parent: int  # its folder's index in `tree`
    name: str
    movable: bool
    mark: int  # of the verified file


def mark_of(status: os.stat_result) -> int:
    """A value that differs between files, and changes when a file is written. Moving keeps it."""
    return hash((status.st_ino, status.st_size, status.st_mtime_ns))


def move(kept: Kept, parent: Folder, name: str, mtime: int, on_progress: Callable[[], None]) -> bool:
    """Moves it. mtime: for a complete file. False, leaving nothing, if it is not the verified file. Raises OSError."""
    try:
        kept.tree.folder(kept.parent).move(kept.name, parent, name)
    except FileNotFoundError:  # missing: it is sent again
        return False
    # some file systems renumber a file that was not used for a while, so its hash decides
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
    """Copies it; `complete` gets the open file at the end. False, leaving nothing, if it is not the verified file.

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
                parent.remove_file(name)  # it must not block the file that will be sent
    return same


def _pass_on(source: File, size: int, take: Callable[[memoryview], object], on_progress: Callable[[], None]) -> bytes:
    """Passes on the first `size` bytes, or as many as there are. Returns their hash."""
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
