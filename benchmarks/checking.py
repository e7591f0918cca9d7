"""Checks that what arrived is what was sent: names and sizes after every round, every byte once."""

from __future__ import annotations

import filecmp
import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import BenchmarkError


@dataclass(frozen=True)
class Content:
    """The regular files of a folder: their sizes by relative path."""

    sizes: dict[str, int]

    @property
    def files(self) -> int:
        return len(self.sizes)

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())


def content_of(folder: Path) -> Content:
    """Reads every file's size. Links are left out, because programs treat them differently."""
    sizes: dict[str, int] = {}
    for inside, _folders, names in os.walk(folder):
        for name in names:
            path = os.path.join(inside, name)
            if not os.path.islink(path):
                sizes[os.path.relpath(path, folder)] = os.lstat(path).st_size
    return Content(sizes)


def check(source: Path, expected: Content, arrived: Path, *, full: bool) -> None:
    """Raises BenchmarkError if a file is missing or differs in size or (if full) in content."""
    found = content_of(arrived).sizes
    for name, size in expected.sizes.items():
        if found.get(name) != size:
            raise BenchmarkError(f"{name} arrived with {found.get(name)} bytes instead of {size}")
        if full and not filecmp.cmp(source / name, arrived / name, shallow=False):
            raise BenchmarkError(f"{name} arrived with other content")
