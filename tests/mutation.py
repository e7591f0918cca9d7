"""`python3 -m tests.mutation [MODULE...]`: puts one small fault after the other into the code and looks whether a test fails.

A module is a room (`seal`) or one of its files (`seal.token`). First all tests that fit the rooms run once, to learn which of them
reaches which line; then a fault is met only by those that reach its line, the quickest first, until one fails. Each fault has a process of
its own, forked from one that has the libraries; the changed module is compiled in memory, and no file is touched.

Prints every fault that no test notices, and the score. docs/mutation.md names those that change nothing and says why; they do not count.
The exit code is 1 where the score is missed. Standard library only until the run starts.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import multiprocessing.connection
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countersign import bootstrap
from tests.__main__ import NEEDED, ROOT
from tests.mutants import Mutant, mutants_of

Context: Any = multiprocessing  # Windows' stubs know no fork; the run itself says that it needs one

# the tests that fit each room: as near to it as possible, so that they are quick and say where the fault is
ROOMS = {
    "wire": ("wire*", "documents"),
    "seal": ("seal*", "keytext"),
    "pack": ("pack*", "arrival", "manifest*", "caps", "names", "plan", "take_over"),
    "trust": ("trust*", "certificates*", "renewal*", "private_keys", "state_files"),
    "source": ("sent_hashes", "selection", "odd_files", "reading*", "faults", "resume"),
    "target": ("creating", "flushing", "direct", "staging*", "state_files", "resume", "faults", "targets_refused"),
}  # fmt: skip
FIRST = ("wire", "seal", "pack", "trust")
TO_REACH = 95.0  # per cent
_LONGEST = 3.0  # seconds: what takes longer proves something about a whole, and not a line
_PATIENCE = 20.0  # seconds beyond what the tests of a fault take without it
_SURVIVED = frozenset({0, 5})  # pytest: all passed, none was there
_EXPLAINED = re.compile(r"^- `([^`]+)` `([^`]*)`: `(.+?)` → `(.+?)`\. ", re.MULTILINE)


@dataclass(frozen=True)
class Job:
    """A fault, and the tests that may notice it."""

    path: str  # of the module, from the root
    mutant: Mutant
    tests: tuple[str, ...]
    seconds: float  # that these tests take without the fault

    def __str__(self) -> str:
        mutant = self.mutant
        return f"{self.path}:{mutant.line} {mutant.function}: {mutant.before} → {mutant.after}"


def main() -> int:
    """Prepares what is missing, then runs."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.mutation")
    parser.add_argument("modules", nargs="*", default=FIRST, help="rooms or files of them, such as seal or seal.token")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    try:
        if not bootstrap.all_there(NEEDED):
            return bootstrap.again(bootstrap.prepared(ROOT, bootstrap.TESTS), ["-m", "tests.mutation", *sys.argv[1:]])
    except bootstrap.SetupProblem as problem:
        print(problem, file=sys.stderr)
        return bootstrap.EXIT_SETUP
    if not hasattr(os, "fork"):
        print("This needs a system that can fork.", file=sys.stderr)
        return bootstrap.EXIT_SETUP
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="mutation-"))
    try:
        score = _run(options.modules, options.workers, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    state = "reached" if score >= TO_REACH else "MISSED"
    print(f"mutation: {score:.1f} % ({time.monotonic() - began:.0f} s) {state}", flush=True)
    return 0 if score >= TO_REACH else 1


def _run(modules: Iterable[str], workers: int, folder: Path) -> float:
    """Gives the score in per cent."""
    importlib.import_module("tests.mutation_child")  # the libraries, once for all that are forked
    rooms: dict[str, list[Path]] = {}
    for name in modules:
        room, _dot, file = name.partition(".")
        rooms.setdefault(room, []).extend(sorted((ROOT / "countersign" / room).glob(f"{file or '*'}.py")))
    explained = explained_faults()
    jobs: list[Job] = []
    without = 0
    for room, paths in rooms.items():
        seen = _learned(room, folder)
        for path in paths:
            for job in _jobs(path, seen):
                if fault_of(job.path, job.mutant) in explained:
                    without += 1
                else:
                    jobs.append(job)
    print(f"{len(jobs)} faults, and {without} that docs/mutation.md explains", flush=True)
    survivors = _try_all(jobs, workers, folder)
    for job in sorted(survivors, key=lambda job: (job.path, job.mutant.line)):
        print(f"{job}{'' if job.tests else '  (no test reaches it)'}")
    by_room = Counter(job.path.split("/")[1] for job in jobs)
    left = Counter(job.path.split("/")[1] for job in survivors)
    for room, count in by_room.items():
        print(f"{room}: {count - left[room]} of {count} noticed")
    return 100.0 * (len(jobs) - len(survivors)) / max(1, len(jobs))


def fault_of(path: str, mutant: Mutant) -> tuple[str, str, str, str]:
    """How docs/mutation.md names a fault: by file, function and change, whatever the line."""
    return path, mutant.function or "module", mutant.before, mutant.after


def explained_faults() -> set[tuple[str, ...]]:
    """The faults that change nothing, as docs/mutation.md lists them."""
    page = ROOT / "docs" / "mutation.md"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    return {found.groups() for found in _EXPLAINED.finditer(text)}


# --- which test reaches which line -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """What one run of a room's tests has shown. lines: by path, then line, the tests; seconds: by test."""

    lines: dict[str, dict[str, list[str]]]
    seconds: dict[str, float]


def _learned(room: str, folder: Path) -> Seen:
    files = sorted(
        {str(p.relative_to(ROOT)) for pattern in ROOMS[room] for p in (ROOT / "tests").glob(f"test_{pattern}.py")}
    )
    out = folder / f"{room}.json"
    process = Context.get_context("fork").Process(target=_learn, args=(files, out, folder / room))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"the tests of {room} fail without any fault")
    found = json.loads(out.read_text())
    return Seen(found["lines"], found["seconds"])


def _learn(files: list[str], out: Path, scratch: Path) -> None:
    from tests import mutation_child

    os._exit(mutation_child.learn(files, out, scratch))


def _jobs(path: Path, seen: Seen) -> Iterable[Job]:
    name = str(path.relative_to(ROOT))
    by_line = seen.lines.get(name, {})
    near = {test for tests in by_line.values() for test in tests}
    for mutant in mutants_of(path.read_text(encoding="utf-8")):
        if mutant.lines is None:
            reached = set(seen.seconds)  # nobody can tell who uses what an import has made
        else:
            first, last = mutant.lines
            ran = [by_line[str(line)] for line in range(first, last + 1) if str(line) in by_line]
            reached = {test for tests in ran for test in tests}
            if ran and not reached:
                reached = set(seen.seconds)  # it ran at the import
        quick = [test for test in reached if seen.seconds[test] < _LONGEST]
        quick.sort(key=lambda test: (test not in near, seen.seconds[test], test))
        yield Job(name, mutant, tuple(quick), sum(seen.seconds[test] for test in quick))


# --- faults ----------------------------------------------------------------------------------------------------------


def _try_all(jobs: list[Job], workers: int, folder: Path) -> list[Job]:
    """Those that no test notices."""
    survivors = [job for job in jobs if not job.tests]
    noticed: Counter[str] = Counter()
    waiting = deque(job for job in jobs if job.tests)
    running: dict[int, tuple[Any, Job, float]] = {}
    done = 0
    while waiting or running:
        while waiting and len(running) < workers:
            job = waiting.popleft()
            process = Context.get_context("fork").Process(target=_try, args=(job, folder / f"{len(waiting)}"))
            process.start()
            running[process.sentinel] = process, job, time.monotonic() + _PATIENCE + 5 * job.seconds
        for sentinel in _ended(running):
            process, job, _deadline = running.pop(sentinel)
            process.join()
            noticed[_how(process.exitcode or 0)] += 1
            if process.exitcode in _SURVIVED:
                survivors.append(job)
                print(f"  survived: {job}", file=sys.stderr, flush=True)
            process.close()
            done += 1
            if not done % 100:
                print(f"  {done} tried, {len(waiting)} left", file=sys.stderr, flush=True)
    print(", ".join(f"{count} {how}" for how, count in sorted(noticed.items())), flush=True)
    return survivors


def _how(exit_code: int) -> str:
    """How a fault was noticed: by a test, or because nothing could be imported, or because the tests had no end."""
    if exit_code in _SURVIVED:
        return "not noticed"
    return "by a test" if exit_code == 1 else "by time" if exit_code < 0 else "at the import"


def _ended(running: dict[int, tuple[Any, Job, float]]) -> list[int]:
    """The processes that have ended; one that takes too long is ended, which its tests would have noticed."""
    multiprocessing.connection.wait(list(running), 1.0)
    now = time.monotonic()
    for process, _job, deadline in running.values():
        if now > deadline and process.is_alive():
            process.kill()
    return [sentinel for sentinel, (process, _job, _deadline) in running.items() if not process.is_alive()]


def _try(job: Job, scratch: Path) -> None:
    from tests import mutation_child

    os._exit(mutation_child.attempt(ROOT / job.path, job.mutant.number, job.tests, scratch))


if __name__ == "__main__":
    sys.exit(main())
