"""The receiver's stages: all cores open and unzip tokens, and one thread writes them to staging in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from countersign.base import limits
from countersign.base.errors import SealBroken
from countersign.disk.direct import PAGE, on_a_page
from countersign.pack.archive import Pack, content_at, read_pack
from countersign.pack.plan import PackPlan
from countersign.seal.stream import INNER, Opener
from countersign.session.stages import WORKERS, BufferPool, OrderedStage
from countersign.session.stats import HASHING, INFLATING, OPENING, WRITING, Stats
from countersign.target.flushing import EarlySync
from countersign.target.staging import Staging
from countersign.target.writing import digests_of

_LOOK = 0.1
# Every unwritten pack is sent again after a kill: one per worker, and the one being written.
_DEPTH = WORKERS + 1


class _Token(NamedTuple):
    plan: PackPlan
    token: memoryview
    buffer: bytearray


class _Opened(NamedTuple):
    pack: Pack
    digests: dict[int, bytes]
    buffer: memoryview


class Unpacking:
    """Takes tokens as they arrive; `packs_done` counts the written packs."""

    def __init__(self, staging: Staging, opener: Opener, stats: Stats, on_error: Callable[[], None]) -> None:
        """on_error: called from another thread after an error, so that the waiting thread calls `check`."""
        self.packs_done = 0
        self._on_error = on_error
        self._staging = staging
        self._opener = opener
        self._stats = stats
        self._tokens = BufferPool(bytearray, limits.PACK_CAP)
        self._plains = BufferPool(on_a_page, limits.PACK_CAP + PAGE)
        self._lent: dict[int, bytearray] = {}
        self._stage: OrderedStage[_Token, _Opened] = OrderedStage(
            lambda: self._open, "unpacking", lambda seconds: stats.add(OPENING, waiting=seconds), depth=_DEPTH
        )
        self._stopping = threading.Event()
        self._error: BaseException | None = None
        self._flushing = EarlySync(staging.path, lambda: staging.writer.spent.cached)
        self._idle_since = time.perf_counter()
        self._writer = threading.Thread(target=self._write_all, name="writing", daemon=True)
        self._writer.start()

    def allocate(self, n: int) -> bytearray:
        """A buffer for the next pack's body, lent until the pack is opened."""
        buffer = self._tokens.lend() if n <= limits.PACK_CAP else bytearray(n)
        self._lent[id(buffer)] = buffer
        return buffer

    def put(self, plan: PackPlan, token: memoryview) -> None:
        """Hands over a pack; the caller must wait for room first."""
        owner = token.obj
        assert isinstance(owner, bytearray)
        self._lent.pop(id(owner), None)
        self._stage.put(_Token(plan, token, owner))

    def wait_for_room(self, seconds: float) -> bool:
        """Whether a pack can be put within `seconds`. Raises any stage's error."""
        self.check()
        return self._stage.wait_for_room(seconds)

    def check(self) -> None:
        """Raises any stage's error."""
        if self._error is not None:
            raise self._error

    def wait_until_idle(self, seconds: float) -> bool:
        """Whether all packs are written, now or within `seconds`. Raises any stage's error."""
        self.check()
        return self._stage.wait_until_idle(seconds)

    def close(self) -> None:
        """Writes the packs that have arrived whole, then ends the threads."""
        while self._error is None and not self._stage.idle and self._writer.is_alive():
            self._writer.join(_LOOK)
        self._stopping.set()
        self._stage.close()
        self._writer.join()
        self._flushing.close()

    def _open(self, job: _Token) -> _Opened:
        plain_buffer = self._plains.lend()
        with self._stats.working(OPENING):
            last, payload = self._opener.open_frame(job.plan.number, job.token, plain_buffer[_shift(job.plan) :])
        self._tokens.give_back(job.buffer)
        if last != job.plan.last:
            raise SealBroken
        with self._stats.working(INFLATING):
            pack = read_pack(payload, job.plan.pieces)
        with self._stats.working(HASHING):
            digests = digests_of(self._staging.manifest, pack.members)
        return _Opened(pack, digests, plain_buffer)

    def _write_all(self) -> None:
        try:
            while not self._stopping.is_set():
                opened = self._stage.get(_LOOK, self._write_one)
                if opened is not None:
                    self._plains.give_back(opened.buffer)
        except BaseException as error:  # noqa: BLE001 - raised where packs are put or awaited
            self._error = error
            self._on_error()

    def _write_one(self, opened: _Opened) -> None:
        began = time.perf_counter()
        spent = self._staging.writer.spent
        hashed, aside = spent.hashing, spent.hashing_aside
        self._staging.write(opened.pack.members, opened.pack.withdrawn, opened.digests)
        hashing = spent.hashing - hashed
        aside = spent.hashing_aside - aside
        ended = time.perf_counter()
        self._stats.add(WRITING, ended - began - hashing + aside, began - self._idle_since)
        self._stats.add(HASHING, hashing)
        self._idle_since = ended
        self.packs_done += 1


def _shift(plan: PackPlan) -> int:
    """The buffer offset that aligns pages of the pack's first file with pages of memory: see disk.direct."""
    if not plan.pieces:
        return 0
    first = plan.pieces[0]
    return -(INNER + content_at(first) - first.offset) % PAGE
