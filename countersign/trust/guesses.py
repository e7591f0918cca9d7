"""How often a pinned peer has failed to prove the code: kept on disk, so that a restart forgets nothing.

A try is written down before its proof is looked at. Times are seconds since 1970, handed in.
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
_FILE_CAP = 4 * limits.MIB  # some 20,000 peers that have used up their tries


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
        """Counts a try. False where the peer has no more of them: then it must be refused whatever it says."""
        with file_lock(self._lock):
            state = self._read(now)
            locked = self._locked(state, peer)
            if not locked:
                state.failures.setdefault(peer.hex(), []).append(now)
                self._write(state)
            return not locked

    def succeeded(self, peer: DeviceId, now: float) -> None:
        """The try was right, and counts no more. Earlier ones do: a thief of a certificate gains nothing by its owner's success."""
        with file_lock(self._lock):
            state = self._read(now)
            times = state.failures.get(peer.hex(), [])
            if times:
                times.remove(max(times))
                self._write(state)

    def allow(self, peer: DeviceId, now: float) -> None:
        """The person at the receiver allows this peer again. Raises DiskProblem."""
        with disk_errors(self._path, named=True), file_lock(self._lock):
            state = self._read(now)
            state.failures.pop(peer.hex(), None)
            state.failures.pop(_EVERYBODY, None)
            self._write(state)

    def locked(self, peer: DeviceId, now: float) -> bool:
        """Whether this peer is refused at present."""
        with file_lock(self._lock):
            return self._locked(self._read(now), peer)

    def take_notes(self) -> list[str]:
        """What the person should be told, once."""
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
            # forgetting would give a guesser a new hour: so everybody waits, unless the person says otherwise
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
        # a time in the future is a clock that was set back since: it counts from now
        recent = {who: [min(t, now) for t in times if now - t < HOUR] for who, times in state.failures.items()}
        state.failures = {who: times for who, times in recent.items() if times}
        if from_later:
            self._write(state)
        return state

    def _write(self, state: _State) -> None:
        replace_file(self._path, msgspec.json.encode(state))
