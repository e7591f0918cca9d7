"""Selects this system's disk operations, and explains what its errors mean for a person."""

from __future__ import annotations

import errno
import os
import sys
from collections import OrderedDict
from typing import TypeAlias

from countersign.pack.manifest import TOP, Manifest

if sys.platform == "win32":
    from countersign.disk.windows import (
        LINKS_WORK as LINKS_WORK,
        SYNCS_AT_ONCE as SYNCS_AT_ONCE,
        File as File,
        Folder as Folder,
        allow_many_handles as allow_many_handles,
        is_link as is_link,
        remove_tree as remove_tree,
    )

    BY_PATH = True  # times can only be set on a closed file
else:
    from countersign.disk.posix import (
        LINKS_WORK as LINKS_WORK,
        SYNCS_AT_ONCE as SYNCS_AT_ONCE,
        File as File,
        Folder as Folder,
        allow_many_handles as allow_many_handles,
        is_link as is_link,
        remove_tree as remove_tree,
    )

    BY_PATH = False

# errors for a name that the file system cannot store (EINVAL: a colon on FAT; EILSEQ: bytes that are no text there)
_NAME_TROUBLE = frozenset({errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ, errno.EEXIST, errno.EFBIG})
_OPEN_FOLDERS = 16
Spot: TypeAlias = tuple[int, int]  # device and inode: they identify a file or folder, whatever path led to it
TOO_MANY_OPEN = frozenset({errno.EMFILE, errno.ENFILE})


def is_about_one_name(error: OSError) -> bool:
    """Whether the error concerns this entry only, and others can still be stored."""
    return error.errno in _NAME_TROUBLE


def spot_of(status: os.stat_result) -> Spot:
    """Device and inode. On Windows `os.scandir` returns neither, `Folder.status` both."""
    return status.st_dev, status.st_ino


class Tree:
    """Opens the folders of a manifest under a root, one level at a time; the last used stay open. One thread uses it.

    A returned folder is valid until the next request, which may close it; using it then is an AssertionError.
    """

    def __init__(self, manifest: Manifest, root: Folder) -> None:
        self._manifest = manifest
        self._root = root
        self._open: OrderedDict[int, Folder] = OrderedDict()

    def folder(self, index: int) -> Folder:
        """The open folder of an entry; TOP is the root."""
        if index == TOP:
            return self._root
        found = self._open.get(index)
        if found is not None:
            self._open.move_to_end(index)
            return found
        # making room may close the parent's handle, so use it first
        opened = self.folder(self._manifest.parents[index]).folder(self._manifest.names[index])
        self._open[index] = opened
        if len(self._open) > _OPEN_FOLDERS:
            self._open.popitem(last=False)[1].close()
        return opened

    def close(self) -> None:
        """Closes all folders but the root."""
        while self._open:
            self._open.popitem()[1].close()
