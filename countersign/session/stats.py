"""Measures where a transfer's time goes: seconds of work and of waiting for each stage, and the current bottleneck.

Each stage adds once a pack, not once a file, so it is always on: 10 µs a pack, measured. Seconds of parallel threads
add up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from countersign.session.stages import WORKERS
from countersign.session.status import StageTime, StageTimes

LISTING = "listing"
READING = "reading"  # waiting: a worker may make no pack until earlier ones are sent
ZIPPING = "zipping"
SEALING = "sealing"
SENDING = "sending"  # TLS; waiting: for the network, or for the peer to take more
NEXT_PACK = "next_pack"  # waiting: no pack is ready to send

RECEIVING = "receiving"  # TLS; waiting: nothing arrives
OPENING = "opening"  # waiting: a worker has no pack to open
INFLATING = "inflating"
HASHING = "hashing"
WRITING = "writing"  # waiting: no pack is ready to write
ROOM = "room"  # waiting: the pipeline is full
PUBLISHING = "publishing"  # links, times, syncing the disk, renames
RECEIPT = "receipt"

SENDERS = (LISTING, READING, HASHING, ZIPPING, SEALING, SENDING, NEXT_PACK, RECEIPT)
RECEIVERS = (RECEIVING, OPENING, INFLATING, HASHING, WRITING, ROOM, PUBLISHING)

_SPAN = 1.0  # seconds that a judgement covers
_LITTLE = 0.05  # fraction of that time: less waiting is no sign

Times = dict[str, tuple[float, float]]


class Stats:
    """The times of one session; its threads add to them."""

    def __init__(self, stages: tuple[str, ...], clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self.first_data = 0.0  # seconds from the start to the first pack
        self._began = clock()
        self._lock = threading.Lock()
        self._times: Times = dict.fromkeys(stages, (0.0, 0.0))
        self._mark = self._began
        self._before: Times = dict(self._times)
        self._slow = ""

    def add(self, stage: str, work: float = 0.0, waiting: float = 0.0) -> None:
        """Adds seconds. Any thread may call it."""
        with self._lock:
            before = self._times[stage]
            self._times[stage] = (before[0] + work, before[1] + waiting)

    @contextmanager
    def working(self, stage: str) -> Iterator[None]:
        """Adds the block's time as work."""
        began = self.clock()
        try:
            yield
        finally:
            self.add(stage, self.clock() - began)

    def data_begins(self) -> None:
        """Notes the time of the first pack; later calls do nothing."""
        self.first_data = self.first_data or self.clock() - self._began

    def slow(self) -> str:
        """The current bottleneck: "disk", "processor", "network", or "" while unknown."""
        now = self.clock()
        with self._lock:
            if now - self._mark >= _SPAN:
                spent = {
                    name: (work - self._before[name][0], waiting - self._before[name][1])
                    for name, (work, waiting) in self._times.items()
                }
                if any(work + waiting for work, waiting in spent.values()):
                    self._slow = holds_up(spent, now - self._mark)
                self._mark, self._before = now, dict(self._times)
        return self._slow

    def status(self) -> StageTimes:
        """All times, for faces."""
        with self._lock:
            stages = tuple(StageTime(name, work, waiting) for name, (work, waiting) in self._times.items())
        return StageTimes(stages, self.clock() - self._began, self.first_data)


def holds_up(spent: Times, seconds: float) -> str:
    """A side's bottleneck, from the times of its stages in the last `seconds`.

    The connection's thread decides: it waits for the network, or for our own stages, or it works. To the sender, a
    receiver that does not take more looks like a slow network.
    """

    def of(*names: str) -> float:
        return sum(spent[name][0] for name in names if name in spent)

    sending = SENDING in spent
    line_work, line = spent[SENDING if sending else RECEIVING]
    own = spent[NEXT_PACK if sending else ROOM][1]
    if max(line, own) < _LITTLE * seconds or line_work >= max(line, own):
        return "processor" if line_work else ""
    if line >= own:
        return "network"
    disk = of(READING) if sending else of(WRITING)
    computing = of(ZIPPING, SEALING) if sending else of(OPENING, INFLATING) / WORKERS + of(HASHING)
    return "disk" if disk > computing else "processor"
