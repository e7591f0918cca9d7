"""The receiver's list of hashes, and the sender's verdict on it. No input or output; see docs/PROTOCOL.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from countersign.base import limits
from countersign.base.errors import ProtocolProblem
from countersign.base.hashing import DIGEST
from countersign.pack.manifest import Manifest
from countersign.pack.payload import decoded
from countersign.pack.plan import Index, bitmap, has_bit
from countersign.pack.reasons import Reason

_Reason = Annotated[int, msgspec.Meta(ge=0, le=int(max(Reason)))]


class Arrival(msgspec.Struct, frozen=True):
    """The first payload of the hashes: the time when all had arrived, as RFC 3339."""

    time: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Run(msgspec.Struct, frozen=True):
    """Hashes and skipped entries, from the end of the last run up to `upto`."""

    upto: Annotated[int, msgspec.Meta(ge=1, le=limits.MAX_ENTRIES)]
    skipped: Annotated[list[tuple[Index, _Reason]], msgspec.Meta(max_length=limits.RUN_ENTRIES)]
    hashes: Annotated[bytes, msgspec.Meta(max_length=limits.RUN_ENTRIES * DIGEST)]


class Verdict(msgspec.Struct, frozen=True):
    """A bitmap of the entries that differ from what was sent."""

    differing: bytes


def encode(payload: Arrival | Run | Verdict) -> bytes:
    return msgspec.msgpack.encode(payload)


def runs(manifest: Manifest, skipped: Mapping[int, Reason], digests: bytearray) -> Iterator[Run]:
    """All runs, in manifest order. digests: DIGEST bytes an entry, used for files that are not skipped."""
    for first in range(0, len(manifest), limits.RUN_ENTRIES):
        upto = min(first + limits.RUN_ENTRIES, len(manifest))
        left_out = [(i, int(skipped[i])) for i in range(first, upto) if i in skipped] if skipped else []
        yield Run(upto, left_out, hashes_of(manifest, first, upto, skipped, digests))


def hashes_of(manifest: Manifest, first: int, upto: int, skipped: Mapping[int, Reason], digests: bytearray) -> bytes:
    """The concatenated hashes of the files in [first, upto) that are not skipped."""
    view = memoryview(digests)
    return b"".join(
        view[DIGEST * i : DIGEST * (i + 1)] for i in range(first, upto) if manifest.is_file(i) and i not in skipped
    )


class Arrived:
    """Reads a receiver's hashes. Every breach of the form is ProtocolProblem."""

    def __init__(self, manifest: Manifest) -> None:
        self.time = ""
        self.skipped: dict[int, Reason] = {}
        self.runs: list[tuple[int, int, bytes]] = []  # first, upto, hashes
        self._manifest = manifest
        self._next = 0

    def add(self, payload: memoryview | bytes) -> None:
        """Takes the next payload."""
        if not self.time:
            self.time = decoded(payload, Arrival).time
            return
        run = decoded(payload, Run)
        first, upto = self._next, run.upto
        if not first < upto <= min(len(self._manifest), first + limits.RUN_ENTRIES):
            raise ProtocolProblem
        last = first - 1
        for index, reason in run.skipped:
            if not last < index < upto:
                raise ProtocolProblem
            self.skipped[index] = Reason(reason)
            last = index
        files = sum(1 for i in range(first, upto) if self._manifest.is_file(i) and i not in self.skipped)
        if len(run.hashes) != DIGEST * files:
            raise ProtocolProblem
        self.runs.append((first, upto, run.hashes))
        self._next = upto

    def finish(self) -> None:
        """Call this after the last payload. Raises ProtocolProblem if entries are missing."""
        if self._next != len(self._manifest):
            raise ProtocolProblem

    def differing(self, digests: bytearray) -> list[int]:
        """The files whose hash differs from the one in `digests` (DIGEST bytes an entry), ascending."""
        found = []
        for first, upto, theirs in self.runs:
            if theirs == hashes_of(self._manifest, first, upto, self.skipped, digests):
                continue
            at = 0
            for i in range(first, upto):
                if self._manifest.is_file(i) and i not in self.skipped:
                    if theirs[at : at + DIGEST] != digests[DIGEST * i : DIGEST * (i + 1)]:
                        found.append(i)
                    at += DIGEST
        return found


def verdict_on(differing: list[int], manifest: Manifest) -> Verdict:
    return Verdict(bitmap(len(manifest), differing))


def decode_verdict(payload: memoryview | bytes, manifest: Manifest, skipped: Mapping[int, Reason]) -> list[int]:
    """The entries that differ, ascending. Raises ProtocolProblem for one that is not an arrived file."""
    differing = decoded(payload, Verdict).differing
    if not differing:
        return []
    count = len(manifest)
    if len(differing) != (count + 7) // 8 or (count % 8 and differing[-1] >> (count % 8)):
        raise ProtocolProblem
    found = [i for i in range(count) if has_bit(differing, i)]
    if not all(manifest.is_file(i) and i not in skipped for i in found):
        raise ProtocolProblem
    return found
