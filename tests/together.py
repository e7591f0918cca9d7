"""The same work in several processes at the same moment, as when both apps are opened at once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.queues import Queue
from typing import Any

_SECONDS = 60


def at_once(work: Callable[..., None], calls: list[tuple[Any, ...]]) -> list[Any]:
    """What the processes put into the queue that `work` takes behind its arguments: one thing each, in no order."""
    context = multiprocessing.get_context("spawn")
    answers: Queue[Any] = context.Queue()
    together = [context.Process(target=work, args=(*call, answers)) for call in calls]
    for process in together:
        process.start()
    found = [answers.get(timeout=_SECONDS) for _call in calls]
    for process in together:
        process.join(_SECONDS)
    answers.close()
    answers.join_thread()
    return found
