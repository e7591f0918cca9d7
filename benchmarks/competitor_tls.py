"""The bare stack, and tar through socat: both with TLS and a certificate on both sides."""

from __future__ import annotations

import datetime
import ssl
import subprocess
import sys
import time
from pathlib import Path

import psutil

from benchmarks.checking import content_of
from benchmarks.competitors import lacking, version_of
from benchmarks.measure import BenchmarkError, Child, Round, free_port
from countersign.trust.identity import open_identity

ROOT = Path(__file__).resolve().parents[1]


def make_certificate(folder: Path) -> None:
    """One throw-away certificate, used on both sides."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "both.pem").exists():
        return
    identity = open_identity(folder, datetime.datetime.now(datetime.timezone.utc))
    both = identity.certificate_path.read_bytes() + identity.key_path.read_bytes()
    (folder / "both.pem").write_bytes(both)


class BareTls:
    """As many bytes as the input holds, from memory to nowhere."""

    name = "bare Python TLS"

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "tls"

    def missing(self) -> str | None:
        return None

    def version(self) -> str:
        return ssl.OPENSSL_VERSION.removeprefix("OpenSSL ").split()[0]

    def prepare(self) -> None:
        make_certificate(self._folder)

    def transfer(self, source: Path, target: Path) -> Round:
        size = str(content_of(source).bytes)
        command = [sys.executable, "-m", "benchmarks.bare_tls"]
        log = target / "log"
        receiver = Child([*command, "receive", self._folder, size], stdout=subprocess.PIPE, log=log, cwd=ROOT)
        assert receiver.process.stdout is not None
        with receiver.process.stdout as said:
            port = said.readline().decode().strip()
        began = time.monotonic()
        sender = Child([*command, "send", port, self._folder, size], log=log, cwd=ROOT)
        sent, received = sender.wait(), receiver.wait()
        return Round(time.monotonic() - began, sent, received, None)

    def close(self) -> None:
        pass


class Socat:
    """tar through socat."""

    name = "tar through socat, TLS"

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "tls"

    def missing(self) -> str | None:
        return lacking({"socat": "socat", "tar": "tar"})

    def version(self) -> str:
        return version_of("socat", "-V")

    def prepare(self) -> None:
        make_certificate(self._folder)

    def transfer(self, source: Path, target: Path) -> Round:
        arrived = target / "arrived"
        arrived.mkdir()
        log = target / "log"
        port = free_port()
        tls = f"cert={self._folder / 'both.pem'},cafile={self._folder / 'cert.pem'},verify=1"
        listen = f"OPENSSL-LISTEN:{port},bind=127.0.0.1,reuseaddr,{tls}"
        receiver = Child(["socat", "-u", "-b262144", listen, f"EXEC:tar -C {arrived} -xf -"], log=log)
        _wait_until_listening(receiver, port)
        began = time.monotonic()
        tar = Child(["tar", "-C", source, "-cf", "-", "."], stdout=subprocess.PIPE, log=log)
        assert tar.process.stdout is not None
        sender = Child(
            ["socat", "-u", "-b262144", "-", f"OPENSSL:127.0.0.1:{port},{tls},openssl-commonname=,no-sni=1"],
            stdin=tar.process.stdout,
            log=log,
        )
        tar.process.stdout.close()
        sent = sender.wait() + tar.wait()
        received = receiver.wait()
        return Round(time.monotonic() - began, sent, received, arrived)

    def close(self) -> None:
        pass


def _wait_until_listening(child: Child, port: int) -> None:
    """Without connecting: socat accepts only one connection."""
    process = psutil.Process(child.process.pid)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        connections = process.net_connections(kind="tcp")
        if any(one.status == psutil.CONN_LISTEN and one.laddr[1] == port for one in connections):
            return
        time.sleep(0.01)
    raise BenchmarkError("socat does not listen")
