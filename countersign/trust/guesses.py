"""Counts how often each pinned peer failed to prove the code; kept on disk, so a restart forgets nothing.

A try is recorded before its proof is checked. Times are seconds since 1970, passed in.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from countersign.base import limits
from countersign.base.files import OddFile, read_small, replace_file, set_aside
from countersign.base.i18n import _
from countersign.base.locks import file_lock
from countersign.base.refusals import disk_errors
from countersign.trust.fingerprint import DeviceId

HOUR = 3600.0
_EVERYBODY = "*"
_FILE_CAP = 4 * limits.MIB  # some 20,000 peers without tries left


class _State(msgspec.Struct):
    version: int
    failures: dict[str, list[float]]


class Guesses:
    """The counter of one home."""

    def __init__(self, state: Path) -> None:
        self._path = state / "guesses.json"
        self._lock = state / "guesses.lock"
        self._notes: list[str] = []

    def begin_try(self, peer: DeviceId, now: float) -> bool:
        """Counts a try. False if the peer has none left: then refuse it, whatever it sends."""
        with file_lock(self._lock):
            state = self._read(now)
            locked = self._locked(state, peer)
            if not locked:
                state.failures.setdefault(peer.hex(), []).append(now)
                self._write(state)
            return not locked

    def succeeded(self, peer: DeviceId, now: float) -> None:
        """Uncounts a correct try. Earlier ones still count: the owner's success must not help a certificate's thief."""
        with file_lock(self._lock):
            state = self._read(now)
            times = state.failures.get(peer.hex(), [])
            if times:
                times.remove(max(times))
                self._write(state)

    def allow(self, peer: DeviceId, now: float) -> None:
        """Resets this peer's tries, at the receiver's wish. Raises DiskProblem."""
        with disk_errors(self._path, named=True), file_lock(self._lock):
            state = self._read(now)
            state.failures.pop(peer.hex(), None)
            state.failures.pop(_EVERYBODY, None)
            self._write(state)

    def locked(self, peer: DeviceId, now: float) -> bool:
        """Whether this peer is currently refused."""
        with file_lock(self._lock):
            return self._locked(self._read(now), peer)

    def take_notes(self) -> list[str]:
        """Notes for the person, each returned once."""
        notes, self._notes = self._notes, []
        return notes

    @staticmethod
    def _locked(state: _State, peer: DeviceId) -> bool:
        return any(len(state.failures.get(who, ())) >= limits.CODE_FAILURES_AN_HOUR for who in (peer.hex(), _EVERYBODY))

    def _read(self, now: float) -> _State:
        try:
            state = msgspec.json.decode(read_small(self._path, _FILE_CAP), type=_State)
            if state.version != 1:
                raise msgspec.ValidationError("version")
        except FileNotFoundError:
            return _State(1, {})
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OddFile):
            # forgetting would give a guesser new tries, so all peers wait unless the person allows one
            aside = set_aside(self._path)
            self._notes.append(
                _("{file} was damaged and set aside; everybody's tries count as used up.").format(file=aside)
            )
            state = _State(1, {_EVERYBODY: [now] * limits.CODE_FAILURES_AN_HOUR})
            self._write(state)
            return state
        return self._aged(state, now)

    def _aged(self, state: _State, now: float) -> _State:
        from_later = any(t > now for times in state.failures.values() for t in times)
        # a time in the future means that the clock was set back: count it from now
        recent = {who: [min(t, now) for t in times if now - t < HOUR] for who, times in state.failures.items()}
        state.failures = {who: times for who, times in recent.items() if times}
        if from_later:
            self._write(state)
        return state

    def _write(self, state: _State) -> None:
        replace_file(self._path, msgspec.json.encode(state))
