"""Translates problems to the words of `stop`, and back. docs/PROTOCOL.md lists the words."""

from __future__ import annotations

from countersign.base.errors import (
    Busy,
    CodeRefused,
    Declined,
    DeclinedHere,
    DiskProblem,
    KeyRefused,
    OfferRefused,
    PeerCancelled,
    PeerCancelledMidway,
    PeerDiskProblem,
    PeerFoundDifference,
    PeerStopped,
    Problem,
    ProtocolProblem,
    ReceiptProblem,
    SealBroken,
    TookTooLong,
    VersionProblem,
)
from countersign.base.i18n import _

# The problem that each word means to its reader. Several local problems share one word: the peer learns
# which side has to act, and nothing about this computer.
STOP_READS_AS: dict[str, type[Problem]] = {
    "busy": Busy,
    "version": VersionProblem,
    "protocol": ProtocolProblem,
    "seal": SealBroken,
    "offer": OfferRefused,
    "differs": PeerFoundDifference,
    "code_refused": CodeRefused,
    "declined": Declined,
    "key_refused": KeyRefused,
    "cancelled": PeerCancelled,
    "cancelled_midway": PeerCancelledMidway,
    "too_long": TookTooLong,
    "disk": PeerDiskProblem,
    "receipt": ReceiptProblem,
    "peer_stopped": PeerStopped,
}


def stop_code(problem: Problem) -> str:
    """The `stop` word that reports this problem to the peer."""
    if isinstance(problem, DeclinedHere):
        return "declined"
    if isinstance(problem, DiskProblem):
        return "disk"
    return problem.code if problem.code in STOP_READS_AS else "peer_stopped"


def problem_of_stop(code: str) -> Problem:
    """The reader's problem for a `stop` word; an unknown word reads as `peer_stopped`."""
    cls = STOP_READS_AS.get(code, PeerStopped)
    return ReceiptProblem(detail=_("the other computer refused it")) if cls is ReceiptProblem else cls()
