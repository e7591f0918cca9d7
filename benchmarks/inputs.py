"""What is sent: folders that the benchmark creates once in its cache. They are always the same and never in the repository."""

from __future__ import annotations

import os
import random
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
_BLOCK = 4 * MIB
_PER_FOLDER = 1000


@dataclass(frozen=True)
class Input:
    """A named folder. `share` scales it down for quick runs; 1 is the whole."""

    name: str
    about: str
    make: Callable[[Path, float], None]

    def ready(self, cache: Path, share: float) -> Path:
        """The folder, created if it does not exist."""
        folder = cache / "inputs" / (self.name if share == 1 else f"{self.name}-{share:g}")
        if not folder.exists():
            spare = folder.with_name(folder.name + ".making")
            shutil.rmtree(spare, ignore_errors=True)
            spare.mkdir(parents=True)
            self.make(spare, share)
            spare.rename(folder)
        return folder


def _write_random(path: Path, size: int, head: bytes = b"") -> None:
    with open(path, "wb") as out:
        out.write(head)
        left = size - len(head)
        while left > 0:
            out.write(os.urandom(min(_BLOCK, left)))
            left -= _BLOCK


def _one_random(folder: Path, share: float) -> None:
    _write_random(folder / "random.bin", int(GIB * share))


def _large(folder: Path, share: float) -> None:
    _write_random(folder / "large.bin", int(8 * GIB * share))


def _photos(folder: Path, share: float) -> None:
    head = bytes.fromhex("ffd8ffe000104a46494600010101006000600000")
    source = random.Random(1)
    for number in range(max(1, int(400 * share))):
        _write_random(folder / f"IMG_{number:04d}.jpg", source.randrange(1 * MIB, 5 * MIB), head)


def _text(folder: Path, share: float) -> None:
    """Files of about 1 MiB, each made of Python sources from one part of the library with other words in them."""
    sources = [path.read_bytes() for path in sorted(Path(os.__file__).parent.rglob("*.py"))]
    random.Random(2).shuffle(sources)
    left, number, at = int(GIB * share), 0, 0
    while left > 0:
        parts: list[bytes] = []
        size = 0
        while size < min(MIB, left):
            part = sources[at % len(sources)].replace(b"self", b"s%05d" % number)
            parts += [b"# %d\n" % at, part]
            size += len(part)
            at += 1
        (folder / f"source-{number:05d}.py").write_bytes(b"".join(parts)[: min(size, left)])
        left -= size
        number += 1


def _python(folder: Path, share: float) -> None:
    """A copy of the installation, so that it does not change during the measurement."""
    base = Path(sys.base_prefix)
    if share == 1:
        shutil.copytree(base, folder, symlinks=True, dirs_exist_ok=True)
        return
    sources = sorted(Path(os.__file__).parent.rglob("*.py"))
    for path in sources[: max(1, int(len(sources) * share))]:
        target = folder / path.relative_to(base)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def make_small_files(folder: Path, count: int, size: int = 200) -> None:
    """`count` files of `size` different bytes, a thousand per folder."""
    source = random.Random(3)
    for number in range(count):
        inside = folder / f"{number // _PER_FOLDER:04d}"
        if number % _PER_FOLDER == 0:
            inside.mkdir()
        (inside / f"{number:07d}.txt").write_bytes(source.randbytes(size // 2).hex().encode()[:size])


def _tiny(folder: Path, share: float) -> None:
    make_small_files(folder, max(1, int(200_000 * share)))


def _nothing(folder: Path, _share: float) -> None:
    (folder / "one.txt").write_text("one\n")


INPUTS = {
    one.name: one
    for one in (
        Input("random", "1 GiB of random bytes in one file", _one_random),
        Input("text", "1 GiB of Python sources in files of 1 MiB", _text),
        Input("python", "the Python installation", _python),
        Input("tiny", "200,000 files of 200 bytes", _tiny),
        Input("photos", "400 photographs of 1 to 5 MiB", _photos),
        Input("large", "8 GiB of random bytes in one file", _large),
    )
}
NOTHING = Input("nothing", "one file of four bytes: what each program needs before and after the data", _nothing)
