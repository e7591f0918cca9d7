"""The same start for every round: the source in the system's cache, and, if asked for, memory that is really there.

A virtual machine gives memory that nobody uses back to its host, and what is given back costs up to ten times as much to
take again: 2 to 3 s of processor a GiB. A round before which as much as it may need was taken and given back once shows
what a computer of one's own would do.
"""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.checking import Content

ROOT = Path(__file__).resolve().parents[1]
_GIB = 1 << 30
_A_FILE = 8192  # bytes of cache for a small file: a page of content, and its place in the tree
_PAGE = 4096
_BLOCK = 1 << 20


def need_of(content: Content) -> int:
    """Bytes that a round may take: what arrives, and as much again for pipes, buffers and the programs."""
    return 2 * (content.bytes + content.files * _A_FILE) + _GIB


def available() -> int:
    """Bytes that can be had without anything going to a disk; 0 where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:  # not Linux
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), 0)


def take_and_give_back(size: int) -> None:
    """Touches `size` bytes, at most half of what is available, in a process that ends at once."""
    size = min(size, available() // 2)
    if size:
        subprocess.run([sys.executable, "-m", "benchmarks.memory", str(size)], check=True, cwd=ROOT)


def read_all(folder: Path) -> None:
    """Reads every file once, so that no program is the one that has to wait for the disk."""
    buffer = bytearray(_BLOCK)
    for inside, _folders, names in os.walk(folder):
        for name in names:
            path = os.path.join(inside, name)
            if not os.path.islink(path):
                with open(path, "rb", buffering=0) as file:
                    while file.readinto(buffer):
                        pass


def _touch(size: int) -> None:
    with mmap.mmap(-1, size) as memory:
        for at in range(0, size, _PAGE):
            memory[at] = 1


if __name__ == "__main__":
    _touch(int(sys.argv[1]))
