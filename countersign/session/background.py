"""Work beside the session's thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


def paced(act: Callable[[], None], seconds: float = 0.1) -> Callable[[], None]:
    """`act`, but not more often than this, for loops over many small things: asking the clock costs a tenth of a microsecond."""
    due = time.monotonic() + seconds

    def maybe() -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due:
            act()
            due = now + seconds

    return maybe


class Background(Generic[T]):
    """Work on a thread of its own, whose result or error is taken later."""

    def __init__(self, work: Callable[[], T], name: str) -> None:
        self._work = work
        self._result: T | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - handed to whoever takes the result
            self._error = error

    def ended(self, seconds: float | None = 0.0) -> bool:
        """Whether it is done, now or within `seconds`; None waits for its end. Returns in the moment in which it ends."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def unless_failed(self) -> T | None:
        """What it gave, or None where it raised; waits for it."""
        self._thread.join()
        return self._result

    def result(self) -> T:
        """What it gave; waits for it, and raises what it raised."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]
