"""Reading pieces of the sender's files, and noticing when a file is not the one that was listed."""

from __future__ import annotations

import errno
import stat

from countersign.errors import FolderUnreadable
from countersign.pack.manifest import Manifest
from countersign.pack.plan import Piece
from countersign.transfer.dates import clamped
from countersign.transfer.disk import TOO_MANY_OPEN, File, Tree, disk_problem
from countersign.transfer.selection import Selection


class WithdrawnError(Exception):
    """This file cannot be sent as it was listed. `reason` is one of pack.archive.REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Source:
    """What is sent, for one thread."""

    def __init__(self, selection: Selection, manifest: Manifest) -> None:
        """Raises FolderUnreadable."""
        self._manifest = manifest
        self._path = selection.place
        try:
            self._root = selection.open()
        except OSError as error:
            raise FolderUnreadable(path=self._path, reason=error.strerror or error) from error
        self._tree = Tree(manifest, self._root)

    def read(self, piece: Piece, buffer: memoryview) -> memoryview:
        """The bytes of a piece, in the buffer. Raises WithdrawnError.

        Size and time are compared after it was read: while they are those of the list, nothing has changed since it was made.
        """
        try:
            folder = self._tree.folder(self._manifest.parents[piece.index])
            file = folder.read_file(self._manifest.names[piece.index])
        except OSError as error:
            if error.errno in TOO_MANY_OPEN:
                raise disk_problem(error, self._path) from error  # our trouble, not that file's
            raise WithdrawnError(_reason(error)) from error
        try:
            room = buffer[: piece.length]
            if file.read_at(room, piece.offset) != piece.length:
                raise WithdrawnError("changed")
            self._check_same(file, piece.index)
        except OSError as error:
            raise WithdrawnError("unreadable") from error
        finally:
            file.close()
        return room

    def close(self) -> None:
        self._tree.close()
        self._root.close()

    def _check_same(self, file: File, index: int) -> None:
        status = file.status()
        date = clamped(status.st_mtime_ns)  # as it is in the list
        same = status.st_size == self._manifest.sizes[index] and date == self._manifest.mtimes[index]
        if not same or not stat.S_ISREG(status.st_mode):
            raise WithdrawnError("changed")


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "vanished"
    if error.errno in (errno.ELOOP, errno.EMLINK):  # a link stands there now (EMLINK: how FreeBSD and old macOS say it)
        return "changed"
    return "unreadable"
