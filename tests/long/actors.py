"""Each side in its own process, which can be killed at any moment or kills itself at a chosen one.

Children are forked from a single-threaded process, so a start costs milliseconds and hundreds of kills take minutes.
They open their homes again, as a freshly started program does.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from countersign.places.home import Home
from countersign.profile import open_profile
from countersign.session import status as st
from countersign.session.proposal import Decision
from countersign.source.selection import Selection
from countersign.transport.addresses import Address
from countersign.wire.states import Conversation

PATIENCE = 60.0
KILL: int = getattr(signal, "SIGKILL", signal.SIGTERM)  # missing on Windows, like fork, so nothing here runs there
_fork: Callable[[], int] = getattr(os, "fork", lambda: -1)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_AUDITED = frozenset(
    ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.utime", "os.truncate", "os.symlink", "os.chmod", "os.link")
)


@dataclass(frozen=True)
class Trap:
    """When a process kills itself with SIGKILL: at the `count`-th (from 1) status, state of the conversation or disk step, or when
    it reports so many bytes."""

    kind: str = "never"  # status, state, disk or bytes
    count: int = 0


class _Steps:
    """Counts steps of one kind and springs the trap."""

    def __init__(self, trap: Trap) -> None:
        self._trap = trap
        self._lock = threading.Lock()
        self.counts = dict.fromkeys(("status", "state", "disk"), 0)

    def step(self, kind: str, half: Callable[[], object] = lambda: None) -> None:
        """If this step springs the trap, `half` runs just before: half of a write."""
        with self._lock:
            self.counts[kind] += 1
            if (kind, self.counts[kind]) == (self._trap.kind, self._trap.count):
                half()
                os.kill(os.getpid(), KILL)


@dataclass
class Actor:
    """A child process: what it has reported so far, and a way to send it something."""

    pid: int
    told: int
    orders: int
    events: list[dict[str, Any]] = field(default_factory=list)
    alive: bool = True
    rest: bytes = b""
    status: int = 0  # as `waitpid` returns it

    def say(self, what: str, value: str = "") -> None:
        if self.alive:
            try:
                os.write(self.orders, json.dumps([what, value]).encode() + b"\n")
            except BrokenPipeError:  # it was killed just now
                pass

    def read(self) -> list[dict[str, Any]]:
        """Reads what it reports now; notices its end."""
        data = os.read(self.told, 65536)
        if not data:
            self.alive = False
            self.status = os.waitpid(self.pid, 0)[1]
            os.close(self.told)
            os.close(self.orders)
            return []
        *lines, self.rest = (self.rest + data).split(b"\n")
        new = [json.loads(line) for line in lines]
        self.events += new
        return new

    def kill(self) -> None:
        if self.alive:
            os.kill(self.pid, KILL)

    @property
    def killed(self) -> bool:
        return not self.alive and self.status == int(KILL)

    @property
    def crashed(self) -> bool:
        """Whether it ended otherwise than by itself or by a kill."""
        return not self.alive and self.status not in (0, int(KILL))

    @property
    def outcome(self) -> str:
        """The code of its end, `done`, or nothing if it was cut off."""
        ends = [event["code"] for event in self.events if event["event"] in ("Done", "Failed")]
        return ends[-1] if ends else ""

    @property
    def counts(self) -> dict[str, int]:
        """How many steps of each kind it took, if it was not killed."""
        return dict(self.events[-1]["counts"])


def start_bob(home: Path, into: Path, trap: Trap) -> Actor:
    """A receiver for one transfer."""

    def make(report: Callable[[st.Status], None]) -> Any:
        return open_profile(Home(home)).reception(into, "127.0.0.1", 0, report)

    return _start(make, trap)


def start_alice(home: Path, folder: Path, port: int, trap: Trap) -> Actor:
    """A sender."""

    def make(report: Callable[[st.Status], None]) -> Any:
        return open_profile(Home(home)).sending(Selection((folder,)), Address("127.0.0.1", port), None, report)

    return _start(make, trap)


def _start(make: Callable[[Callable[[st.Status], None]], Any], trap: Trap) -> Actor:
    assert threading.active_count() == 1, "only a process with one thread may be forked"
    told_r, told_w = os.pipe()
    orders_r, orders_w = os.pipe()
    pid = _fork()
    if pid:
        os.close(told_w)
        os.close(orders_r)
        return Actor(pid, told_r, orders_w)
    try:
        os.close(told_r)
        os.close(orders_w)
        _act(make, trap, told_w, orders_r)
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(70)


def _act(make: Callable[[Callable[[st.Status], None]], Any], trap: Trap, told: int, orders: int) -> None:
    """The child: runs a session, reports every status, takes orders."""
    steps = _Steps(trap)
    lock = threading.Lock()
    write = os.write

    def tell(**event: Any) -> None:
        with lock:
            write(told, json.dumps(event).encode() + b"\n")

    def report(status: st.Status) -> None:
        facts = _facts(status)
        if isinstance(status, st.Reconnecting):
            facts["wire_before"] = session._wire_before if hasattr(session, "_wire_before") else 0
        tell(**facts)
        steps.step("status")
        if trap.kind == "bytes" and isinstance(status, st.Progress) and status.bytes_done >= trap.count:
            os.kill(os.getpid(), KILL)

    def crash(args: threading.ExceptHookArgs) -> None:
        sys.excepthook(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)
        os._exit(71)

    threading.excepthook = crash  # an error on another thread counts too
    _watch(steps)
    session = make(report)
    threading.Thread(target=_obey, args=(session, orders), daemon=True).start()
    session.run()
    tell(event="end", counts=steps.counts)


def _facts(status: st.Status) -> dict[str, Any]:
    facts: dict[str, Any] = {"event": type(status).__name__}
    if isinstance(status, st.Listening):
        facts.update(code=status.code, port=status.port)
    elif isinstance(status, st.KeyShown):
        facts.update(key=status.key)
    elif isinstance(status, st.Progress):
        facts.update(bytes=status.bytes_done)
    elif isinstance(status, st.Done):
        facts.update(code="done", wire_bytes=status.wire_bytes, skipped=len(status.skipped))
    elif isinstance(status, st.Failed):
        facts.update(code=status.problem.code, text=str(status.problem))
    return facts


def _obey(session: Any, orders: int) -> None:
    with open(orders, "rb", closefd=False) as lines:
        for line in lines:
            what, value = json.loads(line)
            if what == "cancel":
                session.controls.cancel()
            elif what == "decision":
                session.answers.decision.give(Decision(True))
            else:
                {"code": session.answers.code, "key": session.answers.key}[what].give(value)


def _watch(steps: _Steps) -> None:
    """Counts states of the conversation and every change to the disk."""
    for name in ("sending", "received"):
        setattr(Conversation, name, _counted(getattr(Conversation, name), steps, "state"))
    disk_posix = importlib.import_module("countersign.disk.posix")
    for owner, name in ((os, "fsync"), (disk_posix, "_rename_exclusive"), (disk_posix, "_syncfs")):
        setattr(owner, name, _counted(getattr(owner, name), steps, "disk"))
    write = os.write

    def torn(handle: int, data: Any) -> int:
        steps.step("disk", lambda: write(handle, memoryview(data)[: len(data) // 2]))
        return write(handle, data)

    os.write = torn

    def hook(event: str, arguments: Any) -> None:
        if event in _AUDITED or (event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING):
            steps.step("disk")

    sys.addaudithook(hook)


def _counted(function: Callable[..., Any], steps: _Steps, kind: str) -> Callable[..., Any]:
    def counted(*arguments: Any) -> Any:
        steps.step(kind)
        return function(*arguments)

    return counted


class Stage:
    """Plays a transfer between Bob and Alice until both are gone, or until `until` is true."""

    def __init__(self, alice_home: Path, bob_home: Path, folder: Path, into: Path) -> None:
        self._alice_home, self._bob_home = alice_home, bob_home
        self._folder, self._into = folder, into
        self.bob: Actor | None = None
        self.alice: Actor | None = None

    def open(self, bob_trap: Trap, alice_trap: Trap, into: Path | None = None) -> None:
        """into: where Bob receives this time, if not in the usual folder."""
        self.bob = start_bob(self._bob_home, into or self._into, bob_trap)
        self._alice_trap = alice_trap
        self.alice = None

    def another_alice(self) -> None:
        """Alice starts again while Bob is still waiting."""
        assert self.bob is not None
        self.alice = None
        self._alice_trap = Trap()
        self._maybe_alice()

    def play(self, until: Callable[[], bool] = lambda: False, seconds: float = PATIENCE) -> None:
        """Passes the secrets on. Returns when `until` is true or nobody is left. AssertionError if that takes too long."""
        deadline = time.monotonic() + seconds
        while not until():
            actors = {actor.told: actor for actor in (self.bob, self.alice) if actor is not None and actor.alive}
            if not actors:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                self.clear()
                both = [actor.events[-6:] for actor in (self.alice, self.bob) if actor is not None]
                raise AssertionError(f"nobody moves: {both}")
            for handle in select.select(list(actors), [], [], min(left, 0.05))[0]:
                for event in actors[handle].read():
                    self._react(actors[handle], event)

    def clear(self) -> None:
        """Ends whoever is left."""
        for actor in (self.bob, self.alice):
            if actor is not None and actor.alive:
                actor.kill()
                while actor.alive:
                    actor.read()

    def _react(self, actor: Actor, event: dict[str, Any]) -> None:
        name = event["event"]
        if name == "Listening" and self.alice is None:
            self._maybe_alice()
        elif name == "NeedCode":
            assert self.bob is not None
            actor.say("code", _last(self.bob, "Listening")["code"])
        elif name == "NeedKey" and self.alice is not None and any(e["event"] == "KeyShown" for e in self.alice.events):
            actor.say("key", _last(self.alice, "KeyShown")["key"])
        elif name == "KeyShown" and self.bob is not None and self.bob.events[-1]["event"] == "NeedKey":
            self.bob.say("key", event["key"])
        elif name == "NeedDecision":
            actor.say("decision")

    def _maybe_alice(self) -> None:
        assert self.bob is not None
        port = _last(self.bob, "Listening")["port"]
        self.alice = start_alice(self._alice_home, self._folder, port, self._alice_trap)


def _last(actor: Actor, name: str) -> dict[str, Any]:
    return next(event for event in reversed(actor.events) if event["event"] == name)
