"""Counts refused strangers, so a flood of them gives one report every few seconds, not one each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

EVERY = 5.0  # seconds between two reports


class Strangers:
    """Reports the first at once, and those of the next seconds together. Any thread may call it.

    report: called with their number. wake: asks for a call of `tell_due` after `seconds_left`. clock: seconds.
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
        """Counts a refused stranger."""
        with self._lock:
            self._waiting += 1
            first = self._waiting == 1
            due = self._take_due()
        if due:
            self._report(due)
        elif first:
            self._wake()

    def seconds_left(self) -> float | None:
        """Seconds until the next report is due; None if there is nothing to report."""
        with self._lock:
            return max(0.0, self._told + EVERY - self._clock()) if self._waiting else None

    def tell_due(self) -> None:
        """Reports if a report is due."""
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
