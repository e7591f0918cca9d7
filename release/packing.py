"""Testing what was built, and packing it: an archive for this system and its checksums."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from countersign import __version__

SELFTEST_SECONDS = 300


def check(program: Path) -> None:
    """The self-test of an executable, with no Python to be found and a home of its own. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as home:
        kept = {
            name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "TMP", "LANG", "LC_ALL") if name in os.environ
        }
        environment = {**kept, "PATH": "", "HOME": home, "USERPROFILE": home}
        done = subprocess.run(
            [str(program), "--selftest"], cwd=home, env=environment, capture_output=True, timeout=SELFTEST_SECONDS, check=False
        )  # fmt: skip
    if done.returncode:
        print((done.stdout + done.stderr).decode(errors="replace"), file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, program.name)


def pack(into: Path, one_file: bool) -> list[Path]:
    """Packs both programs into one archive, and writes SHA256SUMS beside it. Gives both paths."""
    kind = "onefile" if one_file else "folders"
    stem = f"countersign-{__version__}-{sys.platform}-{platform.machine().lower()}-{kind}"
    parts = _parts(into, one_file)
    archive = into / (stem + (".zip" if sys.platform == "win32" else ".tar.gz"))
    if sys.platform == "win32":
        _zip(archive, parts)
    else:
        with tarfile.open(archive, "w:gz") as file:
            for part in parts:
                file.add(part, f"Countersign/{part.name}")
    sums = into / "SHA256SUMS"
    digest = _digest(archive)
    others = [line for line in _lines(sums) if not line.endswith(f"  {archive.name}")]
    sums.write_text("\n".join([*others, f"{digest}  {archive.name}", ""]), encoding="utf-8")
    return [archive, sums]


def _parts(into: Path, one_file: bool) -> list[Path]:
    if sys.platform == "darwin":
        return sorted(into.glob("*.app"))
    names = ("sender", "receiver")
    if one_file:
        return [into / (f"{name}.exe" if sys.platform == "win32" else name) for name in names]
    return [into / name for name in names]


def _zip(archive: Path, parts: list[Path]) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for part in parts:
            for path in [part, *sorted(part.rglob("*"))]:
                file.write(path, f"Countersign/{path.relative_to(part.parent)}")


def _digest(path: Path) -> str:
    hasher = hashlib.sha256()
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            hasher.update(part)
    return hasher.hexdigest()


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
