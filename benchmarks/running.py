"""Rounds in turns: every program once, then every program again, another one first, so that a slow minute hits all of them."""

from __future__ import annotations

import os
import platform
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.checking import Content, check, content_of
from benchmarks.competitors import Competitor
from benchmarks.inputs import NOTHING, Input
from benchmarks.measure import BenchmarkError, Round, write_out
from benchmarks.memory import need_of, read_all, take_and_give_back
from benchmarks.target_disk import TargetDisk

SLOW = {("python", "scp"), ("tiny", "scp")}  # a minute and more a round: left out unless asked for by name

Say = Callable[[str], None]


class Turns:
    """Runs peers on inputs and collects what was measured."""

    def __init__(self, cache: Path, disk: TargetDisk, say: Say, *, touch: bool = False, rest: float = 0.0) -> None:
        """Before each round: rest, in seconds, or memory that is touched; see benchmarks/README.md."""
        self._touch = touch
        self._rest = rest
        self._cache = cache
        self._target_disk = disk
        self._say = say
        self._compared: set[tuple[str, str]] = set()

    def run(self, one: Input, share: float, competitors: Sequence[Competitor], rounds: int) -> dict[str, Any]:
        """All rounds of one input: what each program needs for nothing, then for the input."""
        source = one.ready(self._cache, share)
        expected = content_of(source)
        nothing = NOTHING.ready(self._cache, 1)
        small = content_of(nothing)
        result: dict[str, Any] = {
            "about": one.about, "share": share, "files": expected.files, "bytes": expected.bytes, "peers": {},
        }  # fmt: skip
        for number in range(rounds):
            first = number % len(competitors)  # or whoever begins would always meet what the round before has left
            for competitor in [*competitors[first:], *competitors[:first]]:
                kept = result["peers"].setdefault(
                    competitor.name, {"version": competitor.version(), "rounds": [], "nothing": [], "failed": []}
                )
                try:
                    kept["nothing"].append(_facts(self._round(competitor, NOTHING, nothing, small)))
                    measured = self._round(competitor, one, source, expected)
                except BenchmarkError as error:
                    kept["failed"].append(str(error))
                    self._say(f"{one.name:8} {number + 1}/{rounds} {competitor.name:24} FAILED: {error}")
                    continue
                kept["rounds"].append(_facts(measured))
                self._say(
                    f"{one.name:8} {number + 1}/{rounds} {competitor.name:24} {measured.seconds:7.2f} s   processor: "
                    f"{measured.sender.processor:6.2f} s + {measured.receiver.processor:6.2f} s"
                )
        return result

    def _round(self, competitor: Competitor, one: Input, source: Path, expected: Content) -> Round:
        target = self._target_disk.target()
        write_out()
        if one is not NOTHING:
            read_all(source)
            if self._touch:
                take_and_give_back(need_of(expected))
            else:
                time.sleep(self._rest)
        try:
            measured = competitor.transfer(source, target)
            if measured.arrived is not None:
                full = (competitor.name, one.name) not in self._compared
                check(source, expected, measured.arrived, full=full)
                self._compared.add((competitor.name, one.name))
        finally:
            self._target_disk.done(target, expected.files)
        return measured


def _facts(measured: Round) -> dict[str, Any]:
    return {
        "seconds": round(measured.seconds, 4),
        "sender": {"processor": round(measured.sender.processor, 3), "peak": measured.sender.peak},
        "receiver": {"processor": round(measured.receiver.processor, 3), "peak": measured.receiver.peak},
        "told": measured.told,
    }


def machine(file_system: str) -> dict[str, str]:
    """What it was measured on."""
    if sys.platform == "win32":
        return {}
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0],
        "openssl": ssl.OPENSSL_VERSION,
        "file system": file_system,
        "load before": f"{os.getloadavg()[0]:.2f}",
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # a system without /proc has its own way, below
        pass
    return platform.processor() or platform.machine()
