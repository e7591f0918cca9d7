"""How much is sent twice when the receiver is killed (-9) half-way: all bytes on the wire of both tries, against one whole try.

Three folders: one large file, many small ones, and many folders with few files each. Real packs and journals, in separate
processes. In flight are a few packs and two socket buffers, whatever the size of the folder. Nothing that was on the disk is sent
again.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from countersign.base import limits
from countersign.seal import keys
from countersign.target.journal import list_interrupted
from tests.long.actors import Stage, Trap
from tests.long.figures import QUICK_KEY, Figure
from tests.transfers import Couple, make_couple, snapshot

MOST = 0.02
_LARGE = 2 * 1024 * limits.MIB
_SMALL_FILES, _SMALL = 60_000, 16 * limits.KIB
_TEMPLATE = 64 * limits.MIB  # random content is repeated, but too far apart for a pack to be compressed


def one_large(folder: Path, size: int) -> None:
    block = random.Random(1).randbytes(min(size, _TEMPLATE))
    with open(folder / "large.bin", "wb") as file:
        for at in range(0, size, len(block)):
            file.write(block[: size - at])


def many_small(folder: Path, size: int) -> None:
    source = random.Random(2)
    for number in range(size // _SMALL):
        inside = folder / f"{number // 500:03d}"
        inside.mkdir(exist_ok=True)
        (inside / f"{number % 500:03d}").write_bytes(source.randbytes(_SMALL))


def many_folders(folder: Path, size: int) -> None:
    """Folders with two files each, with the same few names and all of one size."""
    source = random.Random(3)
    for number in range(size // (2 * _SMALL)):
        inside = folder / f"{number // 250:03d}" / f"{number % 250:03d}"
        inside.mkdir(parents=True)
        for name in ("a", "b"):
            (inside / name).write_bytes(source.randbytes(_SMALL))


@dataclass(frozen=True)
class Sent:
    """Bytes: on the wire of a whole try, of the killed try and of the next; of all content, and on the disk at the kill."""

    whole: int
    first: int
    second: int
    content: int
    there: int

    @property
    def again(self) -> float:
        """The share that crossed the wire twice."""
        return max(0.0, (self.first + self.second) / self.whole - 1)

    @property
    def kept_again(self) -> int:
        """Bytes that were on the disk and were sent anyway. A pack and the list are always sent."""
        return max(0, self.second - (self.whole - self.there))


def kill_half_way(root: Path, fill: Callable[[Path, int], None], size: int) -> Sent:
    """A whole try, a try killed at 50 %, and its resume."""
    couple: Couple = make_couple(root)
    fill(couple.folder, size)
    before = snapshot(couple.folder)
    stage = Stage(couple.alice.home.root, couple.bob.home.root, couple.folder, couple.into)
    total = sum(path.stat().st_size for path in couple.folder.rglob("*") if path.is_file())
    try:
        whole = _whole(stage)
        shutil.rmtree(couple.into)
        stage.open(Trap("bytes", total // 2), Trap())
        first = _until_killed(stage)
        there = sum(item.bytes_there for item in list_interrupted(couple.bob.device.transfers))
        second = _whole(stage)
    finally:
        stage.clear()
    assert snapshot(couple.into) == before
    assert snapshot(couple.folder) == before
    return Sent(whole, first, second, total, there)


def _whole(stage: Stage) -> int:
    """Bytes on the wire of a try that ends well."""
    stage.open(Trap(), Trap())
    stage.play(seconds=300)
    assert stage.alice is not None
    assert stage.alice.outcome == "done", stage.alice.events[-2:]
    return next(int(event["wire_bytes"]) for event in stage.alice.events if event["event"] == "Done")


def _until_killed(stage: Stage) -> int:
    """Bytes on the wire of a try whose receiver is killed half-way."""
    bob = stage.bob
    assert bob is not None
    stage.play(lambda: not bob.alive, 300)
    alice = stage.alice
    assert alice is not None
    stage.play(lambda: not alice.alive or any(event["event"] == "Reconnecting" for event in alice.events), 60)
    alice.say("cancel")
    stage.play()
    return next(int(event["wire_before"]) for event in reversed(alice.events) if "wire_before" in event)


def run(runs: int | None, first: int = 0) -> Figure:
    """All folders. runs: their size in MiB instead of the full size; then only `kept_again` can be judged."""
    keys.SCRYPT_N = QUICK_KEY
    limits.STATUS_SECONDS = 0.0
    words, reached = [], True
    for name, fill, whole in (
        ("one large file", one_large, _LARGE),
        ("many small files", many_small, _SMALL_FILES * _SMALL),
        ("many folders with two files each", many_folders, _SMALL_FILES * _SMALL),
    ):
        size = whole if runs is None else runs * limits.MIB
        with tempfile.TemporaryDirectory() as folder:
            sent = kill_half_way(Path(folder), fill, size)
        words.append(
            f"{sent.again:.2%} of {size / limits.MIB:.0f} MiB in {name} (of what was on the disk: {sent.kept_again} bytes)"
        )
        kept_most = 2 * limits.PACK_BYTES
        reached = reached and sent.kept_again <= kept_most and (sent.again < MOST or runs is not None)
    return Figure("killed at 50 %, sent again: " + ", ".join(words), reached)


def in_a_process_of_its_own(mebibytes: int, seconds: float) -> tuple[int, str]:
    """The small form. Returns exit code and output."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "tests.long", "resent", "--runs", str(mebibytes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, cwd=root)
    return done.returncode, done.stdout + done.stderr
