"""Whole transfers in one process, over real TLS on loopback, with two scripted people."""

from __future__ import annotations

import hashlib
import os
import random
import stat
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from countersign.places.home import Home
from countersign.profile import Profile, open_profile
from countersign.session import status as st
from countersign.session.proposal import Decision
from countersign.source.selection import Selection
from countersign.transfer.reception import Reception
from countersign.transfer.sending import SendingSession
from countersign.transport.addresses import Address
from countersign.trust.peers import Peer
from tests.waiting import wait_until

S = TypeVar("S", bound=st.Status)
PATIENCE = 60.0


@dataclass
class Couple:
    """Alice sends, Bob receives."""

    root: Path
    alice: Profile
    bob: Profile

    @property
    def folder(self) -> Path:
        return self.alice.home.send_folder

    @property
    def into(self) -> Path:
        return self.root / "Desktop" / "received_folder"

    def peer_bob(self) -> Peer:
        return self.alice.device.peers.by_name("bob")

    def peer_alice(self) -> Peer:
        return self.bob.device.peers.by_name("alice")

    def visible(self) -> list[str]:
        """The names in Bob's received folder."""
        return sorted(os.listdir(self.into)) if self.into.exists() else []


def make_couple(root: Path) -> Couple:
    alice, bob = (open_profile(Home(root / name)) for name in ("alice", "bob"))
    introduce(alice, bob, "bob")
    introduce(bob, alice, "alice")
    return Couple(root, alice, bob)


def introduce(here: Profile, there: Profile, name: str) -> Peer:
    """Makes `here` pin the certificate of `there`."""
    file = here.home.root / f"{name}.pem"
    file.write_bytes(there.device.identity.pem)
    return here.device.peers.add(here.device.peers.examine(file, here.device.local_time()), name)


@dataclass
class Heard:
    """The statuses that one side reported."""

    statuses: list[st.Status] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    on_status: Callable[[st.Status], None] = lambda _status: None

    def report(self, status: st.Status) -> None:
        with self.changed:
            self.statuses.append(status)
            self.changed.notify_all()
        self.on_status(status)

    def all(self, kind: type[S]) -> list[S]:
        return [status for status in list(self.statuses) if isinstance(status, kind)]

    def wait(self, kind: type[S], count: int = 1, seconds: float = PATIENCE) -> S:
        """Waits for the count-th status of a kind."""
        wait_until(lambda: len(self.all(kind)) >= count, seconds, lambda: f"{kind.__name__} among {self.statuses[-4:]}")
        return self.all(kind)[count - 1]

    def end(self) -> st.Status:
        """The last status, Done or Failed."""
        ends = [status for status in self.statuses if isinstance(status, (st.Done, st.Failed))]
        return ends[-1]

    def code(self) -> str:
        """The code of the problem that it ended with, or `done`."""
        end = self.end()
        return end.problem.code if isinstance(end, st.Failed) else "done"


class Exchange:
    """One transfer. Both people answer correctly unless a test says otherwise."""

    def __init__(
        self,
        couple: Couple,
        *,
        codes: list[str] | None = None,
        keys: list[str] | None = None,
        accept: bool | None = True,
        folder: Path | None = None,
        port: int | None = None,
        keep_listening: bool = False,
        into: Path | None = None,
    ) -> None:
        self.couple = couple
        self.sender, self.receiver = Heard(), Heard()
        self._codes = list(codes or [])
        self._keys = list(keys or [])
        self._accept = accept
        self.sender.on_status = self._as_alice
        self.receiver.on_status = self._as_bob
        self.reception: Reception = couple.bob.reception(
            into or couple.into, "127.0.0.1", 0, self.receiver.report, keep_listening=keep_listening
        )
        self._receiving = threading.Thread(target=self.reception.run, name="bob", daemon=True)
        self._receiving.start()
        wait_until(lambda: self.receiver.statuses, PATIENCE, "the receiver to listen")
        listening = self.receiver.statuses[0]
        assert isinstance(listening, st.Listening), listening
        self.port = port or listening.port
        self.session: SendingSession = couple.alice.sending(
            Selection((folder or couple.folder,)), Address("127.0.0.1", self.port), None, self.sender.report
        )
        self._sending: threading.Thread | None = None

    def start(self) -> Exchange:
        self._sending = threading.Thread(target=self.session.run, name="alice", daemon=True)
        self._sending.start()
        return self

    def run(self) -> Exchange:
        return self.start().join()

    def join(self, receiver: bool = True) -> Exchange:
        assert self._sending is not None
        self._sending.join(PATIENCE)
        assert not self._sending.is_alive(), f"the sender hangs after {self.sender.statuses[-3:]}"
        if receiver:
            self._receiving.join(PATIENCE)
            assert not self._receiving.is_alive(), f"the receiver hangs after {self.receiver.statuses[-3:]}"
        return self

    def stop_receiver(self) -> None:
        self.reception.controls.cancel()
        self._receiving.join(PATIENCE)
        assert not self._receiving.is_alive()

    @property
    def codes(self) -> tuple[str, str]:
        """How the two sides ended."""
        return self.sender.code(), self.receiver.code()

    def _as_alice(self, status: st.Status) -> None:
        if isinstance(status, st.NeedCode):
            right = self.receiver.all(st.Listening)[-1].code
            code = self._codes.pop(0) if self._codes else right
            if code == "wrong":
                code = f"{(int(right) + 1) % 10000:04d}"
            self.session.answers.code.give(code)

    def _as_bob(self, status: st.Status) -> None:
        if isinstance(status, st.NeedKey):
            key = self.sender.wait(st.KeyShown).key
            self.reception.answers.key.give(self._keys.pop(0) if self._keys else key)
        elif isinstance(status, st.NeedDecision) and self._accept is not None:
            self.reception.answers.decision.give(Decision(self._accept))


def interrupt(couple: Couple, size: int, into: Path | None = None, folder: Path | None = None) -> None:
    """A transfer that the receiver cancels once more than `size` bytes have arrived."""
    exchange = Exchange(couple, into=into, folder=folder)
    before = exchange.receiver.on_status

    def on_status(status: st.Status) -> None:
        if isinstance(status, st.Progress) and status.bytes_done > size:
            exchange.reception.controls.cancel()
        before(status)

    exchange.receiver.on_status = on_status
    exchange.run()
    assert exchange.receiver.code() == "cancelled_midway"


def fill(folder: Path, *, large: int = 9_000_000, small: int = 60) -> None:
    """Fills a folder with something of every kind, the same every time."""
    source = random.Random(7)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "large.bin").write_bytes(source.randbytes(large))
    (folder / "empty").write_bytes(b"")
    (folder / "nothing inside").mkdir()
    deep = folder / "a" / "b" / "c"
    deep.mkdir(parents=True)
    for number in range(small):
        (deep / f"{number:03d}.txt").write_text("line\n" * source.randrange(0, 900))
    (folder / "Grüße 写真.txt").write_text("hello", encoding="utf-8")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("a/b")
    (folder / "a" / "up").symlink_to("../large.bin")
    for number, path in enumerate(sorted(folder.rglob("*"))):
        if not path.is_symlink():
            os.utime(path, ns=(0, 1_600_000_000_123_456_700 + number * 1_000_000_000))


def snapshot(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything about a tree that a transfer keeps."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        name = path.relative_to(folder).as_posix()
        if stat.S_ISLNK(status.st_mode):
            found[name] = ("link", os.readlink(path), status.st_mtime_ns if sys.platform == "linux" else 0)
        elif stat.S_ISDIR(status.st_mode):
            found[name] = ("folder", status.st_mtime_ns)
        else:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[name] = ("file", status.st_mtime_ns, bool(status.st_mode & stat.S_IXUSR), digest)
    return found
