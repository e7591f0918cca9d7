"""What a peer may cost in memory: hostile messages, endless lists and bombs, in a process with limited address space.

Both sides run in that process, so the limit is generous. A message that could make us allocate what it claims would exceed it at once.
"""

from __future__ import annotations

import itertools
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from countersign.base import limits
from countersign.seal.stream import Stream, StreamWriter
from countersign.session import status as st
from countersign.wire import messages as m
from tests.hostile_peer import bobs_door, file, sending
from tests.long.figures import Figure, quick_couple
from tests.long.messages import attack_receiver, attack_sender
from tests.long.to_receiver import receiver_cases
from tests.long.to_sender import sender_cases
from tests.transfers import Couple

ROOM = 768 * limits.MIB  # address space beyond what the process starts with; a thread alone reserves eight
FLAT = 400  # bytes of memory per list entry, both sides together
_ENTRIES = 400_000


def run(runs: int | None, first: int = 0) -> Figure:
    """Starts the limited process; `runs`: hostile messages on each side, and a hundred times as many entries."""
    if not Path("/proc/self/statm").exists():
        return Figure("needs a system that tells a process its size", False, skipped=True)
    command = [sys.executable, "-m", "tests.long.memory", str(runs if runs is not None else 0)]
    environment = {**os.environ, "MALLOC_ARENA_MAX": "2"}  # glibc would reserve 64 MiB of addresses per thread
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root, env=environment)
    last = (done.stdout.strip().splitlines() or [done.stderr.strip()[-300:]])[-1]
    return Figure(last, done.returncode == 0)


def _size(column: int) -> int:
    """Bytes of address space (0) or memory in use (1)."""
    return int(Path("/proc/self/statm").read_text().split()[column]) * mmap.PAGESIZE


def endless_list(couple: Couple, entries: int, name: str) -> tuple[str, int]:
    """A list of so many entries, all but one of those offered. Returns how the receiver ends it, and by how many bytes it grew."""
    with bobs_door(couple) as scene:
        made = sending(scene)
        made.offer(entries + 1, 3 * (entries + 1), entries + 1)
        before = _size(1)
        assert made.hostile.hear() == m.KeyAccepted()
        writer = StreamWriter(made.ring, Stream.MANIFEST)
        writer.write(b"", False, 1)  # the summary was the first
        for batch, last in _batches(entries, name):
            made.hostile.say(m.Sealed(m.Kind.MANIFEST, writer.write(msgspec.msgpack.encode(batch), last, 1)))
        word = made.hostile.last_word()
        grown = _size(1) - before
        made.hostile.link.close()
        scene.heard.wait(st.Failed)
    return word, grown


def _batches(entries: int, name: str) -> Iterator[tuple[list[list[object]], bool]]:
    step = max(1, min(limits.BATCH_ENTRIES, limits.BATCH_BYTES // (len(name) + 40)))
    for at in range(0, entries, step):
        last = at + step >= entries
        yield [file(f"{number:09d}{name}") for number in range(at, min(at + step, entries))], last


def main(runs: int) -> int:
    if sys.platform == "win32":  # which has no such limits; `run` has said so
        return 2
    import resource

    entries = _ENTRIES if not runs else runs * 100
    with quick_couple() as couple:
        step = 1 if not runs else max(1, 1300 // runs)
        to_receiver = list(
            itertools.islice(receiver_cases(), 0, None, step)
        )  # built beforehand: a bomb costs its maker more
        to_sender = list(itertools.islice(sender_cases(), 0, None, step))
        room = _size(0) + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        count = attack_receiver(couple, to_receiver) + attack_sender(couple, to_sender)
        word, grown = endless_list(couple, entries, "")
        assert word == "offer", word
        each = grown / entries
        # names of the greatest length, beyond the cap on all names together
        too_many = 10_000 if runs else limits.MAX_NAMES_BYTES // 1000 + 1000
        word, _grown = endless_list(couple, too_many, "x" * 1000)
        assert word == "offer", word
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{count} hostile messages and lists of {entries} and {too_many} entries within {ROOM // limits.MIB} MiB of addresses; "
        f"{max(0.0, each):.0f} bytes for each entry, {peak} MiB at the most for both sides"
    )
    return 0 if each < FLAT else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
