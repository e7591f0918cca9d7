"""croc, if it is on PATH, with its own relay on loopback."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

from benchmarks.competitors import lacking, version_of
from benchmarks.measure import Child, Round, free_port, wait_for_port


class Croc:
    """Two `croc` commands with a code that both know from the start."""

    name = "croc"

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "croc"
        self._relay: Child | None = None
        self._port = 0

    def missing(self) -> str | None:
        return "croc is in no registry of this machine: see its own page" if lacking({"croc": "croc"}) else None

    def version(self) -> str:
        return version_of("croc", "--version")

    def prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._port = free_port()
        ports = ",".join(str(port) for port in (self._port, *(free_port() for _number in range(4))))
        self._relay = Child(["croc", "relay", "--host", "127.0.0.1", "--ports", ports], log=self._folder / "log")
        wait_for_port(self._port)

    def transfer(self, source: Path, target: Path) -> Round:
        arrived = target / "arrived"
        arrived.mkdir()
        env = {**os.environ, "CROC_SECRET": f"{secrets.token_hex(8)}-a-b", "HOME": str(target)}
        relay = ["--relay", f"127.0.0.1:{self._port}", "--yes"]
        log = target / "log"
        began = time.monotonic()
        sender = Child(["croc", *relay, "send", "--no-local", source], env=env, log=log)
        receiver = Child(["croc", *relay, "--out", arrived], env=env, log=log)
        sent, received = sender.wait(), receiver.wait()
        return Round(time.monotonic() - began, sent, received, arrived / source.name)

    def close(self) -> None:
        if self._relay is not None:
            self._relay.stop()
            self._relay = None
