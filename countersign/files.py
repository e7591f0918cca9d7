"""Small files of ours, written so that being cut off anywhere leaves the old or the new one, never half. Standard library only."""

from __future__ import annotations

import os
import re
import secrets
import stat
import sys
from pathlib import Path

_SPARE = re.compile(r"\.(.+\.[0-9a-f]{12}|[0-9a-f]{16})")  # what `spare_name` gives
_OLD = 86_400.0  # seconds; a younger one may be in somebody's hands
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
PUBLIC_FILE = 0o644


def replace_file(path: Path, data: bytes, mode: int = PRIVATE_FILE) -> None:
    """Writes a new file beside and renames it over `path`. On the disk when this returns."""
    spare = _written_beside(path, data, mode)
    try:
        os.replace(spare, path)
    except OSError:
        spare.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _written_beside(path: Path, data: bytes, mode: int) -> Path:
    spare = path.with_name(spare_name(path.name))
    handle = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with open(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        spare.unlink(missing_ok=True)
        raise
    return spare


def spare_name(name: str = "") -> str:
    """For a file that is still being written: hidden, and of one that will be called `name`, or is not called anything yet."""
    return f".{name}.{secrets.token_hex(6)}" if name else f".{secrets.token_hex(8)}"


def remove_spares(folder: Path, now: float) -> None:
    """Removes what a program that was killed had begun to write here, a day ago and more. now: seconds since 1970."""
    with os.scandir(folder) as found:
        old = [
            entry.path
            for entry in found
            if _SPARE.fullmatch(entry.name)
            and entry.is_file(follow_symlinks=False)
            and now - entry.stat(follow_symlinks=False).st_mtime > _OLD
        ]
    for path in old:
        Path(path).unlink(missing_ok=True)


def private_folder(path: Path) -> None:
    """A folder that only its owner may enter, made where it is missing."""
    path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)


def tighten(path: Path, mode: int) -> bool:
    """Takes away what the mode of `path` allows beyond `mode`. True where there was something to take away.

    Windows keeps its own access lists, which the user's profile folder sets; modes say nothing there.
    """
    if sys.platform == "win32":
        return False
    found = stat.S_IMODE(path.stat().st_mode)
    if not found & ~mode:
        return False
    path.chmod(found & mode)
    return True


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable, where the system has a way."""
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def set_aside(path: Path) -> Path:
    """Renames a damaged file so that it is kept but not read again; gives the new name."""
    aside = path.with_name(f"{path.name}.damaged-{secrets.token_hex(4)}")
    path.rename(aside)
    return aside
