"""kill -9 of either side: at every status, every state of the conversation, every disk step, and at random moments.

Every round has a random tree and one to four kills in a row. Between kills the source may be edited, and the next try may go to
another folder or disk. After each try, what is visible is whole and right, the sender's folder is unchanged to the last byte, and
receipts fit. The last try ends in two equal folders, two equal receipts and nothing left behind.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from countersign.base import limits
from countersign.seal import keys
from countersign.target import intake
from countersign.transfer import connections
from tests.long.actors import Actor, Stage, Trap
from tests.long.expected import (
    Look,
    LossError,
    Target,
    Tree,
    WrongContentsError,
    look_at,
    must_be,
    nothing_left,
    receipt_fits,
    receipts_agree,
)
from tests.long.figures import QUICK_KEY, Figure
from tests.long.kill_plan import Kill, Round, Step, round_of
from tests.long.trees import RandomTree, remove
from tests.patched import patched
from tests.transfers import Couple, make_couple, snapshot

KILLS = 1_000
_PACK = 64 * limits.KIB  # small packs: many moments in a small folder
_AWAITING = frozenset({"Listening", "Connected", "CodeWrong", "StrangerRefused", "Reconnecting"})
# errors in which a side must not end merely because the other was killed
_FAULTS = frozenset({
    "bug", "protocol", "seal", "offer", "receipt", "differs", "peer_differs", "peer_stopped", "disk", "peer_disk", "version",
    "folder_empty", "folder_unreadable", "bad_target", "own_place", "key_refused", "code_refused",
})  # fmt: skip
_MEMORY = Path("/dev/shm")


@dataclass
class Tally:
    """What has been played so far."""

    rounds: int = 0
    transfers: int = 0
    kills: int = 0
    in_a_row: int = 0
    edits: int = 0
    hidden: int = 0
    other_disks: int = 0
    most_folders: int = 0
    many_folders: int = 0  # trees of more than 16 folders

    def __str__(self) -> str:
        return (
            f"{self.kills} kills in {self.transfers} transfers of {self.rounds} trees with up to {self.most_folders} folders "
            f"({self.many_folders} with more than 16), at most {self.in_a_row} interrupted in a row; {self.edits} edits ({self.hidden} "
            f"times with size and time set back), {self.other_disks} times another disk"
        )


class Theatre:
    """Two computers, and what must hold after every try."""

    def __init__(self, root: Path, other_disk: Path | None) -> None:
        self.couple: Couple = make_couple(root)
        self.tally = Tally()
        couple = self.couple
        self.stage = Stage(couple.alice.home.root, couple.bob.home.root, couple.folder, couple.into)
        self._places = {
            "usual": couple.into,
            "another folder": root / "Elsewhere" / "received",
            "another disk": (other_disk or root / "No other disk") / "received",
        }
        self._has_other_disk = other_disk is not None
        self._script: list[str] = []  # what happened in this round
        self._looks: list[Look] = []  # the source at every try of this round

    def play(self, plan: Round) -> None:
        """Plays one round. Raises LossError or WrongContentsError, which say how to repeat it."""
        self._script = []
        try:
            self._play(plan)
        except AssertionError as error:
            kind = WrongContentsError if isinstance(error, WrongContentsError) else LossError
            raise kind("\n".join([str(plan), *self._script, str(error)])) from error
        finally:
            self.stage.clear()
        self.tally.rounds += 1

    def _play(self, plan: Round) -> None:
        self._tree = RandomTree(self.couple.folder, f"tree {plan.number}", pack=_PACK)
        self.tally.most_folders = max(self.tally.most_folders, self._tree.folders)
        self.tally.many_folders += self._tree.folders > 16
        self._looks = [look_at(self.couple.folder)]
        self._targets = {name: Target(path) for name, path in self._places.items()}
        used = plan.steps[0].target
        for row, step in enumerate(plan.steps, 1):
            self._change_disk(used, step.target)
            used = step.target
            if self._try(self._targets[used], step):
                break
            self.tally.in_a_row = max(self.tally.in_a_row, row)
            if step.edited:
                self._edit()
            if step.emptied and self._targets[used].before:
                self._script.append("  the target is emptied")
                self._empty(self._targets[used])
        else:
            self._change_disk(used, plan.target)
            ended = self._try(self._targets[plan.target], None)
            assert ended
        self._tidy()

    def _change_disk(self, before: str, now: str) -> None:
        self.tally.other_disks += self._has_other_disk and before != now and "another disk" in (before, now)

    def _edit(self) -> None:
        done = self._tree.edit()
        self._script.append(f"  edited: {', '.join(done)}")
        self._looks.append(look_at(self.couple.folder))
        self.tally.edits += len(done)
        self.tally.hidden += self._looks[-1].hides(self._looks[-2])

    # --- one try -----------------------------------------------------------------------------------------------------

    def _try(self, target: Target, step: Step | None) -> bool:
        """One try, with a kill or as the last one. Whether it ended well on both sides."""
        kill = step.kill if step is not None else None
        trap, never = kill.trap if kill is not None else Trap(), Trap()
        stage, known = self.stage, target.before
        self._sent = [self._looks[-1].tree]  # more than one if a sender comes back
        is_bobs = kill is not None and kill.who == "bob"
        self._allow()
        stage.open(trap if is_bobs else never, never if is_bobs else trap, target.path)
        self.tally.transfers += 1
        if kill is not None:
            self._until_killed(kill, step is not None and step.edited)
        stage.play()
        alice, bob = stage.alice, stage.bob
        ends = [actor.outcome for actor in (alice, bob) if actor is not None]
        self._script.append(f"  into {target.path}: {kill or 'last'}: {ends}")
        if alice is not None and bob is not None and ends == ["done", "done"]:
            self._check_end(target, known, alice)
            return True
        self._check_middle(target)
        if kill is None:
            raise LossError(
                f"the last try ended {ends}: {[actor.events[-2:] for actor in (alice, bob) if actor is not None]}"
            )
        return False

    def _until_killed(self, kill: Kill, edited: bool) -> None:
        stage = self.stage
        bob = stage.bob
        assert bob is not None
        if kill.seconds is not None:
            stage.play(lambda: any(event["event"] == "Progress" for event in bob.events) or self._somebody_gone())
            moment = time.monotonic() + kill.seconds
            stage.play(lambda: time.monotonic() >= moment or self._somebody_gone())
            victim = bob if kill.who == "bob" else stage.alice
            if victim is not None:
                victim.kill()
        stage.play(self._somebody_gone)
        killed = [actor for actor in self._actors() if actor.killed]
        self.tally.kills += len(killed)
        if not killed:
            return
        if kill.who == "bob":
            if stage.alice is not None:
                stage.alice.say("cancel")
            return
        stage.play(lambda: not bob.alive or bob.events[-1]["event"] in _AWAITING, 20)
        if bob.alive and kill.comes_back:
            self._come_back(edited)
        else:
            bob.say("cancel")

    def _come_back(self, edited: bool) -> None:
        """The sender starts again. If the receiver has not noticed yet that the connection is dead, the person is told and tries again."""
        stage = self.stage
        if edited:
            must_be(snapshot(self.couple.folder), self._looks[-1].tree, "the sender's folder")
            self._edit()
        self._sent.append(self._looks[-1].tree)
        self.tally.transfers += 1
        for _n in range(20):
            self._allow()
            stage.another_alice()
            alice = stage.alice
            assert alice is not None
            stage.play(lambda alice=alice: not alice.alive)  # type: ignore[misc]
            if alice.outcome != "busy":
                return
            moment = time.monotonic() + 0.2
            stage.play(lambda moment=moment: time.monotonic() >= moment)  # type: ignore[misc]

    def _actors(self) -> list[Actor]:
        return [actor for actor in (self.stage.alice, self.stage.bob) if actor is not None]

    def _somebody_gone(self) -> bool:
        return any(not actor.alive for actor in self._actors())

    # --- what must hold ----------------------------------------------------------------------------------------------

    def _check_middle(self, target: Target) -> None:
        couple = self.couple
        must_be(snapshot(couple.folder), self._sent[-1], "the sender's folder")
        target.check(self._sent, "after a kill")
        self._check_receipts(target, "after a kill")
        for actor in self._actors():
            if actor.crashed or actor.outcome in _FAULTS:
                raise LossError(f"ended by a fault of its own: {actor.events[-3:]}")

    def _check_receipts(self, target: Target, what: str) -> None:
        """Receipts of a try that ended early also fit, each its own folder."""
        couple = self.couple
        for home, folder in ((couple.alice.home, couple.folder), (couple.bob.home, target.path)):
            for receipt in home.receipts.glob("*.receipt"):
                if home is couple.bob.home or len(self._sent) == 1:  # else the source may have changed by now
                    receipt_fits(receipt, folder, what)
                receipt.unlink()

    def _check_end(self, target: Target, known: Tree, alice: Actor) -> None:
        couple, look = self.couple, self._looks[-1]
        must_be(snapshot(couple.folder), look.tree, "the sender's folder")
        target.check(self._sent, "at the end")
        sent, received = (_by_id(home.receipts) for home in (couple.alice.home, couple.bob.home))
        both = sorted(sent.keys() & received.keys(), key=lambda name: sent[name].stat().st_mtime_ns)
        if not both or (len(self._sent) == 1 and len(sent | received) != 1):
            raise LossError(f"receipts at the end: {sent} {received}")
        this = both[-1]  # a sender that came back may have killed itself when it had a receipt
        pair = sent[this], received[this]
        if not (
            receipt_fits(pair[0], couple.folder, "the sender's")
            and receipt_fits(pair[1], target.path, "the receiver's")
        ):
            raise LossError("a receipt without both signatures")
        target.check_end(self._sent, receipts_agree(*pair, "at the end"), known, "at the end")
        self._check_receipts(target, "at the end")
        rounds = sum(event["event"] == "Reconnecting" for event in alice.events)
        if rounds and not any(look.hides(earlier) for earlier in self._looks[:-1]):
            raise WrongContentsError("the verdict found a difference, and no edit had hidden one")
        nothing_left(couple.bob.device.state, [path.parent for path in self._places.values()], "at the end")

    def _empty(self, target: Target) -> None:
        shutil.rmtree(target.path, ignore_errors=True)
        target.before = {}

    def _tidy(self) -> None:
        """Resets everything, so that the next round begins fresh."""
        couple = self.couple
        for target in self._targets.values():
            self._empty(target)
        state = couple.bob.device.state
        beside = [path.parent.glob(".countersign-*") for path in self._places.values()]
        receipts = [home.receipts.iterdir() for home in (couple.alice.home, couple.bob.home)]
        for path in itertools.chain(state.glob("transfers/*"), state.glob("staging/*"), *beside, *receipts):
            remove(path)

    def _allow(self) -> None:
        """Allows the sender again: one killed at the code has used up a try."""
        self.couple.bob.device.guesses.allow(self.couple.alice.device.identity.id, time.time())


def _by_id(receipts: Path) -> dict[str, Path]:
    """Receipts by the start of their transfer id, which ends their names."""
    return {path.stem.rpartition(" ")[2]: path for path in receipts.glob("*.receipt")}


def has_other_disk() -> bool:
    """Whether there is a file system other than that of temporary files."""
    return _MEMORY.is_dir() and _MEMORY.stat().st_dev != Path(tempfile.gettempdir()).stat().st_dev


@contextmanager
def theatre() -> Iterator[Theatre]:
    """Two computers with small packs and short waits, and a second disk if there is one."""
    quick = (
        patched(limits, PACK_BYTES=_PACK, STATUS_SECONDS=0.0, REJOIN_SECONDS=60.0),
        patched(intake, _ACK_SECONDS=0.0),
        patched(connections, _PAUSES=(0.05,) * 5),
        patched(keys, SCRYPT_N=QUICK_KEY),
    )
    with tempfile.TemporaryDirectory() as folder, quick[0], quick[1], quick[2], quick[3]:
        if has_other_disk():
            with tempfile.TemporaryDirectory(dir=_MEMORY) as other:
                yield Theatre(Path(folder), Path(other))
        else:
            yield Theatre(Path(folder), None)


def played(numbers: Iterable[int], kills: int | None = None) -> Figure:
    """Plays these rounds, or as many as have so many kills. The first loss ends it."""
    with theatre() as stage:
        tally, wrong, lost, trouble = stage.tally, 0, 0, ""
        for number in numbers:
            if kills is not None and tally.kills >= kills:
                break
            try:
                stage.play(round_of(number))
            except LossError as error:
                wrong = isinstance(error, WrongContentsError)
                lost, trouble = not wrong, f"\n{error}\nrepeat it with: --first {number} --runs 1"
                break
    text = f"{tally}; losses {lost:d}, wrong contents {wrong:d}{trouble}"
    return Figure(text, not trouble and tally.kills >= (kills or 1))


def run(runs: int | None, first: int = 0) -> Figure:
    """`runs` rounds of the plan from `first`, or as many as have the full number of kills."""
    if runs is None:
        return played(itertools.count(first), KILLS)
    return played(range(first, first + runs))


def in_a_process_of_its_own(numbers: Iterable[int], seconds: float) -> str:
    """The small form: children are forked from a single-threaded process. Returns the line that it printed."""
    command = [sys.executable, "-m", "tests.long.kills", *map(str, numbers)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, cwd=root)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


if __name__ == "__main__":
    figure = played(map(int, sys.argv[1:]))
    print(figure.text)
    sys.exit(not figure.reached)
