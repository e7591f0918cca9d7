"""Two hosts on one machine, in network namespaces created here and removed afterwards. An interface goes down in mid-transfer, the
sender's address changes, the receiver's address changes. Skipped if the machine does not allow it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.long.figures import Figure
from tests.programs import Program
from tests.transfers import Couple, make_couple, snapshot

_BOB, _ALICE = "10.77.0.1", "10.77.0.2"
_BOB_LATER, _ALICE_LATER = "10.77.0.11", "10.77.0.12"
_SIZE = 300_000_000
_MIDDLE = 60_000_000


class NotAllowedError(Exception):
    """This machine does not allow it; the text is the machine's."""


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotAllowedError(done.stderr.strip() or f"ip {arguments[0]} failed")


@dataclass(frozen=True)
class Hosts:
    """The names of two namespaces, each with an interface `wire`, connected to each other."""

    bob: str
    alice: str

    def inside(self, host: str) -> tuple[str, ...]:
        return ("ip", "netns", "exec", host)

    def set(self, host: str, *arguments: str) -> None:
        _ip("-n", host, *arguments)


@contextlib.contextmanager
def two_hosts() -> Iterator[Hosts]:
    """Raises NotAllowedError."""
    if sys.platform != "linux" or shutil.which("ip") is None:
        raise NotAllowedError("there is no `ip` command here")
    mark = secrets.token_hex(3)
    hosts = Hosts(f"cs-{mark}-bob", f"cs-{mark}-alice")
    try:
        for host in (hosts.bob, hosts.alice):
            _ip("netns", "add", host)
        _ip("link", "add", "wire", "netns", hosts.bob, "type", "veth", "peer", "name", "wire", "netns", hosts.alice)
        for host, address in ((hosts.bob, _BOB), (hosts.alice, _ALICE)):
            hosts.set(host, "addr", "add", f"{address}/24", "dev", "wire")
            hosts.set(host, "link", "set", "wire", "up")
            hosts.set(host, "link", "set", "lo", "up")
        yield hosts
    finally:
        for host in (hosts.bob, hosts.alice):
            subprocess.run(["ip", "netns", "del", host], capture_output=True, check=False)


class Journey:
    """A transfer between the two hosts, run to its middle."""

    def __init__(self, couple: Couple, hosts: Hosts, address: str) -> None:
        self.bob = Program(
            "receiver", "--port", "0", "--into", str(couple.into), "--accept", "--bind", "0.0.0.0",
            home=couple.bob.home.root, before=hosts.inside(hosts.bob),
        )  # fmt: skip
        listening = self.bob.until("listening")
        self.alice = Program(
            "sender",
            "--to",
            f"{address}:{listening['port']}",
            home=couple.alice.home.root,
            before=hosts.inside(hosts.alice),
        )
        self.alice.until("need_code")
        self.alice.say(str(listening["code"]))
        self.bob.say(str(self.alice.until("key")["key"]))

    def middle(self) -> Journey:
        while self.bob.until("progress")["bytes_done"] < _MIDDLE:
            pass
        return self

    def done(self) -> dict[str, Any]:
        event = self.alice.until("done")
        self.bob.until("done")
        assert (self.alice.end(), self.bob.end()) == (0, 0)
        return event

    def __enter__(self) -> Journey:
        return self

    def __exit__(self, *_details: object) -> None:
        self.alice.kill()
        self.bob.kill()


def interface_down(couple: Couple, hosts: Hosts, seconds: float) -> None:
    """Nothing passes for this long. Nothing is retyped."""
    with Journey(couple, hosts, _BOB).middle() as journey:
        hosts.set(hosts.alice, "link", "set", "wire", "down")
        threading.Event().wait(seconds)  # the length of the outage is what is tested
        hosts.set(hosts.alice, "link", "set", "wire", "up")
        journey.done()


def sender_moves(couple: Couple, hosts: Hosts) -> None:
    """The sender's address changes abruptly; it reconnects by itself."""
    with Journey(couple, hosts, _BOB).middle() as journey:
        hosts.set(hosts.alice, "addr", "add", f"{_ALICE_LATER}/24", "dev", "wire")
        hosts.set(hosts.alice, "addr", "del", f"{_ALICE}/24", "dev", "wire")
        hosts.set(hosts.alice, "addr", "replace", f"{_ALICE_LATER}/24", "dev", "wire")
        journey.alice.until("reconnecting")
        event = journey.done()
    assert event["wire_bytes"] < _SIZE * 1.2


def receiver_moves(couple: Couple, hosts: Hosts) -> None:
    """The receiver's address changes: both start again, the secrets are spoken again, and only the rest is sent."""
    with Journey(couple, hosts, _BOB).middle() as journey:
        hosts.set(hosts.bob, "addr", "add", f"{_BOB_LATER}/24", "dev", "wire")
        hosts.set(hosts.bob, "addr", "del", f"{_BOB}/24", "dev", "wire")
        hosts.set(hosts.bob, "addr", "replace", f"{_BOB_LATER}/24", "dev", "wire")
        journey.alice.interrupt()
        journey.bob.interrupt()
        assert (journey.alice.end(), journey.bob.end()) == (7, 7)
    with Journey(couple, hosts, _BOB_LATER) as journey:
        assert journey.done()["wire_bytes"] < _SIZE - _MIDDLE // 2


SCENES: dict[str, Callable[[Couple, Hosts], None]] = {
    "an interface that is down for 2 s": lambda couple, hosts: interface_down(couple, hosts, 2.0),
    "an interface that is down for 40 s": lambda couple, hosts: interface_down(couple, hosts, 40.0),
    "another address of the sender": sender_moves,
    "another address of the receiver": receiver_moves,
}


def play(name: str, size: int = _SIZE) -> None:
    """Plays one scene with a file of so many bytes and compares both folders at its end. Raises NotAllowedError."""
    with tempfile.TemporaryDirectory() as folder, two_hosts() as hosts:
        couple = make_couple(Path(folder))
        (couple.folder / "large.bin").write_bytes(os.urandom(size))
        before = snapshot(couple.folder)
        SCENES[name](couple, hosts)
        assert snapshot(couple.into) == before == snapshot(couple.folder)


def run(runs: int | None, first: int = 0) -> Figure:
    """Runs the first `runs` scenes, or all."""
    names = list(SCENES)[first : None if runs is None else first + runs]
    try:
        for name in names:
            play(name)
            print(f"  {name}: done, equal folders", flush=True)
    except NotAllowedError as error:
        return Figure(f"not possible on this machine: {error}", False, skipped=True)
    return Figure(f"{len(names)} scenes between two hosts, all ended in equal folders: {', '.join(names)}", True)
