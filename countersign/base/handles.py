"""An open file or folder as an object that owns its number. A leaf; standard library only.

The system uses the number of a closed file again for the next one that is opened. Whoever kept a copy of a number would
then read or write another file. So no other object ever holds a number, and using one that was closed is our own bug.
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
        """The number, for one call of the system and never to be kept. AssertionError where it was closed."""
        if self._number == _CLOSED:
            raise AssertionError("a handle was used after it was closed")
        return self._number

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._number == _CLOSED

    def close(self) -> None:
        """Gives the number back to the system. AssertionError where that was done already."""
        number, self._number = self.number, _CLOSED
        os.close(number)

    def __enter__(self: _H) -> _H:
        return self

    def __exit__(self, *_details: object) -> None:
        if not self.closed:
            self.close()


class OpenFile(Handle):
    """What every system does alike with an open file."""

    __slots__ = ()

    def cut_to(self, size: int) -> None:
        """Cuts off what lies behind `size`, and writes on from there."""
        os.ftruncate(self.number, size)
        os.lseek(self.number, size, os.SEEK_SET)

    def status(self) -> os.stat_result:
        return os.fstat(self.number)
