"""Reads pieces of the sender's files, and notices a file that has changed since the scan."""

from __future__ import annotations

import errno
import os
import stat

from countersign.base import limits
from countersign.base.errors import FolderUnreadable
from countersign.base.refusals import disk_errors, disk_problem
from countersign.disk.dates import clamped
from countersign.disk.folders import TOO_MANY_OPEN, Tree
from countersign.pack.manifest import Manifest
from countersign.pack.plan import Piece
from countersign.source.selection import Selection

_SMALL = 64 * limits.KIB  # a file up to this size is read in one call


class WithdrawnError(Exception):
    """This file cannot be sent as listed. `reason` is one of pack.archive.REASONS."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Source:
    """Reads what is sent, for one thread."""

    def __init__(self, selection: Selection, manifest: Manifest) -> None:
        """Raises FolderUnreadable."""
        self._manifest = manifest
        self._path = selection.place
        with disk_errors(self._path, FolderUnreadable):
            self._root = selection.open()
        self._tree = Tree(manifest, self._root)

    def read(self, piece: Piece, buffer: memoryview) -> memoryview:
        """The bytes of a piece, in the buffer. Raises WithdrawnError.

        Size and time are compared after reading: if they still match the list, nothing has changed since the scan.
        """
        index, length = piece.index, piece.length
        room = buffer[:length]
        try:
            folder = self._tree.folder(self._manifest.parents[index])
            if length <= _SMALL and length == self._manifest.sizes[index]:
                count, status = folder.read_small(self._manifest.names[index], room)
                if count != length or not self._is_same(status, index):
                    raise WithdrawnError("changed")
                return room
            file = folder.read_file(self._manifest.names[index])
        except OSError as error:
            if error.errno in TOO_MANY_OPEN:
                raise disk_problem(error, self._path) from error  # our problem, not that file's
            raise WithdrawnError(_reason(error)) from error
        try:
            if file.read_at(room, piece.offset) != length or not self._is_same(file.status(), index):
                raise WithdrawnError("changed")
        except OSError as error:
            raise WithdrawnError("unreadable") from error
        finally:
            file.close()
        return room

    def close(self) -> None:
        self._tree.close()
        self._root.close()

    def _is_same(self, status: os.stat_result, index: int) -> bool:
        """Whether this is still the listed file: a file with the listed size and date."""
        listed, date = self._manifest.mtimes[index], status.st_mtime_ns
        same = status.st_size == self._manifest.sizes[index] and (date == listed or clamped(date) == listed)
        return same and stat.S_ISREG(status.st_mode)


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "vanished"
    if error.errno in (errno.ELOOP, errno.EMLINK):  # a link is there now (EMLINK: on FreeBSD and old macOS)
        return "changed"
    return "unreadable"
