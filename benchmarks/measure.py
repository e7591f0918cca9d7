"""Measured processes: wall seconds, processor seconds and peak memory of each, including children."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

PATIENCE = 900.0  # seconds; no round takes longer


class BenchmarkError(Exception):
    """A round failed; the text says what happened."""


@dataclass(frozen=True)
class Usage:
    """What a process and the children it waited for used: processor seconds, and peak bytes of the largest."""

    processor: float = 0.0
    peak: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.processor + other.processor, max(self.peak, other.peak))


@dataclass(frozen=True)
class Round:
    """One transfer: wall seconds, both sides, where the content arrived, and what the program reported about itself."""

    seconds: float
    sender: Usage
    receiver: Usage
    arrived: Path | None
    told: dict[str, Any] = field(default_factory=dict)


class Child:
    """A process waited for with wait4(2), so that its own usage is known."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        stdin: IO[bytes] | int = subprocess.DEVNULL,
        stdout: IO[bytes] | int = subprocess.DEVNULL,
        log: Path | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.command = [str(part) for part in command]
        self.log = log
        errors: IO[bytes] | int = subprocess.DEVNULL if log is None else open(log, "ab")  # noqa: SIM115 - closed below
        try:
            self.process = subprocess.Popen(
                self.command, stdin=stdin, stdout=stdout, stderr=errors, env=env, cwd=cwd, start_new_session=True
            )
        finally:
            if not isinstance(errors, int):
                errors.close()
        self.usage: Usage | None = None

    def wait(self, seconds: float = PATIENCE, *, ok: tuple[int, ...] = (0,)) -> Usage:
        """Waits for the end. Raises BenchmarkError on an unexpected exit code or a timeout."""
        if self.usage is not None:
            return self.usage
        if sys.platform == "win32":
            raise BenchmarkError("this needs wait4")
        watchdog = threading.Timer(seconds, self._kill)
        watchdog.start()
        try:
            _pid, status, used = os.wait4(self.process.pid, 0)
        finally:
            watchdog.cancel()
            watchdog.join()
        code = os.waitstatus_to_exitcode(status)
        self.process.returncode = code
        peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        self.usage = Usage(used.ru_utime + used.ru_stime, peak)
        if self.process.stdin is not None:
            self.process.stdin.close()
        if code not in ok:
            said = self.log.read_text(errors="replace")[-2000:] if self.log is not None and self.log.exists() else ""
            raise BenchmarkError(f"{Path(self.command[0]).name} ended with {code}: {said}")
        return self.usage

    def stop(self) -> Usage:
        """Asks it to end and waits."""
        if self.usage is None:
            os.kill(self.process.pid, signal.SIGTERM)  # not by Popen, which would poll it and reap it
        return self.wait(10, ok=(0, 1, 143, 255, -signal.SIGTERM, -9))

    def _kill(self) -> None:
        if sys.platform == "win32":
            return
        os.killpg(self.process.pid, signal.SIGKILL)  # its own process group, which only we have started


def write_out() -> None:
    """Waits until the disks hold what was written, so that one round's writes do not slow the next."""
    if sys.platform != "win32":
        os.sync()


def free_port() -> int:
    """A free TCP port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, seconds: float = 20.0) -> None:
    """Waits until something listens there. Raises BenchmarkError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise BenchmarkError(f"nobody listens on port {port}")


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two in the middle."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
