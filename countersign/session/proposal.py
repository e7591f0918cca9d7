"""What the receiver's person sees before deciding: the whole list, and what this computer would do with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from countersign.pack.manifest import Manifest


@dataclass(frozen=True)
class Proposal:
    """An opened offer. Indices are the manifest's."""

    peer: str
    name: str
    manifest: Manifest
    into: Path
    free: int  # bytes on the target's disk
    held_files: int  # already complete here from an interrupted try
    held_bytes: int
    impossible: dict[int, str]  # entries that this computer can't store, and why
    existing: tuple[str, ...]  # top names that exist in the target
    records: int = 0  # bytes for the list, its journal and its receipt, beside the content

    @property
    def bytes_to_come(self) -> int:
        return self.manifest.bytes - self.held_bytes

    @property
    def fits(self) -> bool:
        return self.bytes_to_come + self.records <= self.free


@dataclass(frozen=True)
class Decision:
    """The person's decision on a proposal."""

    accept: bool
    into: Path | None = None  # a folder other than the proposed one
    unwanted: frozenset[int] = frozenset()
    tell_renamed: bool = False  # whether the sender may learn that names are taken here
