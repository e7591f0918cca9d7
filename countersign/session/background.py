"""Runs work beside the session's thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


def paced(act: Callable[[], None], seconds: float = 0.1) -> Callable[[], None]:
    """`act`, at most once per `seconds`, for loops over many small items: reading the clock costs 0.1 µs."""
    due = time.monotonic() + seconds

    def maybe() -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            act()
            due = now + seconds

    return maybe


class Background(Generic[T]):
    """A job on its own thread, whose result or error is taken later."""

    def __init__(self, work: Callable[[], T], name: str) -> None:
        self._work = work
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - raised where the result is taken
            self._error = error

    def ended(self, seconds: float | None = 0.0) -> bool:
        """Whether it has ended, now or within `seconds`; None waits without limit. Returns as soon as it ends."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def unless_failed(self) -> T | None:
        """Waits for the result; None if it raised."""
        self._thread.join()
        return self._result

    def result(self) -> T:
        """Waits for the result, or raises what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]
