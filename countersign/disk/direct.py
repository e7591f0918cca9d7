"""Writes large pieces past the system's cache, where that is known to work: on Linux, on ext4 and XFS.

Received data must be on the disk before we confirm it, so caching it would only push out what the person works with.
The system also copies nothing: therefore a piece must be aligned to pages in memory as it will be on the disk.
See open(2) for O_DIRECT and statfs(2) for the numbers of file systems.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import sys

from countersign.base import limits
from countersign.disk.folders import File

PAGE = 4096  # no disk needs more: file offset, memory address and length are multiples of it
_SMALLEST = limits.MIB  # smaller writes finish sooner through the cache
_KNOWN = frozenset({0xEF53, 0x58465342})  # ext4, XFS
_STATFS_ROOM = 512  # struct statfs has 120 bytes


def on_a_page(size: int) -> memoryview:
    """A page-aligned buffer."""
    if sys.platform == "win32":
        return memoryview(mmap.mmap(-1, size))
    return memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


class LargeWriter:
    """Writes pieces of files for one thread."""

    def __init__(self) -> None:
        self._works = sys.platform == "linux"

    def write(self, file: File, content: bytes | bytearray | memoryview, position: int) -> int:
        """Writes the content at the file's current position, `position`. Returns how many bytes went to the cache.

        Raises OSError; the file's position may then be anywhere from `position` on.
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
        """Returns how many bytes went past the cache: fewer than all if the system refused."""
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
            self._works = False  # it has other requirements; the cache has none
        finally:
            fcntl.fcntl(file.number, fcntl.F_SETFL, flags)
        return done


def _address(view: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(view))


def _file_system(file: File) -> int:
    """The file system's number for an open file, 0 if unknown."""
    if sys.platform != "linux":
        return 0
    room = ctypes.create_string_buffer(_STATFS_ROOM)
    if ctypes.CDLL(None).fstatfs(file.number, room):
        return 0
    return int.from_bytes(room.raw[: ctypes.sizeof(ctypes.c_long)], sys.byteorder)
