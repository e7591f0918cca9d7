"""`python3 -m tests`: sets itself up and runs every test. Standard library only until pytest starts.

Options: --no-windows leaves out what needs a screen, --brief what need not run on every version of Python. Everything else is
passed to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from countersign import bootstrap  # noqa: E402 - found by the line above

NEEDED = (*bootstrap.MODULES, "hypothesis", "importlinter", "pytest", "pytest_timeout", "xdist", "coverage")
NO_WINDOWS, BRIEF = "--no-windows", "--brief"


def main() -> int:
    """Prepares what is missing, then runs pytest. Returns its exit code."""
    os.chdir(ROOT)
    arguments = sys.argv[1:]
    try:
        if sys.version_info < bootstrap.OLDEST:
            raise bootstrap.SetupProblem("The tests need Python 3.10 or newer.")
        windows = NO_WINDOWS not in arguments
        if windows:
            _check_windows()
        if not bootstrap.all_there(NEEDED):
            python = bootstrap.prepared(ROOT, bootstrap.TESTS)
            return bootstrap.again(python, ["-m", "tests", *arguments])
    except bootstrap.SetupProblem as problem:
        print(problem, file=sys.stderr)
        return bootstrap.EXIT_SETUP
    left_out = [] if windows else ["not window"]
    left_out += ["not once"] if BRIEF in arguments else []
    return _run(left_out, [argument for argument in arguments if argument not in (NO_WINDOWS, BRIEF)])


def _check_windows() -> None:
    """Checks for Tk and a virtual screen. Raises SetupProblem with what to install."""
    rest = "Or leave out the tests that need it: python3 -m tests " + NO_WINDOWS
    if not bootstrap.has_tk():
        raise bootstrap.SetupProblem(f"{bootstrap.tk_missing_text()}\n{rest}")
    if sys.platform != "linux" or shutil.which("Xvfb"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing xvfb, on which the windows are tested …", flush=True)
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "xvfb"]):
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not shutil.which("Xvfb"):
        advice = bootstrap.package_advice({"apt": "xvfb", "dnf": "xorg-x11-server-Xvfb", "pacman": "xorg-server-xvfb",
                                           "zypper": "xorg-x11-server-Xvfb"})  # fmt: skip
        raise bootstrap.SetupProblem(
            f"The windows are tested on a screen that nobody sees, which Xvfb makes. {advice}\n{rest}"
        )


def _run(left_out: list[str], arguments: list[str]) -> int:
    import pytest

    chosen = ["-m", " and ".join(left_out)] if left_out else []
    # with more than two workers, windows and whole processes share two cores badly
    spread = [] if any(argument.startswith(("-n", "-p", "--pdb")) for argument in arguments) else ["-n", "2"]
    return int(pytest.main([*spread, *chosen, *arguments]))


if __name__ == "__main__":
    sys.exit(main())
