"""The hashes of the sender's files: taken while reading for sending, or by reading again if a file was not sent whole.

Nothing counts as arrived before the receiver's hashes were compared with these.
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
        self.digests = bytearray(DIGEST * len(manifest))  # zeros while unknown: no content has that hash
        self._sizes = manifest.sizes
        self._turn = threading.Condition()
        self._running: dict[int, _Running] = {}
        self._in_part: frozenset[int] = frozenset()
        self._abandoned = False

    def begin(self, in_part: Iterable[int]) -> None:
        """Starts a new connection. in_part: files sent without their beginning, so sending cannot hash them whole."""
        with self._turn:
            self._running, self._in_part, self._abandoned = {}, frozenset(in_part), False

    def take(self, members: Iterable[tuple[Piece, memoryview]]) -> None:
        """Hashes what was read. Pieces of one file come from several threads; each waits for its turn."""
        sizes, digests, parts = self._sizes, self.digests, []
        for piece, content in members:  # nearly all are whole files: for 200,000 small ones each name lookup counts
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
        running.hasher.update(content)  # no other thread has the turn
        with self._turn:
            running.upto += piece.length
            if running.upto == self._sizes[index]:
                self._set(index, running.hasher.digest())
                del self._running[index]
            self._turn.notify_all()

    def withdraw(self, index: int) -> None:
        """A piece of this file could not be read: threads stop waiting for it."""
        with self._turn:
            self._running.setdefault(index, _Running()).withdrawn = True
            self._turn.notify_all()

    def abandon(self) -> None:
        """Sending has ended: releases threads that wait for their turn."""
        with self._turn:
            self._abandoned = True
            self._turn.notify_all()

    def known(self, index: int) -> bool:
        """Whether this file's hash is known."""
        return any(self.digests[DIGEST * index : DIGEST * (index + 1)])

    def forget(self, indices: Iterable[int]) -> None:
        """Forgets files that are sent again."""
        for index in indices:
            self._set(index, bytes(DIGEST))

    def read_again(
        self, selection: Selection, manifest: Manifest, those: Iterable[int], stopped: Callable[[], bool]
    ) -> None:
        """Hashes these files from our disk. A changed or unreadable one stays unknown.

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
    """A file whose first `upto` bytes are hashed."""

    __slots__ = ("hasher", "upto", "withdrawn")

    def __init__(self) -> None:
        self.hasher: Hasher = new_hasher()
        self.upto = 0
        self.withdrawn = False


def _pieces(index: int, size: int) -> Iterable[Piece]:
    """A file in parts that fit the buffer; an empty file is one part."""
    if not size:
        yield Piece(index, 0, 0)
    for offset in range(0, size, limits.MIB):
        yield Piece(index, offset, min(limits.MIB, size - offset))
