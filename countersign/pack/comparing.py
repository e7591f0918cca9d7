"""Compares two manifests in one walk, since both are in the same order."""

from __future__ import annotations

from collections.abc import Iterator

from countersign.pack.manifest import Manifest


def same_files(new: Manifest, old: Manifest) -> Iterator[tuple[int, int]]:
    """Index pairs of the files with equal path, kind, size and date."""
    i = j = 0
    while i < len(new) and j < len(old):
        left, right = new.components(i), old.components(j)
        if left < right:
            i += 1
        elif right < left:
            j += 1
        else:
            if new.is_file(i) and new.kinds[i] == old.kinds[j]:
                if new.sizes[i] == old.sizes[j] and new.mtimes[i] == old.mtimes[j]:
                    yield i, j
            i, j = i + 1, j + 1
