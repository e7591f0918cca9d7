"""What the receiver's person sees before deciding: the whole list and what would become of it here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from countersign.pack.manifest import Manifest


@dataclass(frozen=True)
class Proposal:
    """An offer with its list open. Indices are the manifest's."""

    peer: str
    name: str
    manifest: Manifest
    into: Path
    free: int  # bytes on that disk
    held_files: int  # complete here from an interrupted try
    held_bytes: int
    impossible: dict[int, str]  # entries that can't live on this computer, and why
    existing: tuple[str, ...]  # top names that are there already
    records: int = 0  # bytes that the list, its journal and its receipt take here beside the content

    @property
    def bytes_to_come(self) -> int:
        return self.manifest.bytes - self.held_bytes

    @property
    def fits(self) -> bool:
        return self.bytes_to_come + self.records <= self.free


@dataclass(frozen=True)
class Decision:
    """What the person says to a proposal."""

    accept: bool
    into: Path | None = None  # another folder than the proposed one
    unwanted: frozenset[int] = frozenset()
    tell_renamed: bool = False  # whether the sender may know that names are taken here
