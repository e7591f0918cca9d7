"""Folders by path, for Windows, which cannot open names relative to a handle. Anything but a plain folder is refused.

Every step checks for a reparse point (link, junction, mount). Between that check and the use of the path, another user
of this computer could swap a folder; but the staging folder lies in the user's own profile, where others may not write.
`os.rename` refuses a name that is taken, and so does creating with O_EXCL.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from countersign.base.handles import OpenFile
from countersign.disk.dates import set_date

assert sys.platform == "win32"

LINKS_WORK = False  # making links needs a privilege that users lack
SYNCS_AT_ONCE = False
_BINARY = os.O_BINARY | os.O_NOINHERIT
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY


def _long(path: Path) -> str:
    """The form that allows a path of more than 260 characters.

    https://learn.microsoft.com/windows/win32/fileio/maximum-file-path-limitation
    """
    text = str(path)
    if text.startswith("\\\\?\\"):
        return text
    return f"\\\\?\\UNC\\{text[2:]}" if text.startswith("\\\\") else f"\\\\?\\{text}"


def allow_many_handles() -> None:
    """Does nothing: Windows allows thousands of open files anyway."""


class File(OpenFile):
    """An open file."""

    __slots__ = ()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Writes all bytes at the current position."""
        number, view = self.number, memoryview(data)
        while view:
            view = view[os.write(number, view) :]

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Fills the buffer from this offset until the file ends. Returns the number of bytes."""
        os.lseek(self.number, offset, os.SEEK_SET)
        with open(self.number, "rb", buffering=0, closefd=False) as file:
            done = 0
            while done < len(buffer):
                count = file.readinto(buffer[done:])
                if not count:
                    break
                done += count
        return done

    def set_time(self, mtime: int) -> None:
        """mtime in nanoseconds since 1970. Windows sets times by path only: `Folder.set_folder_time` does it after closing."""

    def sync(self) -> None:
        """Makes it durable."""
        os.fsync(self.number)


class Folder:
    """A folder, identified by its path. Using it after `close` is our own bug, as on other systems."""

    def __init__(self, path: Path) -> None:
        self._known: Path | None = path

    @property
    def _path(self) -> Path:
        if self._known is None:
            raise AssertionError("a folder was used after it was closed")
        return self._known

    @classmethod
    def open_root(cls, path: Path) -> Folder:
        """Opens a folder that the person named."""
        found = path.resolve(strict=True)
        if not found.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        return cls(found)

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._known is None

    def again(self) -> Folder:
        """A second object for this folder, to be closed separately."""
        return Folder(self._path)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_details: object) -> None:
        if not self.closed:
            self.close()

    def _at(self, name: str) -> str:
        return _long(self._path / name)

    def folder(self, name: str) -> Folder:
        """Opens a folder in this one."""
        status = self.status(name)
        if is_link(status) or not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name)
        return Folder(self._path / name)

    def lineage(self) -> Iterator[tuple[int, int]]:
        """Device and inode of this folder and of every one above it."""
        for path in (self._path, *self._path.parents):
            status = os.stat(_long(path))
            yield status.st_dev, status.st_ino

    def make_folder(self, name: str) -> None:
        os.mkdir(self._at(name))

    def create_file(self, name: str, executable: bool) -> File:  # noqa: ARG002 - as on other systems
        """Creates a new file for writing. Windows has no exec bit."""
        return File(os.open(self._at(name), _CREATE_FLAGS, 0o666))

    def append_file(self, name: str) -> File:
        """Opens an existing file for writing."""
        self._refuse_link(name)
        return File(os.open(self._at(name), os.O_WRONLY | _BINARY))

    def read_file(self, name: str) -> File:
        """Opens a file for reading; follows no link."""
        self._refuse_link(name)
        return File(os.open(self._at(name), os.O_RDONLY | _BINARY))

    def create_small(self, name: str, executable: bool, content: bytes | bytearray | memoryview, mtime: int) -> None:
        """Makes a new file with its whole content and its date (nanoseconds since 1970).

        Leaves nothing if it fails.
        """
        file = self.create_file(name, executable)
        try:
            with file:
                file.write(content)
                file.sync()
            self.set_folder_time(name, mtime)
        except OSError:
            self.remove_file(name)
            raise

    def read_small(self, name: str, buffer: memoryview) -> tuple[int, os.stat_result]:
        """Opens, fills the buffer, closes. Returns the bytes read and the status after reading. Follows no link."""
        with self.read_file(name) as file:
            return file.read_at(buffer, 0), file.status()

    def _refuse_link(self, name: str) -> None:
        if is_link(self.status(name)):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)

    def make_link(self, name: str, target: str) -> None:
        os.symlink(target.replace("/", "\\"), self._at(name))

    def read_link(self, name: str) -> str:
        return os.readlink(self._at(name))

    def status(self, name: str) -> os.stat_result:
        return os.stat(self._at(name), follow_symlinks=False)

    def set_folder_time(self, name: str, mtime: int) -> None:
        """mtime in nanoseconds since 1970."""
        path = self._at(name)
        set_date(mtime, lambda date: os.utime(path, ns=(date, date)), lambda: self.status(name).st_mtime_ns)

    def remove_file(self, name: str) -> None:
        os.unlink(self._at(name))

    def entries(self) -> Iterator[os.DirEntry[str]]:
        with os.scandir(_long(self._path)) as found:
            yield from found

    def move(self, name: str, other: Folder, new_name: str) -> None:
        """Renames into another folder. Raises FileExistsError if the new name is taken."""
        os.rename(self._at(name), other._at(new_name))

    def can_move_to(self, other: Folder) -> bool:
        """Whether a rename can move names there: only within one volume."""
        return os.stat(self._path).st_dev == os.stat(other._path).st_dev

    def sync(self) -> None:
        """Does nothing: Windows makes names durable with the files, which are synced one by one."""

    def close(self) -> None:
        """Ends its use; nothing is open."""
        assert self._path  # close it only once
        self._known = None


def is_link(status: os.stat_result) -> bool:
    return stat.S_ISLNK(status.st_mode) or bool(status.st_file_attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT)


def remove_tree(path: Path) -> None:
    """Removes one of our folders with its content."""
    if path.exists():
        shutil.rmtree(_long(path))
