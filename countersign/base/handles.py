"""An open file or folder is an object that owns its number (file descriptor). A leaf; standard library only.

The system reuses a closed file's number for the next file it opens. A kept copy of the number would then read or write
the wrong file. So no other object ever holds a number, and using a closed one is our own bug.
"""

from __future__ import annotations

import os
from typing import TypeVar

_H = TypeVar("_H", bound="Handle")
_CLOSED = -1


class Handle:
    """Owns one number. Close it once."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    @property
    def number(self) -> int:
        """The number, for one system call and never to be kept. AssertionError if closed."""
        if self._number == _CLOSED:
            raise AssertionError("a handle was used after it was closed")
        return self._number

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._number == _CLOSED

    def close(self) -> None:
        """Returns the number to the system. AssertionError if already closed."""
        number, self._number = self.number, _CLOSED
        os.close(number)

    def __enter__(self: _H) -> _H:
        return self

    def __exit__(self, *_details: object) -> None:
        if not self.closed:
            self.close()


class OpenFile(Handle):
    """The operations on an open file that are the same on every system."""

    __slots__ = ()

    def cut_to(self, size: int) -> None:
        """Truncates to `size` and continues writing there."""
        os.ftruncate(self.number, size)
        os.lseek(self.number, size, os.SEEK_SET)

    def status(self) -> os.stat_result:
        return os.fstat(self.number)
