"""Pieces become files under staging, in the order of the plan. A large piece is hashed on another thread while it is written."""

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

_PAGE_OF_CACHE = 4096  # what the smallest file takes
HASHED_ASIDE = 256 * limits.KIB  # from here on handing it to another thread costs less than it gains


class Begun:
    """A file that is not complete yet: open, with the bytes so far and their hash."""

    __slots__ = ("file", "hasher", "index", "size")

    def __init__(self, index: int, file: File, size: int, hasher: Hasher) -> None:
        self.index = index
        self.file = file
        self.size = size
        self.hasher = hasher


class Unfinished:
    """Files that are begun: the one in hand, and those of an earlier try or connection until their turn comes."""

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
        """This one's turn comes later; without one, the turn of the one in hand."""
        if begun is None:
            begun, self._in_hand = self._in_hand, None
        if begun is not None:
            self._parked[begun.index] = begun

    def in_hand(self, index: int) -> Begun | None:
        """The one that is written now; else this entry's, if it was parked."""
        if self._in_hand is None:
            self._in_hand = self._parked.pop(index, None)
        return self._in_hand

    def begin(self, begun: Begun) -> None:
        """This one is written now."""
        self._in_hand = begun

    def end(self) -> None:
        """The one in hand is complete."""
        self._in_hand = None

    def take_away(self, index: int) -> Begun | None:
        """This entry's, which goes on no more."""
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
    """What writing has cost: seconds of hashing, those of them beside a write, and bytes given to the system's cache."""

    def __init__(self) -> None:
        self.hashing = 0.0
        self.hashing_aside = 0.0
        self.cached = 0


class PieceWriter:
    """Writes pieces of the files of one manifest. One thread uses it."""

    def __init__(self, manifest: Manifest, creator: Creator) -> None:
        self.spent = Spent()
        self._manifest = manifest
        self._creator = creator
        self._tree = creator.tree
        self._large = LargeWriter()
        self._beside = ThreadPoolExecutor(1, "beside")  # a thread that is made when it is needed

    def whole(self, index: int, content: Buffer, digest: bytes | None) -> bytes:
        """A file that comes in one piece: nothing of it is kept where this fails. Gives its hash. Raises OSError.

        digest: its hash, where that is known already.
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
        """Many files that come whole and are hashed already."""
        made = self._creator.many(members, self._beside)
        self.spent.cached += sum(max(_PAGE_OF_CACHE, self._manifest.sizes[index]) for index in made.done)
        return made

    def begin(self, index: int) -> Begun:
        """A file that comes in pieces. Raises OSError."""
        executable = self._manifest.kinds[index] == EntryKind.EXECUTABLE
        parent = self._tree.folder(self._manifest.parents[index])
        return Begun(index, parent.create_file(self._manifest.names[index], executable), 0, new_hasher())

    def go_on(self, begun: Begun, offset: int, content: Buffer) -> None:
        """The next piece of a begun file. Raises OSError, or SealBroken where it is not the next."""
        if begun.size != offset:
            raise SealBroken
        if content:
            begun.hasher = self._write_hashed(begun.file, begun.hasher, content, begun.size)
            begun.size += len(content)

    def end(self, begun: Begun) -> bytes:
        """A begun file is complete: gives its hash. Raises OSError, and nothing of it is kept then."""
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
        """Ends the thread beside."""
        self._beside.shutdown()

    def _write_hashed(self, file: File, hasher: Hasher, content: Buffer, position: int) -> Hasher:
        """Writes where the file stands, at `position`; gives the hash that goes on with the content.

        What was handed in stays good where writing fails.
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
            after, seconds = job.result()  # not before: whoever lent us the content wants it back
        self.spent.hashing += seconds
        self.spent.hashing_aside += seconds
        return after


def digests_of(manifest: Manifest, members: list[Member]) -> dict[int, bytes]:
    """The hashes of small files that are here in one piece, by index. On any thread."""
    found = {}
    sizes = manifest.sizes
    for piece, content in members:
        size = len(content)
        if size < HASHED_ASIDE and size == sizes[piece.index]:
            found[piece.index] = digest_of(content)
    return found


def opened_at(parent: Folder, name: str, size: int) -> File:
    """A file that is written behind the first `size` bytes of a file; what was there beyond them is cut off. Raises OSError."""
    file = parent.append_file(name)
    try:
        file.cut_to(size)
    except OSError:
        file.close()
        raise
    return file


def _hashed(hasher: Hasher, content: Buffer) -> tuple[Hasher, float]:
    """The hash with this content after what it has, and the seconds that it took."""
    began = time.perf_counter()
    after = hasher.copy()
    after.update(content)
    return after, time.perf_counter() - began
