"""The controls that work at any moment: cancel, pause, resume. Any thread may use them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from countersign.base import limits


class Controls:
    """Two flags. Every change wakes the waiting threads, so they look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._paused_at: float | None = None
        self._wakers: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Makes the session end as soon as it looks."""
        self._cancelled.set()
        self.wake()

    def wait_cancelled(self, seconds: float) -> bool:
        """Waits for `seconds`, or until cancelled."""
        return self._cancelled.wait(seconds)

    @property
    def paused(self) -> bool:
        """Whether the person has paused; true for at most PAUSE_SECONDS."""
        since = self._paused_at
        return since is not None and time.monotonic() - since < limits.PAUSE_SECONDS

    @property
    def paused_too_long(self) -> bool:
        """Whether a pause has run out."""
        return self._paused_at is not None and not self.paused

    def pause(self, wanted: bool) -> None:
        """Pauses or resumes the data."""
        self._paused_at = time.monotonic() if wanted else None
        self.wake()

    def on_change(self, waker: Callable[[], None]) -> None:
        """Calls `waker` after every change from now on."""
        with self._lock:
            self._wakers.append(waker)
        if self.cancelled:
            waker()

    def no_more_changes(self, waker: Callable[[], None]) -> None:
        """Undoes `on_change`."""
        with self._lock:
            self._wakers = [other for other in self._wakers if other != waker]

    def wake(self) -> None:
        """Makes waiting threads look again."""
        with self._lock:
            wakers = list(self._wakers)
        for waker in wakers:
            waker()
