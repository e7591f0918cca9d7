"""Tracks what is here of one manifest: complete files and their hashes, given-up entries and reasons, and the sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from countersign.base.hashing import DIGEST
from countersign.pack.manifest import Manifest
from countersign.pack.plan import bitmap
from countersign.pack.reasons import Reason


class Holdings:
    """One thread writes; any thread may read the sums."""

    def __init__(self, manifest: Manifest, unwanted: Mapping[int, Reason]) -> None:
        self.manifest = manifest
        self.skipped: dict[int, Reason] = dict(unwanted)
        self.digests = bytearray(DIGEST * len(manifest))  # zeros if there is none
        self.complete = bytearray(len(manifest))
        self.files = 0
        self.bytes = 0  # of complete files, and of partial ones so far

    def add(self, index: int, digest: bytes) -> None:
        """Adds a complete file. The writer counts its bytes."""
        self.complete[index] = 1
        self.digests[DIGEST * index : DIGEST * (index + 1)] = digest
        self.files += 1

    def add_whole(self, indices: list[int], digests: Mapping[int, bytes]) -> None:
        """Adds files that came whole."""
        for index in indices:
            self.complete[index] = 1
            self.digests[DIGEST * index : DIGEST * index + DIGEST] = digests[index]
        self.files += len(indices)
        self.bytes += sum(self.manifest.sizes[index] for index in indices)

    def drop(self, index: int) -> None:
        """Removes a complete file."""
        self.complete[index] = 0
        self.files -= 1
        self.bytes -= self.manifest.sizes[index]

    def digest(self, index: int) -> bytes:
        """The hash of a complete file."""
        return bytes(self.digests[DIGEST * index : DIGEST * (index + 1)])

    def is_wanted(self, index: int) -> bool:
        return index not in self.skipped

    def skip_inside(self, folder: int, reason: Reason) -> None:
        """Skips the content of a folder that could not be made. It directly follows its folder in the list."""
        parents = self.manifest.parents
        index = folder + 1
        while index < len(parents) and parents[index] >= folder:
            self.skipped.setdefault(index, reason)
            index += 1

    def held(self) -> bytes:
        """A bitmap of the complete entries."""
        return bitmap(len(self.complete), [i for i, done in enumerate(self.complete) if done])

    def unwanted(self) -> bytes:
        """A bitmap of the given-up entries."""
        return bitmap(len(self.complete), [i for i in self.skipped if not self.complete[i]])

    def top_entries(self) -> Iterable[int]:
        """The entries that are published with one rename each."""
        return [i for i in self.manifest.top() if i not in self.skipped]
