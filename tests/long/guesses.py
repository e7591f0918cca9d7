"""How many guesses at the code a stolen certificate gets in an hour: over connections, in parallel, over restarts, leaving
half-way, while the honest owner of that certificate sends in between.

The hour is that of the receiver's clock, which is passed in. A guess is a proof that the receiver has checked. Each is written to
the counter's file first, so a watcher outside the counter counts the entries of that file.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from countersign.base import limits
from countersign.profile import open_profile
from countersign.session import status as st
from countersign.transfer import reception as receptions
from countersign.trust.fingerprint import DeviceId
from countersign.trust.guesses import HOUR, Guesses
from countersign.wire import messages as m
from tests.hostile_peer import Scene, bobs_door
from tests.long.figures import Figure, quick_couple
from tests.patched import patched
from tests.transfers import Couple
from tests.waiting import wait_until

MOST = 10
_HOURS = 3


@dataclass
class Watch:
    """The receiver's clock, and the times when it allowed a guess."""

    now: float = 1e9
    tried: list[float] = field(default_factory=list)
    refused: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def most_in_an_hour(self) -> int:
        """The largest number of tries in any sixty minutes."""
        times = sorted(self.tried)
        return max((sum(begin <= t < begin + HOUR for t in times) for begin in times), default=0)

    @contextmanager
    def watching(self) -> Iterator[None]:
        begin_try = Guesses.begin_try

        def seen(counter: Guesses, peer: DeviceId, now: float) -> bool:
            allowed = begin_try(counter, peer, now)
            with self._lock:
                if allowed:
                    self.tried.append(now)
                else:
                    self.refused += 1
            return allowed

        with patched(Guesses, begin_try=seen):
            yield


def hours_of_guessing(couple: Couple, attempts: int, chance: random.Random) -> Watch:
    """`attempts` visits of a guesser within a few hours, with receiver restarts and an honest sender in between."""
    watch = Watch()
    left = attempts
    with watch.watching(), patched(receptions, _JOIN_SECONDS=10.0):
        while left > 0:
            again = open_profile(couple.bob.home, lambda: watch.now)  # a restart: everything is read from the disk
            with bobs_door(Couple(couple.root, couple.alice, again)) as scene:
                for _visit in range(min(left, chance.randrange(2, 9))):
                    _visit_by(chance.choice((_wrong, _wrong, _three_wrong, _leave, _together, _honest)), scene, watch)
                    watch.now += _HOURS * HOUR / attempts
                    left -= 1
    return watch


def patient_guessing(couple: Couple, rounds: int) -> Watch:
    """A guesser that stops before the last try and begins again whenever the certificate's owner has sent something."""
    watch = Watch()
    bob = open_profile(couple.bob.home, lambda: watch.now)
    with watch.watching(), bobs_door(Couple(couple.root, couple.alice, bob)) as scene:
        for _round in range(rounds):
            for _guess in range(limits.CODE_FAILURES_AN_HOUR - 1):
                _visit_by(_wrong, scene, watch)
            _visit_by(_honest, scene, watch)
            watch.now += HOUR / 2 / rounds
    return watch


def _visit_by(who: Callable[[Scene], bool], scene: Scene, watch: Watch) -> None:
    before = len(watch.tried)
    if who(scene) and len(watch.tried) > before:
        watch.tried.pop()  # the owner's right code is not a guess


def _wrong(scene: Scene) -> bool:
    hostile, _theirs, _own = scene.greeted()
    hostile.say(m.CodeProof(bytes(32)))
    assert isinstance(hostile.hear(), m.CodeRefused)
    hostile.link.close()
    return False


def _three_wrong(scene: Scene) -> bool:
    hostile, _theirs, _own = scene.greeted()
    for _try in range(limits.CODE_TRIES):
        hostile.say(m.CodeProof(bytes(32)))
        assert isinstance(hostile.hear(), m.CodeRefused)
    assert hostile.last_word() == "code_refused"
    hostile.link.close()
    return False


def _leave(scene: Scene) -> bool:
    hostile, _theirs, _own = scene.greeted()
    hostile.link.close()
    wait_until(lambda: not scene.reception.guests, 20, "the receiver to notice")
    return False


def _together(scene: Scene) -> bool:
    guests = [scene.greeted() for _n in range(limits.GUESTS_OF_ONE)]
    for hostile, _theirs, _own in guests:
        hostile.say(m.CodeProof(bytes(32)))
    for hostile, _theirs, _own in guests:
        hostile.hear()
        hostile.link.close()
    return False


def _honest(scene: Scene) -> bool:
    """The certificate's owner gives the right code, then gives up."""
    failed, shown = len(scene.heard.all(st.Failed)), len(scene.heard.all(st.Listening))
    hostile, theirs, own = scene.greeted()
    hostile.say(scene.proof(theirs, own))
    verdict = hostile.hear()
    hostile.link.close()
    if not isinstance(verdict, m.CodeAccepted):
        return False
    scene.heard.wait(st.Failed, failed + 1)
    scene.heard.wait(st.Listening, shown + 1)
    return True


def run(runs: int | None, first: int = 0) -> Figure:
    """`runs` visits of a guesser."""
    visits = 400 if runs is None else runs
    with quick_couple() as couple:
        watch = hours_of_guessing(couple, visits, random.Random(3 + first))
        couple.bob.device.guesses.allow(couple.alice.device.identity.id, watch.now)
        patient = patient_guessing(couple, 10)
    most = max(watch.most_in_an_hour(), patient.most_in_an_hour())
    text = (
        f"{visits} visits in {_HOURS} hours of a guesser with a stolen certificate, restarts and its owner in between: "
        f"{most} guesses allowed in the worst hour, {watch.refused + patient.refused} refused"
    )
    return Figure(text, 0 < most <= MOST)
