"""Makes small files that come whole. The system call releases the GIL, so two threads share many files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import NamedTuple, TypeAlias

from countersign.disk.folders import (
    BY_PATH,
    SYNCS_AT_ONCE,
    File,
    Folder,
    Tree,
    is_about_one_name,
)
from countersign.pack.archive import Buffer, Member
from countersign.pack.manifest import EntryKind, Manifest

_EXECUTABLE = int(EntryKind.EXECUTABLE)
MANY = 512  # files a pack from which a second thread pays: with 246 a pack it was no faster

Write: TypeAlias = Callable[[File, Buffer], object]


class Created(NamedTuple):
    """Complete entries, and those that the disk refused. An error not about a name stopped further files."""

    done: list[int]
    refused: list[tuple[int, OSError]]


class Creator:
    """Makes the files of one manifest under one root. One thread uses it; `many` adds a second."""

    def __init__(self, manifest: Manifest, root: Folder) -> None:
        self.tree = Tree(manifest, root)
        self._helpers = Tree(manifest, root)  # a tree is for one thread
        self._manifest = manifest

    def one(self, index: int, write: Write, content: Buffer) -> None:
        """Makes an entry's file; `write` gets the open file and the content. Leaves nothing if it fails.

        Raises OSError.
        """
        _create(self._manifest, self.tree, index, write, content)

    def many(self, members: Sequence[Member], helper: Executor) -> Created:
        """Makes all these files, half of them on a helper's thread.

        Each thread works through its half in order, so the two are in different folders: the system admits one thread
        at a time to each. The first to finish steals work from the end of the other's half.
        """
        half = len(members) // 2
        ours, theirs = deque(members[:half]), deque(members[half:])
        job = helper.submit(_create_while, self._manifest, self._helpers, theirs, ours)
        try:
            done, refused = _create_while(self._manifest, self.tree, ours, theirs)
        finally:
            other = job.result()  # always wait: the content's buffer goes back to its owner
        return Created(done + other.done, refused + other.refused)

    def close(self) -> None:
        """Closes all folders but the root."""
        self.tree.close()
        self._helpers.close()


def complete_file(file: File, mtime: int) -> None:
    """The last step for an open file. mtime in nanoseconds since 1970."""
    file.set_time(mtime)
    if not SYNCS_AT_ONCE:
        file.sync()


def _create(manifest: Manifest, tree: Tree, index: int, write: Write, content: Buffer) -> None:
    parent, name = tree.folder(manifest.parents[index]), manifest.names[index]
    mtime = manifest.mtimes[index]
    file = parent.create_file(name, manifest.kinds[index] == _EXECUTABLE)
    try:
        try:
            write(file, content)
            complete_file(file, mtime)
        finally:
            file.close()
        if BY_PATH:
            parent.set_folder_time(name, mtime)
    except OSError:
        parent.remove_file(name)
        raise


def _create_while(manifest: Manifest, tree: Tree, mine: deque[Member], others: deque[Member]) -> Created:
    """Makes file after file while there are any. An error not about one name stops both threads."""
    made = Created([], [])
    while mine or others:
        try:
            piece, content = mine.popleft() if mine else others.pop()
        except IndexError:  # the other thread had the last one
            break
        index = piece.index
        try:
            parent = tree.folder(manifest.parents[index])
            executable = manifest.kinds[index] == _EXECUTABLE
            parent.create_small(manifest.names[index], executable, content, manifest.mtimes[index])
        except OSError as error:
            made.refused.append((index, error))
            if not is_about_one_name(error):
                mine.clear()
                others.clear()
        else:
            made.done.append(index)
    return made
