"""What a transfer tells its faces: frozen values, ten a second at most, read alike by windows and terminal.

A value holds only what its own side may show: the code at the receiver, the key at the sender.
`Status` is closed: a face matches all of it and ends with `assert_never`, so that mypy names every face that a new value must reach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from countersign.base.errors import Problem
from countersign.session.proposal import Proposal


@dataclass(frozen=True)
class Listening:
    """The receiver waits, with this code."""

    addresses: tuple[str, ...]
    port: int
    code: str = field(repr=False)
    fingerprint: str
    interfaces: tuple[str, ...] = ()  # the name of each address' interface


@dataclass(frozen=True)
class StrangerRefused:
    """Somebody whose certificate is not pinned tried to connect; count: so many since this was told last."""

    count: int = 1


@dataclass(frozen=True)
class Connected:
    """A pinned peer is there."""

    peer: str


@dataclass(frozen=True)
class NeedCode:
    """The sender's person is asked for the code."""

    tries_left: int


@dataclass(frozen=True)
class CodeWrong:
    """A proof did not fit."""

    tries_left: int
    peer: str
    without_code: bool = False  # they left before they gave one
    by_them: bool = False  # told at the receiver: the other person has typed it


@dataclass(frozen=True)
class PeerLocked:
    """This peer has used up its tries; the person at the receiver may allow it again."""

    peer: str


@dataclass(frozen=True)
class Scanning:
    """The sender looks at its folder."""

    files: int
    bytes: int


@dataclass(frozen=True)
class Ready:
    """The sender knows what it will send."""

    files: int
    bytes: int
    skipped: tuple[tuple[str, str], ...] = ()
    left_out: int = 0  # by the sender's own wish
    private_keys: tuple[str, ...] = ()  # paths of what looks like one; they are sent
    inexact: tuple[tuple[str, str], ...] = ()  # (path, reason): sent, but not with their own date


@dataclass(frozen=True)
class KeyShown:
    """The key, to be read aloud by the sender's person."""

    key: str = field(repr=False)
    spelled: str = field(repr=False)


@dataclass(frozen=True)
class OfferSeen:
    """Somebody offers something; what it is is still sealed."""

    peer: str


@dataclass(frozen=True)
class OfferOpened:
    """The key fits: what is offered. Its list follows."""

    peer: str
    name: str
    files: int
    bytes: int


@dataclass(frozen=True)
class NeedKey:
    """The receiver's person is asked for the key."""

    tries_left: int


@dataclass(frozen=True)
class KeyChecking:
    """A key was typed and is being stretched."""


@dataclass(frozen=True)
class KeyWrong:
    """The key did not open the offer; `slip` where it cannot be a key at all and no try was used."""

    tries_left: int
    slip: bool = False


@dataclass(frozen=True)
class NeedDecision:
    """The list is open: accept or decline."""

    proposal: Proposal


@dataclass(frozen=True)
class WaitingFor:
    """The other side, its person or a disk is at work: `what` is connection, code, key, answer, list, check, disk, compare, receipt."""

    what: str


@dataclass(frozen=True)
class Progress:
    """How far it is. rate in bytes a second, eta in seconds or None where nobody can know.

    slow: what holds it up at this time: "disk", "processor", "network" (the sender says this of a slow receiver too), or "".
    """

    bytes_done: int
    bytes_total: int
    files_done: int
    files_total: int
    rate: float
    eta: float | None
    slow: str = ""


@dataclass(frozen=True)
class Paused:
    """The data is held up, or goes on again: by the person here, or by the one there."""

    paused: bool
    by_them: bool = False


@dataclass(frozen=True)
class Reconnecting:
    """The connection was lost; both sides look for each other for `seconds_left` more."""

    seconds_left: float


@dataclass(frozen=True)
class Note:
    """Something the person should know; nothing to do."""

    text: str


@dataclass(frozen=True)
class Done:
    """All is there. `skipped`: (path, reason).

    At the receiver, `renamed`: names that arrived under another one; `kept`: names that were here already. At the sender,
    `renamed_there`: something arrived under another name, where the receiver's person lets that be known.
    """

    path: Path
    files: int
    bytes: int
    wire_bytes: int
    seconds: float
    skipped: tuple[tuple[str, str], ...]
    receipt: Path | None
    renamed: tuple[tuple[str, str], ...] = ()
    kept: tuple[str, ...] = ()
    renamed_there: bool = False
    left_out: int = 0  # by the sender's own wish; told at the sender only
    inexact: tuple[tuple[str, str], ...] = ()  # (path, reason): there, but not with their own date


@dataclass(frozen=True)
class StageTime:
    """Seconds that a stage has worked and waited; those of threads side by side add up. For names see transfer.stats."""

    name: str
    work: float
    waiting: float


@dataclass(frozen=True)
class StageTimes:
    """Where the time went, told before Done. seconds: of the session; first_data: of these until the first pack."""

    stages: tuple[StageTime, ...]
    seconds: float
    first_data: float


@dataclass(frozen=True)
class Failed:
    """It ended otherwise."""

    problem: Problem


End: TypeAlias = Done | Failed
Status: TypeAlias = (
    Listening
    | StrangerRefused
    | Connected
    | NeedCode
    | CodeWrong
    | PeerLocked
    | Scanning
    | Ready
    | KeyShown
    | OfferSeen
    | OfferOpened
    | NeedKey
    | KeyChecking
    | KeyWrong
    | NeedDecision
    | WaitingFor
    | Progress
    | Paused
    | Reconnecting
    | Note
    | Done
    | StageTimes
    | Failed
)

Report: TypeAlias = Callable[[Status], None]
