"""What every program that is measured has in common."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from benchmarks.measure import Round


class Competitor(Protocol):
    """A program that moves a folder to another one on this computer."""

    name: str

    def missing(self) -> str | None:
        """How to install what is missing; None where nothing is."""

    def version(self) -> str:
        """What it says of itself."""

    def prepare(self) -> None:
        """Servers, keys, environments: once, before the first round."""

    def transfer(self, source: Path, target: Path) -> Round:
        """Moves the content of `source` into `target`, an empty folder of the caller's. Raises BenchmarkError."""

    def close(self) -> None:
        """Ends what `prepare` has started."""


def lacking(programs: dict[str, str]) -> str | None:
    """programs: the package of Debian by program. How to install those that are not on PATH."""
    packages = sorted({package for program, package in programs.items() if shutil.which(program) is None})
    return f"apt install {' '.join(packages)}" if packages else None


def version_of(*command: str) -> str:
    """The first version number that a program prints about itself."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "?"
    found = re.search(r"\d+\.\d+[\w.]*", done.stdout + done.stderr)
    return found.group(0) if found else "?"
