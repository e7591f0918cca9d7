"""Turns counts into Progress values, at most ten a second."""

from __future__ import annotations

from collections.abc import Callable

from countersign.base import limits
from countersign.session.status import Progress, Report


class Meter:
    """Reports at most one Progress per STATUS_SECONDS. The clock (seconds) is passed in."""

    WINDOW = 5.0

    def __init__(
        self,
        report: Report,
        clock: Callable[[], float],
        files: int,
        total: int,
        done: int = 0,
        slow: Callable[[], str] = lambda: "",
    ) -> None:
        self._report = report
        self._slow = slow
        self._clock = clock
        self._total = total
        self._files = files
        self._last = float("-inf")
        self._held = False
        self._marks: list[tuple[float, int]] = [(clock(), done)]

    def hold(self) -> None:
        """A person has paused: leave this time out of the rate."""
        self._held = True

    def update(self, files_done: int, bytes_done: int, *, final: bool = False) -> None:
        """Reports if a report is due, or if this is the last."""
        now = self._clock()
        if self._held:
            self._marks, self._held = [(now, bytes_done)], False
        if not final and now - self._last < limits.STATUS_SECONDS:
            return
        self._last = now
        self._marks.append((now, bytes_done))
        while len(self._marks) > 2 and now - self._marks[1][0] > self.WINDOW:
            self._marks.pop(0)
        began, before = self._marks[0]
        rate = (bytes_done - before) / (now - began) if now > began else 0.0
        eta = (self._total - bytes_done) / rate if rate > 0 else None
        self._report(Progress(bytes_done, self._total, files_done, self._files, rate, eta, self._slow()))
