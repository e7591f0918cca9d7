"""What the kill run does, round by round: seeded and in a fixed order, so that any part of it is a sample."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from tests.long.actors import Trap

TARGETS = ("usual", "another folder", "another disk")


@dataclass(frozen=True)
class Kill:
    """Who is killed, and when: a trap, or `seconds` after the first byte of data."""

    who: str
    trap: Trap
    seconds: float | None = None
    comes_back: bool = False  # the killed sender starts again while the receiver is still waiting

    def __str__(self) -> str:
        when = f"{self.trap.kind} {self.trap.count}" if self.seconds is None else f"{self.seconds:.3f} s into the data"
        return f"{self.who} killed at {when}" + (" and comes back" if self.comes_back else "")


@dataclass(frozen=True)
class Step:
    """A try that ends in a kill, and what happens before the next."""

    target: str
    kill: Kill
    edited: bool  # the source, before anybody sends again
    emptied: bool  # the target, where something is visible in it

    def __str__(self) -> str:
        return f"into {self.target}, {self.kill}" + ", then edited" * self.edited + ", then emptied" * self.emptied


@dataclass(frozen=True)
class Round:
    """One tree and what happens to it. The same for the same number."""

    number: int
    steps: tuple[Step, ...]
    target: str  # of the last try

    def __str__(self) -> str:
        return f"round {self.number}: {'; '.join(map(str, self.steps))}; last into {self.target}"


@cache
def _every() -> list[Kill]:
    """Every status and every state of both sides."""
    found = [
        Kill(who, Trap(kind, number), comes_back=who == "alice" and number % 3 == 0)
        for who in ("alice", "bob")
        for kind in ("status", "state")
        for number in range(1, 41)
    ]
    random.Random(5).shuffle(found)
    return found


def _some(chance: random.Random) -> Kill:
    """At a disk step, or at a random moment."""
    who, back = chance.choice(("alice", "bob")), chance.random() < 0.2
    if chance.random() < 0.35:
        return Kill(who, Trap(), chance.random() * chance.choice((0.02, 0.25)), comes_back=who == "alice" and back)
    most = 6.5 if who == "bob" else 3.0  # most of a sender's disk steps belong to its receipt
    return Kill(who, Trap("disk", int(2.718 ** (chance.random() * most))), comes_back=who == "alice" and back)


def round_of(number: int) -> Round:
    chance = random.Random(f"round {number}")
    kills = [_some(chance) for _n in range(chance.choices((0, 1, 2, 3), (20, 30, 28, 22))[0])]
    kills.insert(chance.randrange(len(kills) + 1), _every()[number % len(_every())])
    target = chance.choice(TARGETS)
    steps = []
    for kill in kills:
        steps.append(Step(target, kill, edited=chance.random() < 0.5, emptied=chance.random() < 0.5))
        target = chance.choice((target, *TARGETS))
    return Round(number, tuple(steps), target)
