"""Separate environments for tools that must not mix with ours. Created once beside the sources, under names that git ignores."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from countersign import bootstrap

ROOT = Path(__file__).resolve().parents[2]


class NotHereError(Exception):
    """The tools are not available on this computer; the text says why."""


def environment(name: str, *packages: str, with_ours: bool = False) -> Path:
    """The folder of programs of an environment with these packages installed. Raises NotHereError."""
    place = ROOT / f".venv-{name}"
    python = bootstrap.python_of(place)
    ready = place / "ready.txt"
    ours = (ROOT / "requirements.txt").read_text() if with_ours else ""
    wanted = "\n".join((sys.version, *packages, ours))
    if not ready.exists() or ready.read_text() != wanted:
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=sys.platform != "win32").create(place)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        asked = [[*pip, *packages]]
        if with_ours:
            asked.insert(0, [*pip, "--require-hashes", "-r", str(ROOT / "requirements.txt")])
        for command in asked:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise NotHereError(
                    f"{', '.join(packages)} could not be installed: {done.stderr.strip().splitlines()[-1:]}"
                )
        ready.write_text(wanted)
    return python.parent
