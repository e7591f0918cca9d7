"""The receiver's code and the check of its proofs: limits the tries, and reports wrong ones.

The code is checked here and nowhere else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from countersign.base import limits
from countersign.seal.code import code_proof, new_code, same
from countersign.session.device import Device
from countersign.session.greeting import Nonces
from countersign.session.status import CodeWrong, Note, PeerLocked, Report
from countersign.trust.peers import Peer


class Judge:
    """One code at a time, for all peers. Any thread may call it."""

    def __init__(self, device: Device, report: Report, on_burned: Callable[[], None]) -> None:
        """on_burned: called when wrong proofs have used up the code and a new one replaces it."""
        self._device = device
        self._report = report
        self._on_burned = on_burned
        self._lock = threading.Lock()
        self._code = new_code()
        self._wrong = 0  # wrong proofs of this code

    @property
    def code(self) -> str:
        """The current code."""
        with self._lock:
            return self._code

    def renew(self) -> None:
        """Makes a new code for the next peer."""
        with self._lock:
            self._renew()

    def _renew(self) -> None:
        self._code, self._wrong = new_code(), 0

    def is_right(self, proof: bytes, peer: Peer, nonces: Nonces) -> bool:
        """Whether the proof is right. Records the try on disk before checking the proof. Raises OSError if it can't."""
        guesses, now = self._device.guesses, self._device.now
        with self._lock:
            allowed = guesses.begin_try(peer.person, now())
            expected = code_proof(self._code, nonces.receiver, nonces.sender, peer.id, self._device.identity.id)
            right = same(expected, proof)
            if allowed and right:
                guesses.succeeded(peer.person, now())
                return True
            left = self._count(allowed)
        self._tell(peer, allowed, left, without_code=False)
        return False

    def left_without_one(self, peer: Peer) -> None:
        """A peer left without a proof: counts it as a try, or guessing would be free. Raises OSError."""
        with self._lock:
            allowed = self._device.guesses.begin_try(peer.person, self._device.now())
            left = self._count(allowed)
        self._tell(peer, allowed, left, without_code=True)

    def _count(self, allowed: bool) -> int:
        """Counts a wrong proof of the code. Returns how many it still allows; 0: a new code has replaced it."""
        if not allowed:
            return limits.CODE_TRIES - self._wrong
        self._wrong += 1
        if self._wrong < limits.CODE_TRIES:
            return limits.CODE_TRIES - self._wrong
        self._renew()
        return 0

    def _tell(self, peer: Peer, allowed: bool, left: int, *, without_code: bool) -> None:
        guesses = self._device.guesses
        for note in guesses.take_notes():
            self._report(Note(note))
        if not allowed or guesses.locked(peer.person, self._device.now()):
            self._report(PeerLocked(peer.name))
        if allowed:
            self._report(CodeWrong(left, peer.name, without_code=without_code, by_them=True))
        if not left:
            self._on_burned()
