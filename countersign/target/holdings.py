"""What is here of one manifest: which files are complete, their hashes, what is given up and why, and the sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from countersign.base.hashing import DIGEST
from countersign.pack.manifest import Manifest
from countersign.pack.plan import bitmap
from countersign.pack.reasons import Reason


class Holdings:
    """One thread writes; the sums may be read by any."""

    def __init__(self, manifest: Manifest, unwanted: Mapping[int, Reason]) -> None:
        self.manifest = manifest
        self.skipped: dict[int, Reason] = dict(unwanted)
        self.digests = bytearray(DIGEST * len(manifest))  # zeros where there is none
        self.complete = bytearray(len(manifest))
        self.files = 0
        self.bytes = 0  # of complete files, and of what there is of others

    def add(self, index: int, digest: bytes) -> None:
        """A file is complete. Its bytes are counted by whoever wrote them."""
        self.complete[index] = 1
        self.digests[DIGEST * index : DIGEST * (index + 1)] = digest
        self.files += 1

    def add_whole(self, indices: list[int], digests: Mapping[int, bytes]) -> None:
        """These came whole."""
        for index in indices:
            self.complete[index] = 1
            self.digests[DIGEST * index : DIGEST * index + DIGEST] = digests[index]
        self.files += len(indices)
        self.bytes += sum(self.manifest.sizes[index] for index in indices)

    def drop(self, index: int) -> None:
        """A complete file is none any more."""
        self.complete[index] = 0
        self.files -= 1
        self.bytes -= self.manifest.sizes[index]

    def digest(self, index: int) -> bytes:
        """The hash of a complete file."""
        return bytes(self.digests[DIGEST * index : DIGEST * (index + 1)])

    def is_wanted(self, index: int) -> bool:
        return index not in self.skipped

    def skip_inside(self, folder: int, reason: Reason) -> None:
        """What lies in a folder that could not be made cannot be kept either. It follows its folder without a gap."""
        parents = self.manifest.parents
        index = folder + 1
        while index < len(parents) and parents[index] >= folder:
            self.skipped.setdefault(index, reason)
            index += 1

    def held(self) -> bytes:
        """A bitmap of what is complete."""
        return bitmap(len(self.complete), [i for i, done in enumerate(self.complete) if done])

    def unwanted(self) -> bytes:
        """A bitmap of what is given up."""
        return bitmap(len(self.complete), [i for i in self.skipped if not self.complete[i]])

    def top_entries(self) -> Iterable[int]:
        """The entries that are published by a rename each."""
        return [i for i in self.manifest.top() if i not in self.skipped]
