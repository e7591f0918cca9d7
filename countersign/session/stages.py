"""Pipeline stages: threads work on a bounded number of packs, and results keep the order. Buffers are reused.

A fresh buffer of several megabytes costs more than the cipher that fills it: the system must make its pages.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")
Lent = TypeVar("Lent")

WORKERS = max(2, min(4, os.cpu_count() or 2))
DEPTH = WORKERS + 2  # most jobs in a stage, by default


class BufferPool(Generic[Lent]):
    """Lends buffers and takes them back."""

    def __init__(self, make: Callable[[int], Lent], size: int) -> None:
        """make: returns a new buffer of that many bytes."""
        self._make = make
        self._size = size
        self._free: list[Lent] = []
        self._lock = threading.Lock()

    def lend(self) -> Lent:
        with self._lock:
            if self._free:
                return self._free.pop()
        return self._make(self._size)

    def give_back(self, buffer: Lent) -> None:
        with self._lock:
            self._free.append(buffer)


class OrderedStage(Generic[Job, Result]):
    """Threads that turn jobs into results. `put` and `get` never block longer than asked."""

    def __init__(
        self,
        make_worker: Callable[[], Callable[[Job], Result]],
        name: str,
        on_idle: Callable[[float], None] = lambda _seconds: None,
        workers: int = WORKERS,
        depth: int = DEPTH,
    ) -> None:
        """on_idle: workers call it with the seconds they idled before a job. depth: most jobs put and not yet taken."""
        self._depth = depth
        self._lock = threading.Condition()
        self._jobs: deque[tuple[int, Job]] = deque()
        self._results: dict[int, Result] = {}
        self._put = self._taken = 0
        self._error: BaseException | None = None
        self._stopping = False
        self._make_worker = make_worker
        self._on_idle = on_idle
        self._threads = [threading.Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(workers)]
        for thread in self._threads:
            thread.start()

    @property
    def full(self) -> bool:
        """Whether a result must be taken before the next `put`."""
        with self._lock:
            return self._put - self._taken >= self._depth

    @property
    def idle(self) -> bool:
        """Whether every job's result has been taken."""
        with self._lock:
            return self._put == self._taken

    def put(self, job: Job) -> None:
        """Adds a job; the caller must check `full` first."""
        with self._lock:
            self._jobs.append((self._put, job))
            self._put += 1
            self._lock.notify_all()

    def get(self, seconds: float, consume: Callable[[Result], None] | None = None) -> Result | None:
        """The next result in order, or None on timeout or after `close`. Raises what a worker raised.

        `consume` runs on the result before the stage counts it as taken.
        """
        with self._lock:
            self._lock.wait_for(lambda: self._error or self._stopping or self._taken in self._results, seconds)
            if self._error is not None:
                raise self._error
            result = self._results.pop(self._taken, None)
        if result is None:
            return None
        if consume is not None:
            consume(result)
        with self._lock:
            self._taken += 1
            self._lock.notify_all()
        return result

    def wait_for_room(self, seconds: float) -> bool:
        """Whether a job can be put now or within `seconds`. Raises what a worker raised."""
        with self._lock:
            room = self._lock.wait_for(
                lambda: self._error is not None or self._put - self._taken < self._depth, seconds
            )
            if self._error is not None:
                raise self._error
            return room

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether every job's result is taken, now or within `seconds`. Raises what a worker raised."""
        with self._lock:
            idle = self._lock.wait_for(lambda: self._error is not None or self._put == self._taken, seconds)
            if self._error is not None:
                raise self._error
            return idle

    def close(self) -> None:
        """Ends each thread after its current job."""
        with self._lock:
            self._stopping = True
            self._lock.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        try:
            work = self._make_worker()
            while True:
                began = time.perf_counter()
                with self._lock:
                    self._lock.wait_for(lambda: self._stopping or self._jobs)
                    if self._stopping:
                        return
                    number, job = self._jobs.popleft()
                self._on_idle(time.perf_counter() - began)
                result = work(job)
                with self._lock:
                    self._results[number] = result
                    self._lock.notify_all()
        except BaseException as error:  # noqa: BLE001 - raised where the results are taken
            with self._lock:
                self._error = self._error or error
                self._lock.notify_all()
