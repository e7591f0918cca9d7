"""Where a round receives: in a folder that stays until the end, or on a disk made for this round alone.

A file system remembers. ext4 creates files up to ten times slower for five minutes after many were removed, because it avoids
their inode numbers (recently_deleted in its ialloc.c). A fresh disk has no history: every round of every program begins alike.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

from benchmarks.measure import BenchmarkError

_FEW = 1000  # targets with fewer files are removed at once
_BLOCK = 4 << 20
_TOOLS = ("losetup", "mkfs.ext4", "mount", "umount")
_PATIENCE = 30.0  # seconds; a server's last process may still use the folder


class TargetDisk(Protocol):
    """Folders to receive in."""

    about: str  # the file system, for the results

    def prepare(self) -> None:
        """Creates what all rounds need. Raises BenchmarkError."""

    def target(self) -> Path:
        """An empty folder for the next round. Raises BenchmarkError."""

    def done(self, target: Path, files: int) -> None:
        """The round that used this folder is over. It holds about this many files."""

    def clean(self) -> None:
        """Removes what all rounds have left."""


class Folders:
    """Fresh folders side by side. Those with many files stay until all rounds are over."""

    def __init__(self, targets: Path, *, keep: bool = False) -> None:
        """keep: they stay even then, for a run that follows at once."""
        self.folder = targets / f"countersign-benchmark-{os.getpid()}"
        self.about = ""
        self._keep = keep
        self._number = 0

    def prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.about = file_system(self.folder)

    def target(self) -> Path:
        self._number += 1
        target = self.folder / f"{self._number:04d}"
        target.mkdir(parents=True)
        return target

    def done(self, target: Path, files: int) -> None:
        if files < _FEW:
            shutil.rmtree(target, ignore_errors=True)

    def clean(self) -> None:
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)


class FreshDisk:
    """An ext4 in a file, created and mounted for each round. Linux, as root."""

    about = "ext4, made for each round"

    def __init__(self, image: Path, size: int) -> None:
        """image: a file that stays for the next run, because its blocks cost time when first written. size: bytes."""
        self.folder = image.with_suffix(".mounted")
        self._image = image
        self._size = size
        self._device = ""
        self._mounted = False

    def prepare(self) -> None:
        missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
        if sys.platform != "linux" or os.geteuid() != 0 or missing:
            raise BenchmarkError(f"--fresh-disk needs Linux, root and {', '.join(_TOOLS)}.")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._fill()
        self._device = _run("losetup", "--find", "--show", "--direct-io=on", str(self._image)).strip()

    def _fill(self) -> None:
        have = self._image.stat().st_size if self._image.exists() else 0
        if have >= self._size:
            return
        if shutil.disk_usage(self._image.parent).free < self._size - have:
            raise BenchmarkError(f"--fresh-disk needs {self._size >> 30} GiB in {self._image.parent}.")
        with open(self._image, "ab") as file:
            for at in range(have, self._size, _BLOCK):
                file.write(bytes(min(_BLOCK, self._size - at)))
            os.fsync(file.fileno())

    def target(self) -> Path:
        self._unmount()
        # no table is initialised, neither now nor in the background while a round runs
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", self._device)
        _run("mount", "-o", "noinit_itable", self._device, str(self.folder))
        self._mounted = True
        target = self.folder / "target"
        target.mkdir()
        return target

    def done(self, target: Path, files: int) -> None:
        self._unmount()  # at once, so that it also frees the system's memory

    def _unmount(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while self._mounted:
            try:
                _run("umount", str(self.folder))
                self._mounted = False
            except BenchmarkError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def clean(self) -> None:
        self._unmount()
        if self._device:
            _run("losetup", "--detach", self._device)
            self._device = ""
        if self.folder.exists():
            self.folder.rmdir()


def file_system(folder: Path) -> str:
    """A folder's file system, as stat names it."""
    done = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "?"


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{command[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout
