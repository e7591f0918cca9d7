"""Counts the strangers at the door, so that a flood of them is a line every few seconds and not one for each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

EVERY = 5.0  # seconds between two reports


class Strangers:
    """Reports the first at once, and those of the next seconds together. Any thread may call it.

    report: is told how many. wake: somebody should call `tell_due` after `seconds_left`. clock: seconds.
    """

    def __init__(
        self, report: Callable[[int], None], wake: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._report = report
        self._wake = wake
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = 0
        self._told = float("-inf")

    def another(self) -> None:
        """Somebody unknown was refused."""
        with self._lock:
            self._waiting += 1
            first = self._waiting == 1
            due = self._take_due()
        if due:
            self._report(due)
        elif first:
            self._wake()

    def seconds_left(self) -> float | None:
        """Until those who wait should be told; None where nobody does."""
        with self._lock:
            return max(0.0, self._told + EVERY - self._clock()) if self._waiting else None

    def tell_due(self) -> None:
        """Reports those whose time has come."""
        with self._lock:
            due = self._take_due()
        if due:
            self._report(due)

    def _take_due(self) -> int:
        now = self._clock()
        if not self._waiting or now < self._told + EVERY:
            return 0
        due, self._waiting, self._told = self._waiting, 0, now
        return due
