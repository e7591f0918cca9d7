"""A lock between processes, on an open file: the system releases it when its holder dies. Standard library only."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from countersign.base.handles import Handle

_PAUSE = 0.05


@contextlib.contextmanager
def file_lock(path: Path, seconds: float = 60.0) -> Iterator[None]:
    """Holds the lock at `path`, made if missing. Raises TimeoutError if it is not free within `seconds`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with Handle(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)) as handle:
        deadline = time.monotonic() + seconds
        while not _take(handle.number):
            if time.monotonic() > deadline:
                raise TimeoutError(str(path))
            time.sleep(_PAUSE)
        yield  # closing releases the lock


def hold(path: Path) -> Handle | None:
    """Takes the lock at `path` without waiting: a handle that holds it until closed, or None."""
    handle = Handle(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
    if _take(handle.number):
        return handle
    handle.close()
    return None


if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
