"""magic-wormhole in its own environment, with its own mailbox server and transit relay on loopback.

The two ends find each other on loopback and connect directly, as by default; the relay stays idle.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.competitors import version_of
from benchmarks.measure import BenchmarkError, Child, Round, free_port, wait_for_port

_PACKAGES = ("magic-wormhole", "magic-wormhole-mailbox-server", "magic-wormhole-transit-relay")


class Wormhole:
    """Two `wormhole` commands with a code that both know from the start."""

    name = "magic-wormhole"

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "wormhole"
        self._bin = self._folder / "venv" / "bin"
        self._servers: list[Child] = []
        self._options: list[str] = []

    def missing(self) -> str | None:
        try:
            self._install()
        except (OSError, subprocess.CalledProcessError):
            return f"pip install {' '.join(_PACKAGES)} (the benchmark tried to, in an environment of its own)"
        return None

    def _install(self) -> None:
        if (self._folder / "ready").exists():
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(self._folder / "venv")], check=True)
        pip = [str(self._bin / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *_PACKAGES]
        subprocess.run(pip, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (self._folder / "ready").touch()

    def version(self) -> str:
        return version_of(str(self._bin / "wormhole"), "--version")

    def prepare(self) -> None:
        mailbox, relay = free_port(), free_port()
        for plugin, port in (("wormhole-mailbox", mailbox), ("transitrelay", relay)):
            where = ["--port", f"tcp:{port}:interface=127.0.0.1"]
            more = ["--channel-db", ":memory:"] if plugin == "wormhole-mailbox" else []
            self._servers.append(
                Child([self._bin / "twist", plugin, *where, *more], log=self._folder / "log", cwd=self._folder)
            )
            wait_for_port(port)
        self._options = ["--relay-url", f"ws://127.0.0.1:{mailbox}/v1", "--transit-helper", f"tcp:127.0.0.1:{relay}"]

    def transfer(self, source: Path, target: Path) -> Round:
        code = f"{secrets.randbelow(9000) + 1000}-a-b"
        log = target / "log"
        base: list[str | Path] = [self._bin / "wormhole", *self._options]
        env = {**os.environ, "HOME": str(target)}
        quiet = ["--hide-progress"]
        began = time.monotonic()
        receiver = Child([*base, "receive", *quiet, "--accept-file", "-o", target / "arrived", code], log=log, env=env)
        sender = Child([*base, "send", *quiet, "--ignore-unsendable-files", "--code", code, source], log=log, env=env)
        sent, received = sender.wait(), receiver.wait()
        seconds = time.monotonic() - began
        arrived = target / "arrived"
        if not arrived.is_dir():
            raise BenchmarkError("wormhole left nothing")
        return Round(seconds, sent, received, arrived)

    def close(self) -> None:
        for server in self._servers:
            server.stop()
        self._servers = []
