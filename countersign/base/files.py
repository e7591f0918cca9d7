"""Our own small files. An interrupted write leaves the old file or the new one, never half.

Reading never blocks and never fills the memory, whatever lies at the path. Standard library only.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from countersign.base.i18n import _

_SPARE = re.compile(r"\.(.+\.[0-9a-f]{12}|[0-9a-f]{16})")  # the names that `spare_name` makes
_OLD = 86_400.0  # seconds; a younger one may still be in use
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
PUBLIC_FILE = 0o644


_NO_WAITING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_READ_FLAGS = _NO_WAITING | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_LONGEST_SPARE = 200  # bytes of the original name kept in a spare name; most file systems allow 255


class OddFile(OSError):
    """The path holds no regular file, or one that is too large to be ours."""


def open_regular(path: Path) -> BinaryIO:
    """Opens a file for reading in parts. Never blocks: raises OddFile for a pipe, device or folder; also OSError."""
    handle = os.open(path, _READ_FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OddFile(errno.EINVAL, _("it is not a file"), str(path))
        return open(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_small(path: Path, cap: int) -> bytes:
    """The content of a file of at most `cap` bytes. Raises OddFile if it is larger or no regular file; also OSError."""
    with open_regular(path) as file:
        data = file.read(cap + 1)
    if len(data) > cap:
        raise OddFile(errno.EFBIG, _("it is too large"), str(path))
    return data


def replace_file(path: Path, data: bytes, mode: int = PRIVATE_FILE) -> None:
    """Writes a new file beside `path` and renames it over. It is on the disk when this returns."""
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
    """A hidden name for a file still being written. `name`: its later name, if that is known."""
    return f".{cut_to_bytes(name, _LONGEST_SPARE)}.{secrets.token_hex(6)}" if name else f".{secrets.token_hex(8)}"


def cut_to_bytes(text: str, most: int) -> str:
    """Cuts a name to at most `most` bytes of UTF-8, never inside a character."""
    data = text.encode("utf-8", "surrogatepass")
    return text if len(data) <= most else data[:most].decode("utf-8", "ignore")


def remove_spares(folder: Path, now: float) -> None:
    """Removes spare files that a killed program left here at least a day ago. now: seconds since 1970."""
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
    """Makes a folder that only its owner may enter, unless it exists."""
    path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)


def tighten(path: Path, mode: int) -> bool:
    """Removes permissions of `path` beyond `mode`. True if there were any.

    Does nothing on Windows: access lists count there, not modes, and the user's profile folder sets them.
    """
    if sys.platform == "win32":
        return False
    found = stat.S_IMODE(path.stat().st_mode)
    if not found & ~mode:
        return False
    path.chmod(found & mode)
    return True


def sync_folder(path: Path) -> None:
    """Makes the names in a folder durable, where the system can."""
    if sys.platform == "win32":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def set_aside(path: Path) -> Path:
    """Renames a damaged file, so it is kept but not read again. Returns the new path."""
    aside = path.with_name(f"{path.name}.damaged-{secrets.token_hex(4)}")
    path.rename(aside)
    return aside
