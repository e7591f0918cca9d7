"""Fuzzing: 10 million runs over all targets, guided by coverage, with atheris in its own environment.

Each target runs in its own process, with a limit on time and memory for every input. What it finds is printed and kept in
tests/long/found/ (not in git) until somebody adds it to the corpus.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

from tests.long.environments import ROOT, NotHereError, environment
from tests.long.figures import Figure
from tests.long.target_runs import ROOM, in_memory
from tests.long.targets import TARGETS, corpus

WHOLE = 10_000_000
_ATHERIS = "atheris==3.0.0"
_SECONDS, _MIB, _LONGEST = 10, 1500, 4096  # of one input: time, memory of the process, bytes
_FOUND = ROOT / "tests" / "long" / "found"


def run(runs: int | None, first: int = 0) -> Figure:
    """`runs` inputs over all targets, by their weights. first: skips so many targets."""
    try:
        programs = environment("fuzz", _ATHERIS, with_ours=True)
    except NotHereError as error:
        return Figure(str(error), False, skipped=True)
    whole = WHOLE if runs is None else runs
    weights = sum(target.weight for target in TARGETS.values())
    counted, crashes = 0, []
    for name, target in list(TARGETS.items())[first:]:
        share = max(1, round(whole * target.weight / weights))
        done, said = fuzz(programs / "python", name, share)
        counted += done
        print(f"  {name}: {done} runs{'' if not said else ': ' + said}", flush=True)
        if said:
            crashes.append(name)
    text = f"{counted} runs over {len(TARGETS) - first} targets, crashes {len(crashes)} {' '.join(crashes)}".strip()
    return Figure(text, not crashes and counted >= whole * 0.99 * (first == 0))


def fuzz(python: Path, name: str, runs: int) -> tuple[int, str]:
    """One target: how many inputs ran, and the last lines of any failure."""
    _FOUND.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(dir=in_memory()) as room:
        for number, seed in enumerate([*TARGETS[name].seeds(), *corpus(name)]):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        command = [str(python), "-W", "ignore", "-m", "tests.long.fuzzing", name, f"-runs={runs}", f"-max_len={_LONGEST}",
                   f"-timeout={_SECONDS}", f"-rss_limit_mb={_MIB}", f"-artifact_prefix={_FOUND}{os.sep}{name}-", folder]  # fmt: skip
        given = {**os.environ, ROOM: room}
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, cwd=ROOT, env=given
        )
    counted = re.search(r"Done (\d+) runs", done.stderr)
    if done.returncode == 0 and counted:
        return int(counted.group(1)), ""
    tail = [line for line in done.stderr.splitlines() if "Error" in line or "Exception" in line or "ERROR" in line]
    return 0, " | ".join(tail[-3:]) or f"exit code {done.returncode}: {done.stderr[-300:]}"
