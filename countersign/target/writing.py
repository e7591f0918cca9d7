"""Writes pieces into files under staging, in plan order. Another thread hashes a large piece during its write."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from countersign.base import limits
from countersign.base.errors import SealBroken
from countersign.base.hashing import Hasher, digest_of, new_hasher
from countersign.disk.direct import LargeWriter
from countersign.disk.folders import BY_PATH, File, Folder
from countersign.pack.archive import Buffer, Member
from countersign.pack.manifest import EntryKind, Manifest
from countersign.target.creating import Created, Creator, complete_file

_PAGE_OF_CACHE = 4096  # the cost of the smallest file
HASHED_ASIDE = 256 * limits.KIB  # from this size on, a second thread gains more than it costs


class Begun:
    """An open file that is not complete yet, with its number of bytes so far and their hash."""

    __slots__ = ("file", "hasher", "index", "size")

    def __init__(self, index: int, file: File, size: int, hasher: Hasher) -> None:
        self.index = index
        self.file = file
        self.size = size
        self.hasher = hasher


class Unfinished:
    """The begun files: the one being written, and parked ones from an earlier try or connection."""

    def __init__(self) -> None:
        self._in_hand: Begun | None = None
        self._parked: dict[int, Begun] = {}

    def __contains__(self, index: int) -> bool:
        return index in self._parked or (self._in_hand is not None and self._in_hand.index == index)

    @property
    def is_empty(self) -> bool:
        return self._in_hand is None and not self._parked

    def all(self) -> list[Begun]:
        """All of them, by index."""
        found = [*self._parked.values(), *([self._in_hand] if self._in_hand is not None else [])]
        return sorted(found, key=lambda begun: begun.index)

    def park(self, begun: Begun | None = None) -> None:
        """Parks this file for later; without an argument, the one being written."""
        if begun is None:
            begun, self._in_hand = self._in_hand, None
        if begun is not None:
            self._parked[begun.index] = begun

    def in_hand(self, index: int) -> Begun | None:
        """The file being written; else this entry's file, if it was parked."""
        if self._in_hand is None:
            self._in_hand = self._parked.pop(index, None)
        return self._in_hand

    def begin(self, begun: Begun) -> None:
        """Starts writing this file."""
        self._in_hand = begun

    def end(self) -> None:
        """The file being written is complete."""
        self._in_hand = None

    def take_away(self, index: int) -> Begun | None:
        """Removes and returns this entry's file, which will not continue."""
        if self._in_hand is not None and self._in_hand.index == index:
            begun, self._in_hand = self._in_hand, None
            return begun
        return self._parked.pop(index, None)

    def close(self) -> None:
        """Closes the files."""
        for begun in self.all():
            begun.file.close()
        self._in_hand = None
        self._parked.clear()


class Spent:
    """The cost of writing: seconds of hashing, those parallel to a write, and bytes written to the system's cache."""

    def __init__(self) -> None:
        self.hashing = 0.0
        self.hashing_aside = 0.0
        self.cached = 0


class PieceWriter:
    """Writes file pieces of one manifest. One thread uses it."""

    def __init__(self, manifest: Manifest, creator: Creator) -> None:
        self.spent = Spent()
        self._manifest = manifest
        self._creator = creator
        self._tree = creator.tree
        self._large = LargeWriter()
        self._beside = ThreadPoolExecutor(1, "beside")  # starts its thread when needed

    def whole(self, index: int, content: Buffer, digest: bytes | None) -> bytes:
        """Writes a file that comes in one piece, and returns its hash. Leaves nothing if it fails. Raises OSError.

        digest: its hash, if already known.
        """
        if digest is not None:
            self._creator.one(index, File.write, content)
            self.spent.cached += max(_PAGE_OF_CACHE, len(content))
            return digest
        hasher = new_hasher()

        def write(file: File, content: Buffer) -> None:
            nonlocal hasher
            hasher = self._write_hashed(file, hasher, content, 0)

        self._creator.one(index, write, content)
        return hasher.digest()

    def many(self, members: list[Member]) -> Created:
        """Writes many files that come whole and are already hashed."""
        made = self._creator.many(members, self._beside)
        self.spent.cached += sum(max(_PAGE_OF_CACHE, self._manifest.sizes[index]) for index in made.done)
        return made

    def begin(self, index: int) -> Begun:
        """Starts a file that comes in pieces. Raises OSError."""
        executable = self._manifest.kinds[index] == EntryKind.EXECUTABLE
        parent = self._tree.folder(self._manifest.parents[index])
        return Begun(index, parent.create_file(self._manifest.names[index], executable), 0, new_hasher())

    def go_on(self, begun: Begun, offset: int, content: Buffer) -> None:
        """Writes the next piece of a begun file. Raises OSError, or SealBroken if it is not the next."""
        if begun.size != offset:
            raise SealBroken
        if content:
            begun.hasher = self._write_hashed(begun.file, begun.hasher, content, begun.size)
            begun.size += len(content)

    def end(self, begun: Begun) -> bytes:
        """Completes a begun file and returns its hash. Raises OSError, and then leaves nothing of it."""
        index = begun.index
        mtime = self._manifest.mtimes[index]
        complete_file(begun.file, mtime)
        begun.file.close()
        if BY_PATH:
            parent, name = self._tree.folder(self._manifest.parents[index]), self._manifest.names[index]
            try:
                parent.set_folder_time(name, mtime)
            except OSError:
                parent.remove_file(name)
                raise
        return begun.hasher.digest()

    def close(self) -> None:
        """Ends the hashing thread."""
        self._beside.shutdown()

    def _write_hashed(self, file: File, hasher: Hasher, content: Buffer, position: int) -> Hasher:
        """Writes at the file's current position, `position`. Returns the hash continued with the content.

        The passed hasher stays valid if writing fails.
        """
        if len(content) < HASHED_ASIDE:
            if content:
                file.write(content)
            after, seconds = _hashed(hasher, content)
            self.spent.hashing += seconds
            return after
        job = self._beside.submit(_hashed, hasher, content)
        try:
            self.spent.cached += self._large.write(file, content, position)
        finally:
            after, seconds = job.result()  # always wait: the content's buffer goes back to its owner
        self.spent.hashing += seconds
        self.spent.hashing_aside += seconds
        return after


def digests_of(manifest: Manifest, members: list[Member]) -> dict[int, bytes]:
    """The hashes of small files that come in one piece, by index. Any thread may call it."""
    found = {}
    sizes = manifest.sizes
    for piece, content in members:
        size = len(content)
        if size < HASHED_ASIDE and size == sizes[piece.index]:
            found[piece.index] = digest_of(content)
    return found


def opened_at(parent: Folder, name: str, size: int) -> File:
    """Opens a file for writing after its first `size` bytes, and cuts off the rest. Raises OSError."""
    file = parent.append_file(name)
    try:
        file.cut_to(size)
    except OSError:
        file.close()
        raise
    return file


def _hashed(hasher: Hasher, content: Buffer) -> tuple[Hasher, float]:
    """A copy of the hasher updated with this content, and the seconds it took."""
    began = time.perf_counter()
    after = hasher.copy()
    after.update(content)
    return after, time.perf_counter() - began
