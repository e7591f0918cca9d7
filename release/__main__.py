"""`python3 -m release [--onefile]`: sets itself up, builds both programs, tests them, packs them with checksums.

Everything lands in `dist/`. Each executable must pass its self-test without any Python on PATH and with its home elsewhere.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from countersign.bootstrap import SetupProblem, again, all_there, prepared

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = "requirements-dev.txt"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m release", description="Builds, tests and packs the executables.")
    parser.add_argument("--onefile", action="store_true", help="single files instead of folders; slower to start")
    parser.add_argument("--into", metavar="DIR", default=str(ROOT / "dist"), help="where they go (dist)")
    options = parser.parse_args()
    if not all_there(("PyInstaller", "cryptography", "babel", "tkinter")):
        try:
            return again(prepared(ROOT, REQUIREMENTS), ["-m", "release", *sys.argv[1:]])
        except SetupProblem as problem:
            print(problem, file=sys.stderr)
            return 9
    from release.packing import check, pack

    into = Path(options.into).resolve()
    build(into, options.onefile)
    for role in ("sender", "receiver"):
        check(executable(into, role, options.onefile))
    for path in pack(into, options.onefile):
        print(path)
    return 0


def build(into: Path, one_file: bool) -> None:
    """Runs PyInstaller on build.spec."""
    environment = {**os.environ, "COUNTERSIGN_ONEFILE": "1" if one_file else "0"}
    work = into.parent / "build" if into.name == "dist" else into / "build"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN", "--distpath", str(into),
               "--workpath", str(work), str(ROOT / "build.spec")]  # fmt: skip
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def executable(into: Path, role: str, one_file: bool) -> Path:
    """Where PyInstaller has put a program."""
    name = f"{role}.exe" if sys.platform == "win32" else role
    return into / name if one_file else into / role / name


if __name__ == "__main__":
    sys.exit(main())
