"""What is measured of Countersign alone: cost over the number of entries, the first data byte, the window."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.checking import content_of
from benchmarks.inputs import NOTHING, Input, make_small_files
from benchmarks.measure import BenchmarkError, Child, Round, free_port, median, write_out
from benchmarks.memory import read_all
from benchmarks.ours import ROOT, Ours

_WALKS = 5
_NOTHINGS = 3


def _numbers(options: argparse.Namespace) -> list[int]:
    return [int(part) for part in options.entries.split(",")]


def _small_files(count: int) -> Input:
    return Input(
        f"small-{count}", f"{count:,} files of 200 bytes", lambda folder, _share: make_small_files(folder, count)
    )


def _transfers(options: argparse.Namespace, source: Path) -> Round:
    """One transfer. The caller's Turns removes what arrived."""
    ours = Ours(options.targets / "countersign-homes")
    ours.prepare()
    with tempfile.TemporaryDirectory(dir=options.targets) as target:
        measured = ours.transfer(source, Path(target))
        assert measured.arrived is not None
        expected, found = content_of(source), content_of(measured.arrived)
        if expected.sizes != found.sizes:
            raise BenchmarkError("what arrived is not what was sent")
    return measured


def measure_scaling(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds and peaks over the number of entries."""
    rows = []
    empty = NOTHING.ready(options.cache, 1)
    nothing = median([_transfers(options, empty).seconds for _number in range(_NOTHINGS)])
    for count in _numbers(options):
        source = _small_files(count).ready(options.cache, 1)
        read_all(source)
        write_out()
        measured = _transfers(options, source)
        row = {
            "entries": count,
            "seconds": round(measured.seconds, 3),
            "moving": round(max(measured.seconds - nothing, 0.001), 3),
            "sender_peak": measured.sender.peak,
            "receiver_peak": measured.receiver.peak,
            "processor": [round(measured.sender.processor, 2), round(measured.receiver.processor, 2)],
            "first_data": _first_data(measured),
        }
        rows.append(row)
        print(row, flush=True)
    return {"rows": rows}


def _first_data(measured: Round) -> float:
    return float(measured.told["sender"].get("first_data", 0.0))


def walk_seconds(folder: Path) -> float:
    """A bare os.walk that stats every file."""
    began = time.monotonic()
    for inside, _folders, names in os.walk(folder):
        for name in names:
            os.stat(os.path.join(inside, name), follow_symlinks=False)
    return time.monotonic() - began


def measure_first(options: argparse.Namespace) -> dict[str, Any]:
    """From “send” to the first data byte, in turns with a bare walk; and the same for one file, which is all handshake and key."""
    count = 100_000
    source = _small_files(count).ready(options.cache, 1)
    nothing = NOTHING.ready(options.cache, 1)
    walks, firsts, nothings = [], [], []
    for _number in range(min(options.rounds, _WALKS)):
        walks.append(walk_seconds(source))
        firsts.append(_first_data(_transfers(options, source)))
        nothings.append(_first_data(_transfers(options, nothing)))
        print(f"walk {walks[-1]:.3f} s, first data {firsts[-1]:.3f} s, of nothing {nothings[-1]:.3f} s", flush=True)
    return {"entries": count, "walk": median(walks), "first_data": median(firsts), "nothing": median(nothings)}


def measure_window(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds from the start of the process until its window is mapped, on a virtual screen."""
    if importlib.util.find_spec("Xlib") is None or shutil.which("Xvfb") is None:
        raise BenchmarkError("This needs Xvfb and python-xlib: apt install xvfb; python3 -m tests installs the other.")
    number = 90 + free_port() % 900
    screen = Child(["Xvfb", f":{number}", "-screen", "0", "1280x1024x24", "-nolisten", "tcp"])
    try:
        return {
            role: median([_until_window(role, number) for _n in range(options.rounds)])
            for role in ("sender", "receiver")
        }
    finally:
        screen.stop()


def _until_window(role: str, number: int) -> float:
    from Xlib.display import Display
    from Xlib.error import DisplayConnectionError

    deadline = time.monotonic() + 20
    while True:
        try:
            display = Display(f":{number}")
            break
        except (DisplayConnectionError, ConnectionError, FileNotFoundError):
            if time.monotonic() > deadline:
                raise BenchmarkError("Xvfb does not start") from None
            time.sleep(0.05)
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "DISPLAY": f":{number}", "HOME": home}
        subprocess.run(  # the first start creates an identity, which is not measured
            [sys.executable, str(ROOT / f"{role}.py"), "--home", home, "--peers"],
            check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        began = time.monotonic()
        port = ["--port", "0"] if role == "receiver" else []
        program = Child([sys.executable, ROOT / f"{role}.py", "--home", home, *port], env=env)
        try:
            while not _is_up(display):
                if time.monotonic() - began > 20:
                    raise BenchmarkError("no window came up")
                time.sleep(0.005)
            return time.monotonic() - began
        finally:
            program.stop()
            display.close()


def _is_up(display: Any) -> bool:
    """Whether a window of some size is mapped."""
    for window in display.screen().root.query_tree().children:
        try:
            if window.get_attributes().map_state == 2 and window.get_geometry().width > 100:
                return True
        except Exception:  # it was gone before we looked
            continue
    return False


COMMANDS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "scaling": measure_scaling,
    "first": measure_first,
    "window": measure_window,
}

__all__ = ["COMMANDS", "measure_first", "measure_scaling", "measure_window", "walk_seconds"]
