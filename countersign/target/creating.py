"""Small files that come whole. Making one is the system's work, which lets go of the interpreter: two threads make many."""

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
MANY = 512  # files in a pack from which a second thread is worth its while: of 246 a pack it made nothing faster

Write: TypeAlias = Callable[[File, Buffer], object]


class Created(NamedTuple):
    """Entries that are complete, and those that the disk refused; after one that is not about its name no other was begun."""

    done: list[int]
    refused: list[tuple[int, OSError]]


class Creator:
    """Makes the files of one manifest under one root. One thread uses it; `many` takes another to help."""

    def __init__(self, manifest: Manifest, root: Folder) -> None:
        self.tree = Tree(manifest, root)
        self._helpers = Tree(manifest, root)  # a tree is for one thread
        self._manifest = manifest

    def one(self, index: int, write: Write, content: Buffer) -> None:
        """Makes the file of an entry; `write` gets the open file and the content. Nothing of it is kept where this fails.

        Raises OSError.
        """
        _create(self._manifest, self.tree, index, write, content)

    def many(self, members: Sequence[Member], helper: Executor) -> Created:
        """Makes the files of all these, half of them on a thread of the helper's.

        Each goes through its half in order, so that the two are in different folders: the system lets one at a time into each.
        Whoever is done first takes what is left of the other's, from its end.
        """
        half = len(members) // 2
        ours, theirs = deque(members[:half]), deque(members[half:])
        job = helper.submit(_create_while, self._manifest, self._helpers, theirs, ours)
        try:
            done, refused = _create_while(self._manifest, self.tree, ours, theirs)
        finally:
            other = job.result()  # not before: whoever lent us the content wants it back
        return Created(done + other.done, refused + other.refused)

    def close(self) -> None:
        """Closes all folders but the root."""
        self.tree.close()
        self._helpers.close()


def complete_file(file: File, mtime: int) -> None:
    """The last that an open file gets. mtime in nanoseconds since 1970."""
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
    """Makes one file after the other while there are any. What is not about one name ends it for both threads."""
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
