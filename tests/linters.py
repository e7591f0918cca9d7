"""`python3 tests/linters.py NAME [ARGUMENTS]`: runs a linter of the environment that `python3 -m tests` has made. Standard library only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def find(name: str) -> Path | None:
    """The program in the environment of this version of Python, or in the usual one."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    folder, ending = ("Scripts", ".exe") if sys.platform == "win32" else ("bin", "")
    places = (ROOT / environment / folder / (name + ending) for environment in (f".venv-{version}", ".venv"))
    return next((place for place in places if place.is_file()), None)


def main() -> int:
    """Gives the linter's exit code."""
    name, *arguments = sys.argv[1:]
    program = find(name)
    if program is None:
        print(f"{name} is not installed. `python3 -m tests` sets up the environment that has it.", file=sys.stderr)
        return 1
    return subprocess.run([program, *arguments], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
