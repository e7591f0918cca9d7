"""Countersign: two real processes, two homes with exchanged certificates, and no person to wait for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import BenchmarkError, Child, Round
from countersign import __version__

ROOT = Path(__file__).resolve().parents[1]
_HIDDEN = ("DISPLAY", "WAYLAND_DISPLAY", "COUNTERSIGN_HOME")


class Told:
    """The events of one process: passed to `on_event` as they come, and kept."""

    def __init__(self, child: Child, on_event: Callable[[dict[str, Any]], None]) -> None:
        self.events: list[dict[str, Any]] = []
        self._on_event = on_event
        self._out = child.process.stdout
        self._thread = threading.Thread(target=self._read, name="events", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._out is not None
        with self._out as lines:
            for line in lines:
                event = json.loads(line)
                self.events.append(event)
                self._on_event(event)

    def join(self) -> None:
        self._thread.join()

    def last(self, name: str) -> dict[str, Any]:
        """The last event of this name, or an empty one."""
        return next((event for event in reversed(self.events) if event["event"] == name), {})


class Ours:
    """Countersign, driven through --cli --json."""

    name = "Countersign"

    def __init__(self, homes: Path) -> None:
        """homes: a folder for the two homes, on the file system that receives."""
        self._homes = homes

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        done = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
        )
        return f"{__version__} {done.stdout.strip()}".strip()

    def prepare(self) -> None:
        for role, other in (("sender", "receiver"), ("receiver", "sender")):
            certificate = self._homes / f"{role}.pem"
            if certificate.exists():
                continue
            self._homes.mkdir(parents=True, exist_ok=True)
            self._command(role, "--export-cert", str(certificate))
            self._command(other, "--import-cert", str(certificate), "--name", role)

    def _command(self, role: str, *arguments: str) -> None:
        subprocess.run([*self._program(role), *arguments], check=True, stdout=subprocess.DEVNULL, env=_environment())

    def _program(self, role: str) -> list[str]:
        return [sys.executable, str(ROOT / f"{role}.py"), "--home", str(self._homes / role)]

    def transfer(self, source: Path, target: Path) -> Round:
        arrived = target / "arrived"
        arrived.mkdir()
        log = target / "log"
        flags = ["--cli", "--json", "--stats"]
        listening = threading.Event()
        receiver = Child(
            [*self._program("receiver"), *flags, "--bind", "127.0.0.1", "--port", "0", "--into", arrived, "--accept"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            log=log,
            env=_environment(),
        )
        heard = Told(receiver, lambda _event: listening.set())
        try:
            if not listening.wait(60):
                raise BenchmarkError("the receiver does not listen")
            return self._send(source, arrived, receiver, heard, log)
        finally:
            receiver.stop()

    def _send(self, source: Path, arrived: Path, receiver: Child, heard: Told, log: Path) -> Round:
        facts = heard.events[0]
        began = time.monotonic()
        sender = Child(
            [
                *self._program("sender"),
                "--cli",
                "--json",
                "--stats",
                "--to",
                f"127.0.0.1:{facts['port']}",
                "--folder",
                source,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            log=log,
            env=_environment(),
        )
        _say(sender, facts["code"])

        def on_event(event: dict[str, Any]) -> None:
            if event["event"] == "key":
                _say(receiver, event["key"])

        told = Told(sender, on_event)
        sent, received = sender.wait(), receiver.wait()
        seconds = time.monotonic() - began
        told.join()
        heard.join()
        facts_told = {
            "seconds": told.last("done").get("seconds"),
            "wire_bytes": told.last("done").get("wire_bytes"),
            "sender": told.last("stats"),
            "receiver": heard.last("stats"),
        }
        return Round(seconds, sent, received, arrived, facts_told)

    def close(self) -> None:
        pass


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _HIDDEN}


def _say(child: Child, line: str) -> None:
    """Writes a line to its standard input, which stays open: end of input would mean that the person has left."""
    assert child.process.stdin is not None
    child.process.stdin.write(line.encode() + b"\n")
    child.process.stdin.flush()
