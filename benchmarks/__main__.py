"""`python3 -m benchmarks`: sets itself up, then measures. Standard library only until that is done."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from countersign import bootstrap  # noqa: E402 - found by the line above


def main() -> int:
    """Prepares what is missing, then measures. Returns the exit code."""
    if sys.platform == "win32":
        print("The benchmarks need a system with ssh, tar and wait4.", file=sys.stderr)
        return 2
    os.chdir(ROOT)
    try:
        if sys.version_info < bootstrap.OLDEST:
            raise bootstrap.SetupProblem("The benchmarks need Python 3.10 or newer.")
        if not bootstrap.all_there(bootstrap.MODULES):
            python = bootstrap.prepared(ROOT, bootstrap.RUN)
            return bootstrap.again(python, ["-m", "benchmarks", *sys.argv[1:]])
    except bootstrap.SetupProblem as problem:
        print(problem, file=sys.stderr)
        return bootstrap.EXIT_SETUP
    from benchmarks.commands import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
