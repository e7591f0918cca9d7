"""What the sender knows of its own files: the hash of each as it was read for sending, or read once more where it was not sent whole.

The receiver's hashes are compared with these before anything is called arrived.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from countersign.base import limits
from countersign.base.errors import Cancelled
from countersign.base.hashing import DIGEST, Hasher, digest_of, new_hasher
from countersign.pack.manifest import Manifest
from countersign.pack.plan import Piece
from countersign.source.reading import Source, WithdrawnError
from countersign.source.selection import Selection


class SentHashes:
    """The hashes of one session, over all its connections. Any thread may call `take`."""

    def __init__(self, manifest: Manifest) -> None:
        self.digests = bytearray(DIGEST * len(manifest))  # zeros where nothing is known: no content has that hash
        self._sizes = manifest.sizes
        self._turn = threading.Condition()
        self._running: dict[int, _Running] = {}
        self._in_part: frozenset[int] = frozenset()
        self._abandoned = False

    def begin(self, in_part: Iterable[int]) -> None:
        """A new connection. in_part: files of which the beginning is not sent, so that what is sent says nothing of the whole."""
        with self._turn:
            self._running, self._in_part, self._abandoned = {}, frozenset(in_part), False

    def take(self, members: Iterable[tuple[Piece, memoryview]]) -> None:
        """Hashes what was read. Pieces of one file come from several threads; each waits until it is its turn."""
        sizes, digests, parts = self._sizes, self.digests, []
        for piece, content in members:  # nearly all are whole files: of 200,000 small ones each name looked up counts
            index = piece.index
            if piece.length == sizes[index]:
                digests[DIGEST * index : DIGEST * index + DIGEST] = digest_of(content)
            else:
                parts.append((piece, content))
        for piece, content in parts:
            self._take_part(piece, content)

    def _take_part(self, piece: Piece, content: memoryview) -> None:
        index = piece.index
        if index in self._in_part:
            return
        with self._turn:
            running = self._running.setdefault(index, _Running())
            self._turn.wait_for(lambda: running.upto == piece.offset or running.withdrawn or self._abandoned)
            if running.withdrawn or self._abandoned:
                return
        running.hasher.update(content)  # nobody else has the turn
        with self._turn:
            running.upto += piece.length
            if running.upto == self._sizes[index]:
                self._set(index, running.hasher.digest())
                del self._running[index]
            self._turn.notify_all()

    def withdraw(self, index: int) -> None:
        """A piece of this file could not be read: nobody waits for it."""
        with self._turn:
            self._running.setdefault(index, _Running()).withdrawn = True
            self._turn.notify_all()

    def abandon(self) -> None:
        """Nobody sends any more: threads that wait for their turn go on."""
        with self._turn:
            self._abandoned = True
            self._turn.notify_all()

    def known(self, index: int) -> bool:
        """Whether this file was hashed to its end."""
        return any(self.digests[DIGEST * index : DIGEST * (index + 1)])

    def forget(self, indices: Iterable[int]) -> None:
        """These are sent again."""
        for index in indices:
            self._set(index, bytes(DIGEST))

    def read_again(
        self, selection: Selection, manifest: Manifest, those: Iterable[int], stopped: Callable[[], bool]
    ) -> None:
        """Hashes these files from the sender's disk. One that cannot be read, or changed, stays unknown.

        Raises FolderUnreadable, or Cancelled once `stopped`.
        """
        source = Source(selection, manifest)
        buffer = memoryview(bytearray(limits.MIB))
        try:
            for index in those:
                hasher = new_hasher()
                try:
                    for piece in _pieces(index, manifest.sizes[index]):
                        if stopped():
                            raise Cancelled
                        hasher.update(source.read(piece, buffer))
                except WithdrawnError:
                    continue
                self._set(index, hasher.digest())
        finally:
            source.close()

    def _set(self, index: int, digest: bytes) -> None:
        self.digests[DIGEST * index : DIGEST * (index + 1)] = digest


class _Running:
    """A file of which the first `upto` bytes were hashed."""

    __slots__ = ("hasher", "upto", "withdrawn")

    def __init__(self) -> None:
        self.hasher: Hasher = new_hasher()
        self.upto = 0
        self.withdrawn = False


def _pieces(index: int, size: int) -> Iterable[Piece]:
    """A file in parts that fit the buffer; a file of no bytes is one part."""
    if not size:
        yield Piece(index, 0, 0)
    for offset in range(0, size, limits.MIB):
        yield Piece(index, offset, min(limits.MIB, size - offset))
