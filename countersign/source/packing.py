"""The sender's stages: all cores read, zip and seal the plan's packs, and the results keep the order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import NamedTuple

from countersign.base import limits
from countersign.pack.archive import PackWriter
from countersign.pack.manifest import Manifest
from countersign.pack.plan import PackPlan, Piece
from countersign.seal.stream import Sealer
from countersign.session.stages import BufferPool, OrderedStage
from countersign.session.stats import HASHING, READING, SEALING, ZIPPING, Stats
from countersign.source.hashing import SentHashes
from countersign.source.reading import Source, WithdrawnError
from countersign.source.selection import Selection

_MANY = 32  # small files: parallel readers would only take the GIL from each other at every call


class SealedPack(NamedTuple):
    """A pack that is ready to send. Afterwards `buffer` goes back to the pool."""

    plan: PackPlan
    token: memoryview
    buffer: bytearray
    withdrawn: list[tuple[int, str]]


class Packing:
    """Turns a plan into sealed packs."""

    def __init__(
        self,
        selection: Selection,
        manifest: Manifest,
        plan: Iterator[PackPlan],
        sealer: Sealer,
        now: Callable[[], float],
        stats: Stats,
        hashes: SentHashes,
    ) -> None:
        self._selection = selection
        self._manifest = manifest
        self._plan = plan
        self._sealer = sealer
        self._now = now
        self._stats = stats
        self._hashes = hashes
        self._contents = BufferPool(bytearray, limits.PACK_BYTES)
        self._tokens = BufferPool(bytearray, limits.PACK_CAP)
        self._withdrawn: dict[int, str] = {}
        self._lock = threading.Lock()
        self._one_at_a_time = threading.Lock()
        self._sources: list[Source] = []
        self._planned_all = False
        self._stage: OrderedStage[PackPlan, SealedPack] = OrderedStage(
            self._worker, "packing", lambda seconds: stats.add(READING, waiting=seconds)
        )

    def next(self, seconds: float) -> SealedPack | None:
        """The next pack, or None if it is not ready in time."""
        while not self._planned_all and not self._stage.full:
            plan = next(self._plan)
            self._planned_all = plan.last
            self._stage.put(plan)
        return self._stage.get(seconds)

    @property
    def finished(self) -> bool:
        """Whether the last pack has been taken."""
        return self._planned_all and self._stage.idle

    def give_back(self, pack: SealedPack) -> None:
        """Returns a sent pack's buffer."""
        self._tokens.give_back(pack.buffer)

    def close(self) -> None:
        self._hashes.abandon()
        self._stage.close()
        for source in self._sources:
            source.close()

    def _worker(self) -> Callable[[PackPlan], SealedPack]:
        source = Source(self._selection, self._manifest)
        with self._lock:
            self._sources.append(source)
        return lambda plan: self._build(source, plan)

    def _build(self, source: Source, plan: PackPlan) -> SealedPack:
        contents = self._contents.lend()
        view = memoryview(contents)
        writer = PackWriter()
        members: list[tuple[Piece, memoryview]] = []
        withdrawn: list[tuple[int, str]] = []
        with self._one_at_a_time if len(plan.pieces) >= _MANY else nullcontext(), self._stats.working(READING):
            for piece in plan.pieces:
                try:
                    members.append((piece, self._read(source, piece, view)))
                except WithdrawnError as error:
                    withdrawn.append((piece.index, error.reason))
                    continue
                view = view[piece.length :]
        with self._stats.working(HASHING):
            self._hashes.take(members)
        with self._stats.working(ZIPPING):
            for piece, content in members:
                writer.add(piece, content)
            parts = writer.finish(withdrawn)
        buffer = self._tokens.lend()
        with self._stats.working(SEALING):
            token = self._sealer.seal(plan.number, plan.last, parts, int(self._now()), buffer)
        self._contents.give_back(contents)
        return SealedPack(plan, token, buffer, withdrawn)

    def _read(self, source: Source, piece: Piece, view: memoryview) -> memoryview:
        """A piece's content, unless this or another thread has withdrawn its file."""
        reason = self._withdrawn.get(piece.index)
        if reason is not None:
            raise WithdrawnError(reason)
        try:
            return source.read(piece, view)
        except WithdrawnError as error:
            with self._lock:
                self._withdrawn[piece.index] = error.reason
            self._hashes.withdraw(piece.index)
            raise
