"""Small files of ours, written so that being cut off anywhere leaves the old or the new one, never half.

Read so that nothing in their place can make us wait or fill the memory. Standard library only.
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

_SPARE = re.compile(r"\.(.+\.[0-9a-f]{12}|[0-9a-f]{16})")  # what `spare_name` gives
_OLD = 86_400.0  # seconds; a younger one may be in somebody's hands
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
PUBLIC_FILE = 0o644


_NO_WAITING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_READ_FLAGS = _NO_WAITING | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_LONGEST_SPARE = 200  # bytes of the name that a spare file repeats; most file systems end a name at 255


class OddFile(OSError):
    """What lies in the place of a file of ours is no file, or is larger than one of ours can be."""


def open_regular(path: Path) -> BinaryIO:
    """Opens a file to read it part by part. Never waits: raises OddFile for a pipe, a device or a folder, else OSError."""
    handle = os.open(path, _READ_FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OddFile(errno.EINVAL, _("it is not a file"), str(path))
        return open(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def read_small(path: Path, cap: int) -> bytes:
    """The content of a file of at most `cap` bytes. Raises OddFile for a larger one and for what is no file, else OSError."""
    with open_regular(path) as file:
        data = file.read(cap + 1)
    if len(data) > cap:
        raise OddFile(errno.EFBIG, _("it is too large"), str(path))
    return data


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
    return f".{cut_to_bytes(name, _LONGEST_SPARE)}.{secrets.token_hex(6)}" if name else f".{secrets.token_hex(8)}"


def cut_to_bytes(text: str, most: int) -> str:
    """The beginning of a name that takes at most so many bytes of UTF-8, without half a character at its end."""
    data = text.encode("utf-8", "surrogatepass")
    return text if len(data) <= most else data[:most].decode("utf-8", "ignore")


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
