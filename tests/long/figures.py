"""What a long run reports at its end: one line, and whether the figure was reached."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from countersign.seal import keys
from tests.patched import patched
from tests.transfers import Couple, make_couple

QUICK_KEY = 1 << 7  # key derivation at a thousandth of its cost


@dataclass(frozen=True)
class Figure:
    """A measured value in words, and whether it is what docs/SECURITY.md promises."""

    text: str
    reached: bool
    skipped: bool = False


@contextmanager
def quick_couple(folder: Path | None = None) -> Iterator[Couple]:
    """Two computers that know each other, in a temporary folder, with a fast key derivation."""
    with tempfile.TemporaryDirectory(dir=folder) as made, patched(keys, SCRYPT_N=QUICK_KEY):
        yield make_couple(Path(made))
