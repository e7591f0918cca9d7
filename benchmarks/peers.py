"""What all measured programs have in common."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from benchmarks.measure import Round


class Peer(Protocol):
    """A program that moves one folder into another on this computer."""

    name: str

    def missing(self) -> str | None:
        """How to install what is missing; None if nothing is."""

    def version(self) -> str:
        """The version it reports."""

    def prepare(self) -> None:
        """Sets up servers, keys and environments, once, before the first round."""

    def transfer(self, source: Path, target: Path) -> Round:
        """Moves the content of `source` into `target`, an empty folder from the caller. Raises BenchmarkError."""

    def close(self) -> None:
        """Ends what `prepare` started."""


def lacking(programs: dict[str, str]) -> str | None:
    """How to install the programs that are not on PATH. programs: Debian package by program."""
    packages = sorted({package for program, package in programs.items() if shutil.which(program) is None})
    return f"apt install {' '.join(packages)}" if packages else None


def version_of(*command: str) -> str:
    """The first version number that a program prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return "?"
    found = re.search(r"\d+\.\d+[\w.]*", done.stdout + done.stderr)
    return found.group(0) if found else "?"
