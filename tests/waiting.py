"""Waiting for a condition with a deadline: the only way in which a test lets time pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_PAUSE = 0.02


def wait_until(condition: Callable[[], T | None], seconds: float, what: Callable[[], str] | str) -> T:
    """The first true value of `condition`. AssertionError, which names `what`, when it takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s for {what() if callable(what) else what}")
        time.sleep(_PAUSE)
