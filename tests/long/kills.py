"""kill -9, of either side, at every status, at every state of the conversation, at every step on the disk, and at random moments.

After each: what is visible is whole, the sender's folder is the same to the last byte, and the next try ends in two equal folders
with nothing left behind.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from countersign import limits
from countersign.seal import keys
from countersign.transfer import receiving, sending
from countersign.transfer.receipt_checking import check_receipt
from tests.long.actors import Stage, Trap
from tests.long.figures import QUICK_KEY, Figure
from tests.transfers import Couple, fill, make_couple, snapshot

WHOLE = 600  # transfers; in some the chosen moment lies behind the end
KILLS = 500
_PACK = 64 * limits.KIB  # small packs: many moments in a small folder
_LARGE = 2_000_000
_AWAITING = frozenset({"Listening", "Connected", "CodeWrong", "StrangerRefused", "Reconnecting"})


@dataclass(frozen=True)
class Kill:
    """Who is killed, and when: a trap, or `seconds` after the first byte of data."""

    who: str
    trap: Trap
    seconds: float | None = None
    comes_back: bool = False  # the killed sender starts again while the receiver still waits

    def __str__(self) -> str:
        when = (
            f"{self.seconds:.3f} s into the data" if self.seconds is not None else f"{self.trap.kind} {self.trap.count}"
        )
        return f"{self.who} at {when}"


class Theatre:
    """A couple, and what must hold after every kill."""

    def __init__(self, root: Path) -> None:
        self.couple: Couple = make_couple(root)
        fill(self.couple.folder, large=_LARGE, small=30)
        self.before = snapshot(self.couple.folder)
        couple = self.couple
        self.stage = Stage(couple.alice.home.root, couple.bob.home.root, couple.folder, couple.into)

    def steps(self) -> dict[str, dict[str, int]]:
        """How many steps of each kind a whole transfer takes, for each side."""
        self.stage.open(Trap(), Trap())
        self.stage.play()
        alice, bob = self.stage.alice, self.stage.bob
        assert alice is not None
        assert bob is not None
        assert (alice.outcome, bob.outcome) == ("done", "done"), (alice.events[-1], bob.events[-1])
        self._check_end()
        return {"alice": alice.counts, "bob": bob.counts}

    def one(self, kill: Kill) -> bool:
        """One kill, and what must hold after it. Whether somebody was killed: a trap may lie behind the end."""
        never = Trap()
        stage = self.stage
        stage.open(kill.trap if kill.who == "bob" else never, kill.trap if kill.who == "alice" else never)
        try:
            if kill.seconds is not None:
                self._kill_in(kill)
            stage.play(self._somebody_gone)
            killed = not self._ended(kill.who)
            if killed:
                self._part(kill)
            stage.play()
            self._check_middle(kill)
            self._again(kill)
        except BaseException:
            stage.clear()
            raise
        return killed

    def _kill_in(self, kill: Kill) -> None:
        stage = self.stage
        bob = stage.bob
        assert bob is not None
        stage.play(lambda: any(e["event"] == "Progress" for e in bob.events) or self._somebody_gone())
        assert kill.seconds is not None
        moment = time.monotonic() + kill.seconds
        stage.play(lambda: time.monotonic() >= moment or self._somebody_gone())
        victim = stage.bob if kill.who == "bob" else stage.alice
        if victim is not None:
            victim.kill()

    def _somebody_gone(self) -> bool:
        return any(actor is not None and not actor.alive for actor in (self.stage.alice, self.stage.bob))

    def _ended(self, who: str) -> bool:
        actor = self.stage.bob if who == "bob" else self.stage.alice
        return actor is not None and (actor.alive or bool(actor.events and actor.events[-1]["event"] == "end"))

    def _part(self, kill: Kill) -> None:
        """The other one is sent home, or meets the sender again."""
        stage = self.stage
        if kill.who == "bob":
            if stage.alice is not None:
                stage.alice.say("cancel")
            return
        assert stage.bob is not None
        bob = stage.bob
        stage.play(lambda: not bob.alive or bob.events[-1]["event"] in _AWAITING, 20)
        if stage.bob.alive and kill.comes_back:
            stage.another_alice()
        else:
            stage.bob.say("cancel")

    def _check_middle(self, kill: Kill) -> None:
        couple = self.couple
        assert snapshot(couple.folder) == self.before, f"{kill}: the sender's folder changed"
        seen = snapshot(couple.into) if couple.into.exists() else {}
        tops = {name.partition("/")[0] for name in seen}
        whole = {name: facts for name, facts in self.before.items() if name.partition("/")[0] in tops}
        assert seen == whole, f"{kill}: something half-written is visible: {set(seen) ^ set(whole)}"
        for home in (couple.alice.home, couple.bob.home):
            for receipt in home.receipts.glob("*.receipt"):
                check_receipt(receipt, None)

    def _again(self, kill: Kill) -> None:
        couple, stage = self.couple, self.stage
        couple.bob.device.guesses.allow(couple.alice.device.identity.id, time.time())
        stage.open(Trap(), Trap())
        stage.play()
        assert stage.alice is not None
        assert stage.bob is not None
        ends = (stage.alice.outcome, stage.bob.outcome)
        assert ends == ("done", "done"), (
            f"{kill}: the next try ended {ends}: {stage.alice.events[-2:]} {stage.bob.events[-2:]}"
        )
        self._check_end(str(kill))

    def _check_end(self, what: str = "") -> None:
        couple = self.couple
        assert snapshot(couple.folder) == self.before, what
        assert snapshot(couple.into) == self.before, f"{what}: {set(snapshot(couple.into)) ^ set(self.before)}"
        state = couple.bob.device.state
        # a folder that was made in the moment before, still empty, or a journal that does not count, is tidied after a day
        left = [*state.glob("transfers/*/about.json"), *(path for path in state.glob("staging/**/*") if path.is_file())]
        assert not left, f"{what}: left behind: {[str(path.relative_to(state)) for path in left[:9]]}"
        shutil.rmtree(couple.into)
        for home in (couple.alice.home, couple.bob.home):
            for receipt in home.receipts.iterdir():
                receipt.unlink()


def plan(steps: dict[str, dict[str, int]], count: int) -> list[Kill]:
    """Every status and state of both sides first, then steps on the disk and random moments. The same every time."""
    chance = random.Random(5)
    every = [
        Kill(who, Trap(kind, number), comes_back=number % 2 == 0)
        for who in ("alice", "bob")
        for kind in ("status", "state")
        for number in range(1, min(steps[who][kind], 60) + 1)
    ]
    disk = [Kill("bob", Trap("disk", number)) for number in range(1, steps["bob"]["disk"] + 1)]
    disk += [Kill("alice", Trap("disk", number)) for number in range(1, steps["alice"]["disk"] + 1)]
    timed = [
        Kill(chance.choice(("alice", "bob")), Trap(), chance.random() * 0.25, chance.random() < 0.5)
        for _n in range(max(0, count // 4))
    ]
    chance.shuffle(disk)
    rest = max(0, count - len(every) - len(timed))
    whole = [*every, *disk[:rest], *timed]
    chance.shuffle(whole)
    return whole[:count]


def run(runs: int | None, first: int = 0) -> Figure:
    """`runs` transfers of the plan, from `first`."""
    count = WHOLE if runs is None else runs
    limits.PACK_BYTES = _PACK
    limits.STATUS_SECONDS = receiving._ACK_SECONDS = 0.0
    limits.REJOIN_SECONDS = 60.0
    sending._PAUSES = (0.05, 0.05, 0.05, 0.05, 0.05)
    keys.SCRYPT_N = QUICK_KEY
    killed = 0
    with tempfile.TemporaryDirectory() as folder:
        theatre = Theatre(Path(folder))
        for kill in plan(theatre.steps(), WHOLE)[first : first + count]:
            killed += theatre.one(kill)
    text = f"{killed} kills in {count} transfers, of either side; half-written names seen 0, files lost 0, unequal folders 0"
    return Figure(text, killed >= KILLS if count == WHOLE else killed > 0)


def in_a_process_of_its_own(runs: int, seconds: float) -> str:
    """The small form: children are forked from a process that has no other thread. Gives the line that it printed."""
    command = [sys.executable, "-m", "tests.long", "kills", "--runs", str(runs)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
