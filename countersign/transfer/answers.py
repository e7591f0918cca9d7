"""Where a session waits for its person: one slot for each question, filled from any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from countersign import limits


class Answers:
    """What the person has said so far. `wake` is called after every change, so that a waiting session looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, Any] = {}
        self._cancelled = threading.Event()
        self._paused_at: float | None = None
        self._wakers: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def say(self, question: str, answer: Any) -> None:
        """Answers a question: `code`, `key` (text) or `decision` (Decision)."""
        with self._lock:
            self._said[question] = answer
        self._wake()

    @property
    def paused(self) -> bool:
        """Whether the person has paused; for PAUSE_SECONDS at most."""
        since = self._paused_at
        return since is not None and time.monotonic() - since < limits.PAUSE_SECONDS

    @property
    def paused_too_long(self) -> bool:
        """Whether a pause has run out."""
        return self._paused_at is not None and not self.paused

    def pause(self, wanted: bool) -> None:
        """Holds the data up, or lets it go on."""
        self._paused_at = time.monotonic() if wanted else None
        self._wake()

    def cancel(self) -> None:
        """Ends the session as soon as it looks."""
        self._cancelled.set()
        self._wake()

    def take(self, question: str) -> Any | None:
        """The answer, once; None while there is none."""
        with self._lock:
            return self._said.pop(question, None)

    def forget(self, question: str) -> None:
        """Drops an answer that was given before its question."""
        with self._lock:
            self._said.pop(question, None)

    def on_change(self, waker: Callable[[], None]) -> None:
        """Calls `waker` after every change from now on."""
        with self._lock:
            self._wakers.append(waker)
        if self.cancelled:
            waker()

    def no_more_changes(self, waker: Callable[[], None]) -> None:
        """Takes `on_change` back."""
        with self._lock:
            self._wakers = [other for other in self._wakers if other != waker]

    def wait_cancelled(self, seconds: float) -> bool:
        """Waits so long, or until cancelled."""
        return self._cancelled.wait(seconds)

    def _wake(self) -> None:
        with self._lock:
            wakers = list(self._wakers)
        for waker in wakers:
            waker()
