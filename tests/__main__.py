"""`python3 -m tests`: sets itself up and runs every test. Standard library only until pytest starts.

Options: --no-windows leaves out what needs a screen, --brief what need not be run on every version of Python; everything else goes
to pytest.
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
    """Prepares what is missing, then runs pytest; gives its exit code."""
    os.chdir(ROOT)
    arguments = sys.argv[1:]
    windows = NO_WINDOWS not in arguments
    rest = "Or leave out the tests that need it: python3 -m tests " + NO_WINDOWS
    ended = set_up("tests", windows, rest)
    if ended is not None:
        return ended
    left_out = [] if windows else ["not window"]
    left_out += ["not once"] if BRIEF in arguments else []
    return _run(left_out, [argument for argument in arguments if argument not in (NO_WINDOWS, BRIEF)])


def set_up(module: str, windows: bool, rest: str = "") -> int | None:
    """None if everything is installed. Otherwise installs it, starts `python -m module` again, and gives its exit code.

    rest: what else to try without a screen.
    """
    try:
        if sys.version_info < bootstrap.OLDEST:
            raise bootstrap.SetupProblem("The tests need Python 3.10 or newer.")
        if windows:
            _check_windows(rest)
        if not bootstrap.all_there(NEEDED):
            return bootstrap.again(bootstrap.prepared(ROOT, bootstrap.TESTS), ["-m", module, *sys.argv[1:]])
    except bootstrap.SetupProblem as problem:
        print(problem, file=sys.stderr)
        return bootstrap.EXIT_SETUP
    return None


def _check_windows(rest: str) -> None:
    """Tk, and a screen that nobody sees. Raises SetupProblem with what to install."""
    if not bootstrap.has_tk():
        raise bootstrap.SetupProblem(f"{bootstrap.tk_missing_text()}\n{rest}".rstrip())
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
            f"The windows are tested on a screen that nobody sees, which Xvfb makes. {advice}\n{rest}".rstrip()
        )


def _run(left_out: list[str], arguments: list[str]) -> int:
    import pytest

    chosen = ["-m", " and ".join(left_out)] if left_out else []
    # windows and whole processes share two cores badly with more than two workers
    spread = [] if any(argument.startswith(("-n", "-p", "--pdb")) for argument in arguments) else ["-n", "2"]
    return int(pytest.main([*spread, *chosen, *arguments]))


if __name__ == "__main__":
    sys.exit(main())
