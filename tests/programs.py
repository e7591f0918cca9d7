"""Both programs as processes, driven through --cli --json as another program would drive them."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 120.0


class Program:
    """One of the two programs, running."""

    def __init__(
        self,
        role: str,
        *arguments: str,
        home: Path,
        json_events: bool = True,
        stdin: bool = True,
        before: tuple[str, ...] = (),
    ) -> None:
        """before: a command that starts the program, such as `ip netns exec`."""
        flags = ["--cli", *(["--json"] if json_events else [])]
        self.command = [*before, sys.executable, str(ROOT / f"{role}.py"), *flags, "--home", str(home), *arguments]
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")},
        )
        self.events: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.errors = ""
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._json = json_events
        self._readers = [
            threading.Thread(target=self._read_out, name="reader", daemon=True),
            threading.Thread(target=self._read_errors, name="reader", daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_out(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if self._json:
                event = json.loads(line)
                self.events.append(event)
                self._queue.put(event)
        self._queue.put(None)

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors = self.process.stderr.read()

    def until(self, name: str) -> dict[str, Any]:
        """The next event of this name; earlier events are skipped."""
        while True:
            event = self._queue.get(timeout=PATIENCE)
            assert event is not None, f"it ended before “{name}”: {self.lines[-3:]} {self.errors}"
            if event["event"] == name:
                return event

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hang_up(self) -> None:
        """Closes its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Waits for the end. Returns the exit code."""
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(10)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None and not stream.closed:
                stream.close()
        assert "Traceback" not in self.errors, self.errors
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_details: object) -> None:
        self.kill()
        self.end()


def command(role: str, *arguments: str, home: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a program to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / f"{role}.py"), "--home", str(home), *arguments],
        input=stdin, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
