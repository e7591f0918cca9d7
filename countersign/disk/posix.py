"""Folders by handle, for Linux and macOS: every name is opened relative to an open folder, and no link is followed.

renameat2(2): https://man7.org/linux/man-pages/man2/rename.2.html; macOS' renameatx_np(2) does the same. syncfs(2) is
Linux only.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import resource
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from countersign.base.handles import Handle, OpenFile
from countersign.disk.dates import is_safe, set_date

assert sys.platform != "win32"

Buffer: TypeAlias = bytes | bytearray | memoryview
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | _CLOEXEC
_READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | _CLOEXEC  # non-blocking: a pipe must not block us
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | _CLOEXEC
_APPEND_FLAGS = os.O_WRONLY | os.O_NOFOLLOW | _CLOEXEC

_RENAME_NOREPLACE = 1  # linux/fs.h
_RENAME_EXCL = 4  # macOS sys/stdio.h
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS})
_NOT_SUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP})

LINKS_WORK = True
# Linux takes cache pages in blocks as large as the write. In a virtual machine, large blocks are those already returned
# to the host. Measured on ext4: 0.3 to 0.4 s of processor a GiB in slices of this size, 3 s in writes of 4 MiB.
_WRITE = 64 * 1024
_HANDLES = 4096
_libc = ctypes.CDLL(None, use_errno=True)
_syncfs = getattr(_libc, "syncfs", None)
SYNCS_AT_ONCE = _syncfs is not None


def allow_many_handles() -> None:
    """Raises the limit of open files as far as the system allows; some start at 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _HANDLES if hard == resource.RLIM_INFINITY else min(_HANDLES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # the system has a lower limit of its own: 256 is enough
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class File(OpenFile):
    """An open file."""

    __slots__ = ()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Writes all bytes at the current position."""
        number = self.number
        done = os.write(number, data) if 0 < len(data) <= _WRITE else 0  # nearly always this writes everything
        if done == len(data):
            return
        _write_rest(number, memoryview(data)[done:])

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Fills the buffer from this offset until the file ends. Returns the number of bytes."""
        number, done = self.number, 0
        while done < len(buffer):
            count = os.preadv(number, [buffer[done:]], offset + done)
            if not count:
                break
            done += count
        return done

    def set_time(self, mtime: int) -> None:
        """mtime in nanoseconds since 1970."""
        _date_open_file(self.number, mtime)

    def sync(self) -> None:
        """Makes it durable."""
        _sync_open_file(self.number)


def _write_rest(number: int, view: memoryview) -> None:
    while view:
        view = view[os.write(number, view[:_WRITE]) :]


def _date_open_file(number: int, mtime: int) -> None:
    if is_safe(mtime):
        with contextlib.suppress(OSError):  # on failure the nearest date that this disk accepts, below
            os.utime(number, ns=(mtime, mtime))
            return
    set_date(mtime, lambda date: os.utime(number, ns=(date, date)), lambda: os.fstat(number).st_mtime_ns)


def _sync_open_file(number: int) -> None:
    """macOS' fsync stops at the drive's cache; F_FULLFSYNC does not (fsync(2) there)."""
    if sys.platform == "darwin":
        with contextlib.suppress(OSError):  # some file systems do not support it
            fcntl.fcntl(number, fcntl.F_FULLFSYNC)
            return
    os.fsync(number)


class Folder(Handle):
    """An open folder."""

    __slots__ = ()

    @classmethod
    def open_root(cls, path: Path) -> Folder:
        """Opens a folder that the person named; links on the way are their choice."""
        return cls(os.open(path, _FOLDER_FLAGS))

    def again(self) -> Folder:
        """A second handle for this folder, closed separately. Both share the record of failed writes (syncfs(2))."""
        return Folder(os.dup(self.number))

    def folder(self, name: str) -> Folder:
        """Opens a folder in this one."""
        return Folder(os.open(name, _FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=self.number))

    def lineage(self) -> Iterator[tuple[int, int]]:
        """Device and inode of this folder and of every one above it."""
        above, last = ".", None
        while True:
            try:
                status = os.stat(above, dir_fd=self.number)
            except PermissionError:  # we may not enter a folder above, so it is none of ours
                return
            found = status.st_dev, status.st_ino
            if found == last:
                return
            yield found
            above, last = f"../{above}", found

    def make_folder(self, name: str) -> None:
        os.mkdir(name, dir_fd=self.number)

    def create_file(self, name: str, executable: bool) -> File:
        """Creates a new file for writing; the user's umask decides who may read it."""
        return File(os.open(name, _CREATE_FLAGS, 0o777 if executable else 0o666, dir_fd=self.number))

    def append_file(self, name: str) -> File:
        """Opens an existing file for writing."""
        return File(os.open(name, _APPEND_FLAGS, dir_fd=self.number))

    def read_file(self, name: str) -> File:
        """Opens a file for reading; follows no link."""
        return File(os.open(name, _READ_FLAGS, dir_fd=self.number))

    def create_small(self, name: str, executable: bool, content: Buffer, mtime: int) -> None:
        """Makes a new file with its whole content and its date (nanoseconds since 1970).

        Leaves nothing if it fails. The number never leaves this call, as in `read_small`.
        """
        number = os.open(name, _CREATE_FLAGS, 0o777 if executable else 0o666, dir_fd=self.number)
        try:
            try:
                done = os.write(number, content)
                if done != len(content):
                    _write_rest(number, memoryview(content)[done:])
                _date_open_file(number, mtime)
                if not SYNCS_AT_ONCE:
                    _sync_open_file(number)
            finally:
                os.close(number)
        except OSError:
            self.remove_file(name)
            raise

    def read_small(self, name: str, buffer: memoryview) -> tuple[int, os.stat_result]:
        """Opens, fills the buffer, closes. Returns the bytes read and the status after reading. Follows no link.

        The number never leaves this call: for 200,000 small files, an object for each took 0.3 s.
        """
        number = os.open(name, _READ_FLAGS, dir_fd=self.number)
        try:
            count = os.readv(number, [buffer])
            return count, os.fstat(number)
        finally:
            os.close(number)

    def make_link(self, name: str, target: str) -> None:
        os.symlink(target, name, dir_fd=self.number)

    def read_link(self, name: str) -> str:
        return os.readlink(name, dir_fd=self.number)

    def status(self, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=self.number, follow_symlinks=False)

    def set_folder_time(self, name: str, mtime: int) -> None:
        """mtime in nanoseconds since 1970; links are not followed."""
        set_date(
            mtime,
            lambda date: os.utime(name, ns=(date, date), dir_fd=self.number, follow_symlinks=False),
            lambda: self.status(name).st_mtime_ns,
        )

    def remove_file(self, name: str) -> None:
        os.unlink(name, dir_fd=self.number)

    def entries(self) -> Iterator[os.DirEntry[str]]:
        with os.scandir(self.number) as found:
            yield from found

    def move(self, name: str, other: Folder, new_name: str) -> None:
        """Renames into another folder. Raises FileExistsError if anything has the new name."""
        result = _rename_exclusive(self.number, name, other.number, new_name)
        if result in _NOT_SUPPORTED:
            self._move_in_two_steps(name, other, new_name)
        elif result:
            raise OSError(result, os.strerror(result), new_name)

    def _move_in_two_steps(self, name: str, other: Folder, new_name: str) -> None:
        if stat.S_ISDIR(self.status(name).st_mode):
            # a folder can only be renamed over an empty one; we made this empty one
            os.mkdir(new_name, dir_fd=other.number)
            try:
                os.rename(name, new_name, src_dir_fd=self.number, dst_dir_fd=other.number)
            except OSError:
                os.rmdir(new_name, dir_fd=other.number)
                raise
            return
        try:
            os.link(name, new_name, src_dir_fd=self.number, dst_dir_fd=other.number, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            # neither exclusive rename nor hard links, as on FAT: reserve the name with an empty file first
            os.close(os.open(new_name, _CREATE_FLAGS, 0o600, dir_fd=other.number))
            os.rename(name, new_name, src_dir_fd=self.number, dst_dir_fd=other.number)
            return
        os.unlink(name, dir_fd=self.number)

    def can_move_to(self, other: Folder) -> bool:
        """Whether a rename can move names there. Tries one with a source that does not exist, so nothing changes.

        Linux and macOS compare the two mounts before they look for the source.
        """
        try:
            os.rename(".countersign-no-such", ".countersign-nor-this", src_dir_fd=self.number, dst_dir_fd=other.number)
        except OSError as error:
            return error.errno == errno.ENOENT
        return False

    def sync(self) -> None:
        """Makes this folder's whole file system durable, if the system can in one call; else this folder's names."""
        if _syncfs is not None:
            if _syncfs(self.number):
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        else:
            os.fsync(self.number)


def _rename_exclusive(source: int, name: str, target: int, new_name: str) -> int:
    """errno of the rename, 0 if it worked."""
    function, flag = (
        (getattr(_libc, "renameatx_np", None), _RENAME_EXCL)
        if sys.platform == "darwin"
        else (getattr(_libc, "renameat2", None), _RENAME_NOREPLACE)
    )
    if function is None:
        return errno.ENOSYS
    if function(source, os.fsencode(name), target, os.fsencode(new_name), flag) == 0:
        return 0
    return ctypes.get_errno()


def is_link(status: os.stat_result) -> bool:
    return stat.S_ISLNK(status.st_mode)


def remove_tree(path: Path) -> None:
    """Removes one of our folders with its content; follows no link (`rmtree` uses handles here)."""
    with contextlib.suppress(FileNotFoundError):
        os.chmod(path, 0o700)
        shutil.rmtree(path)
