"""Starts syncing early: the disk writes while more arrives, so the last sync has little left to do.

This is only a head start. The last sync decides whether all is on the disk, on a handle that was open all the time:
Linux reports a failed write to each open handle separately, so this handle hides nothing from that one (syncfs(2)).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from countersign.base import limits
from countersign.disk.folders import SYNCS_AT_ONCE, Folder

_LOOK = 0.5  # seconds
_MUCH = 128 * limits.MIB  # less is not worth a separate sync


class EarlySync:
    """A thread that syncs a folder's file system until closed. Does nothing if the system has no such call."""

    def __init__(self, path: Path, written: Callable[[], int]) -> None:
        """written: the bytes written to the system's cache so far."""
        self._path = path
        self._written = written
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        if SYNCS_AT_ONCE:
            self._thread = threading.Thread(target=self._run, name="flushing", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends the thread after its current sync."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            folder = Folder.open_root(self._path)
        except OSError:  # gone or refused: the writer will report it
            return
        try:
            synced = self._written()
            while not self._stopping.wait(_LOOK):
                written = self._written()
                if written - synced >= _MUCH:
                    folder.sync()
                    synced = written
        except OSError:  # the last sync will report it
            return
        finally:
            folder.close()
