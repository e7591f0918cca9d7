"""The list of a folder's entries, in columns so that a million of them stay small, and its wire form.

The order is depth first, with ascending names in each folder: parents precede their children, and no name occurs twice.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Annotated

import msgspec

from countersign.base import limits
from countersign.base.errors import OfferRefused
from countersign.pack.names import check_component, check_target

TOP = -1  # the parent of top entries


class EntryKind(IntEnum):
    """The kinds of entries."""

    FOLDER = 0
    FILE = 1
    EXECUTABLE = 2
    LINK = 3


_FILES = frozenset({int(EntryKind.FILE), int(EntryKind.EXECUTABLE)})
Int64 = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]


class Entry(msgspec.Struct, array_like=True, frozen=True, gc=False, forbid_unknown_fields=True):
    """One entry in its wire form. size in bytes, mtime in nanoseconds since 1970."""

    kind: Annotated[int, msgspec.Meta(ge=0, le=3)]
    parent: Annotated[int, msgspec.Meta(ge=-1, lt=limits.MAX_ENTRIES)]
    name: str
    size: Annotated[int, msgspec.Meta(ge=0, le=limits.MAX_TOTAL_BYTES)]
    mtime: Int64
    target: str


def places_of(column: bytearray, value: int) -> Iterator[int]:
    """The positions of a value in a column of single bytes, ascending."""
    at = column.find(value)
    while at >= 0:
        yield at
        at = column.find(value, at + 1)


class Manifest:
    """Entries in columns; an index identifies an entry."""

    def __init__(self) -> None:
        self.kinds = bytearray()
        self.parents = array("i")
        self.names: list[str] = []
        self.sizes = array("q")
        self.mtimes = array("q")
        self.targets: dict[int, str] = {}
        self.files = 0
        self.bytes = 0
        self._prefix = (TOP, "")  # of the last requested entry's folder: neighbours share it

    def __len__(self) -> int:
        return len(self.kinds)

    def add(self, entry: Entry) -> int:
        """Appends an entry and returns its index. The caller keeps the order."""
        index = len(self.kinds)
        self.kinds.append(entry.kind)
        self.parents.append(entry.parent)
        self.names.append(entry.name)
        self.sizes.append(entry.size)
        self.mtimes.append(entry.mtime)
        if entry.target:
            self.targets[index] = entry.target
        if entry.kind in _FILES:
            self.files += 1
            self.bytes += entry.size
        return index

    def add_file(self, kind: int, parent: int, name: str, size: int, mtime: int) -> None:
        """Like `add`, for a file, without making an Entry: saves 50 ms on a list of 200,000."""
        self.kinds.append(kind)
        self.parents.append(parent)
        self.names.append(name)
        self.sizes.append(size)
        self.mtimes.append(mtime)
        self.files += 1
        self.bytes += size

    def same_as(self, other: Manifest) -> bool:
        """Whether both are equal in every field."""
        return (
            self.names == other.names
            and self.parents == other.parents
            and self.kinds == other.kinds
            and self.sizes == other.sizes
            and self.mtimes == other.mtimes
            and self.targets == other.targets
        )

    def entry(self, index: int) -> Entry:
        """The entry at an index."""
        return Entry(
            self.kinds[index],
            self.parents[index],
            self.names[index],
            self.sizes[index],
            self.mtimes[index],
            self.targets.get(index, ""),
        )

    def is_file(self, index: int) -> bool:
        return self.kinds[index] in _FILES

    def folders(self) -> list[int]:
        """The indexes of all folders, ascending: parents before children."""
        return list(places_of(self.kinds, EntryKind.FOLDER))

    def files_without(self, those: Iterable[int]) -> tuple[int, int]:
        """The number of files and their bytes, not counting those."""
        left_out = [index for index in those if self.is_file(index)]
        return self.files - len(left_out), self.bytes - sum(self.sizes[index] for index in left_out)

    def top(self) -> list[int]:
        """The indexes of the top entries, ascending."""
        return [index for index, parent in enumerate(self.parents) if parent == TOP]

    def components(self, index: int) -> tuple[str, ...]:
        """The components of an entry's path, top first."""
        chain = []
        while index != TOP:
            chain.append(self.names[index])
            index = self.parents[index]
        return tuple(reversed(chain))

    def path(self, index: int) -> str:
        """An entry's path with slashes: for display, receipts and journals, never for opening."""
        parent = self.parents[index]
        folder, prefix = self._prefix
        if folder != parent:
            prefix = "".join(f"{name}/" for name in self.components(parent))
            self._prefix = (parent, prefix)
        return prefix + self.names[index]

    def depth(self, index: int) -> int:
        """The number of folders above an entry."""
        return len(self.components(index)) - 1

    def batches(self) -> Iterator[bytes]:
        """The wire form in batches; at least one."""
        encoder = msgspec.msgpack.Encoder()
        at = 0
        while True:
            count = min(limits.BATCH_ENTRIES, len(self) - at)
            batch = encoder.encode([self.entry(i) for i in range(at, at + count)])
            while len(batch) > limits.BATCH_BYTES and count > 1:  # one entry cannot be split: the other side judges it
                count //= 2
                batch = encoder.encode([self.entry(i) for i in range(at, at + count)])
            at += count
            yield batch
            if at >= len(self):
                return


class _Level:
    """An open folder while the list is read: its index and name, its last child, the length of its path."""

    __slots__ = ("index", "last", "name", "path_bytes")

    def __init__(self, index: int, name: str, path_bytes: int) -> None:
        self.index = index
        self.name = name
        self.last = ""
        self.path_bytes = path_bytes


class Outline:
    """Follows a list entry by entry and checks every rule on names and order. Keeps only the open folders.

    Every breach is OfferRefused.
    """

    def __init__(self) -> None:
        self._levels = [_Level(TOP, "", 0)]
        self._names_bytes = 0
        self._count = 0

    def add(self, kind: int, parent: int, name: str, target: str) -> None:
        """Checks the next entry."""
        levels = self._levels
        while levels[-1].index != parent:
            levels.pop()
            if not levels:
                raise OfferRefused
        level = levels[-1]
        name_bytes = check_component(name)
        path_bytes = level.path_bytes + 1 + name_bytes
        self._names_bytes += name_bytes + len(target)
        if self._names_bytes > limits.MAX_NAMES_BYTES or path_bytes > limits.MAX_PATH_BYTES:
            raise OfferRefused
        if name <= level.last:
            raise OfferRefused
        level.last = name
        if (kind == EntryKind.LINK) != bool(target):
            raise OfferRefused
        if target and not check_target(target, len(levels) - 1):
            raise OfferRefused
        if kind == EntryKind.FOLDER:
            if len(levels) > limits.MAX_DEPTH:
                raise OfferRefused
            levels.append(_Level(self._count, name, path_bytes))
        self._count += 1

    def components(self, kind: int, name: str) -> list[str]:
        """The path components of the last added entry, top first."""
        above = self._levels[1:-1] if kind == EntryKind.FOLDER else self._levels[1:]
        return [*(level.name for level in above), name]


class ManifestReader:
    """Builds a manifest from a peer's batches and checks every rule. Every breach is OfferRefused."""

    def __init__(self, entries: int, files: int, total: int) -> None:
        self.manifest = Manifest()
        self._expected = (entries, files, total)
        self._outline = Outline()
        self._decoder = msgspec.msgpack.Decoder(list[Entry], strict=True)

    def add_batch(self, payload: memoryview | bytes) -> None:
        """Adds one batch."""
        try:
            batch = self._decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise OfferRefused from None
        if not batch or len(batch) > limits.BATCH_ENTRIES or len(self.manifest) + len(batch) > self._expected[0]:
            raise OfferRefused
        for entry in batch:
            if entry.kind not in _FILES and entry.size:
                raise OfferRefused
            self._outline.add(entry.kind, entry.parent, entry.name, entry.target)
            self.manifest.add(entry)
        if self.manifest.bytes > self._expected[2]:
            raise OfferRefused

    def finish(self) -> Manifest:
        """The manifest, if it matches the announced numbers."""
        found = (len(self.manifest), self.manifest.files, self.manifest.bytes)
        if found != self._expected:
            raise OfferRefused
        return self.manifest
