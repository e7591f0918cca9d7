"""Lets the disk begin before the end: it writes while more arrives, so that the last sync finds little left.

Only a head start. Whether all of it is on the disk is said by the last sync, on a handle that was open all the time:
Linux tells every open handle of a failed write by itself, so this one can hide nothing from that one (syncfs(2)).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from countersign.base import limits
from countersign.disk.folders import SYNCS_AT_ONCE, Folder

_LOOK = 0.5  # seconds
_MUCH = 128 * limits.MIB  # less is not worth a sync of its own


class EarlySync:
    """A thread that syncs the file system of a folder until it is closed. Nothing where the system cannot at once."""

    def __init__(self, path: Path, written: Callable[[], int]) -> None:
        """written: how many bytes the system's cache was given so far."""
        self._path = path
        self._written = written
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        if SYNCS_AT_ONCE:
            self._thread = threading.Thread(target=self._run, name="flushing", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the thread after what it is at."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            folder = Folder.open_root(self._path)
        except OSError:  # gone or refused: the writer will say so
            return
        try:
            synced = self._written()
            while not self._stopping.wait(_LOOK):
                written = self._written()
                if written - synced >= _MUCH:
                    folder.sync()
                    synced = written
        except OSError:  # the last sync says so
            return
        finally:
            folder.close()
