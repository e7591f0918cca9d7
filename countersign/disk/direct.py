"""Large pieces go to the disk past the system's cache, where that is known to work: on Linux, on ext4 and XFS.

What is received must be on the disk before we say so; on the way it need not push out of the cache what the person works
with. And the system copies nothing: that is why a piece must lie in memory as it will on the disk, page by page.
open(2) about O_DIRECT; statfs(2) about the numbers of file systems.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import sys

from countersign.base import limits
from countersign.disk.folders import File

PAGE = 4096  # no disk asks for more: place in the file, place in memory and length are multiples of it
_SMALLEST = limits.MIB  # less is written sooner than the disk answers
_KNOWN = frozenset({0xEF53, 0x58465342})  # ext4, XFS
_STATFS_ROOM = 512  # struct statfs has 120 bytes


def on_a_page(size: int) -> memoryview:
    """A buffer that begins on a page."""
    if sys.platform == "win32":
        return memoryview(mmap.mmap(-1, size))
    return memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


class LargeWriter:
    """Writes pieces of files for one thread."""

    def __init__(self) -> None:
        self._works = sys.platform == "linux"

    def write(self, file: File, content: bytes | bytearray | memoryview, position: int) -> int:
        """Writes all of the content where the file stands, which is `position`; gives how many bytes the cache holds of it.

        Raises OSError; the file may then stand anywhere behind `position`.
        """
        view = memoryview(content)
        head = -position % PAGE
        body = (len(view) - head) // PAGE * PAGE
        if body < _SMALLEST or not self._can(file, view[head:]):
            file.write(view)
            return len(view)
        file.write(view[:head])
        past = self._past_the_cache(file, view[head : head + body])
        file.write(view[head + past :])
        return len(view) - past

    def _can(self, file: File, body: memoryview) -> bool:
        return self._works and not body.readonly and _address(body) % PAGE == 0 and _file_system(file) in _KNOWN

    def _past_the_cache(self, file: File, view: memoryview) -> int:
        """How many bytes went this way: all of them, or fewer where the system would not have it."""
        if sys.platform != "linux":
            return 0
        import fcntl

        flags = fcntl.fcntl(file.number, fcntl.F_GETFL)
        done = 0
        try:
            fcntl.fcntl(file.number, fcntl.F_SETFL, flags | os.O_DIRECT)
            while done < len(view) and not done % PAGE:
                done += os.write(file.number, view[done:])
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self._works = False  # it wants something else of us; the cache wants nothing
        finally:
            fcntl.fcntl(file.number, fcntl.F_SETFL, flags)
        return done


def _address(view: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(view))


def _file_system(file: File) -> int:
    """The number of the file system of an open file, 0 where it is not told."""
    if sys.platform != "linux":
        return 0
    room = ctypes.create_string_buffer(_STATFS_ROOM)
    if ctypes.CDLL(None).fstatfs(file.number, room):
        return 0
    return int.from_bytes(room.raw[: ctypes.sizeof(ctypes.c_long)], sys.byteorder)
