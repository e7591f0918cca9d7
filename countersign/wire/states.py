"""The state table, one for both roles, and the conversation that follows it.

Two rules: what is not in the table is an error, of the peer where it arrives and of ours where we say it;
`waiting` and `stop` belong to every state in which somebody listens.
"""

from __future__ import annotations

from enum import Enum

from countersign.errors import ProtocolProblem
from countersign.wire.messages import CAPS, Kind, Role


class State(Enum):
    """Where a conversation stands, the same on both sides."""

    START = "start"
    GREETED = "greeted"
    CODE = "code"
    JUDGING = "judging"
    OFFER = "offer"
    FIRST_BATCH = "first_batch"
    KEY = "key"
    MANIFEST = "manifest"
    DATA = "data"
    HASHES = "hashes"
    VERDICT = "verdict"
    RECEIPT = "receipt"
    CLOSED = "closed"


_S, _R = Role.SENDER, Role.RECEIVER

TABLE: dict[tuple[State, Role, Kind], State] = {
    (State.START, _R, Kind.HELLO): State.GREETED,
    (State.GREETED, _S, Kind.HELLO): State.CODE,
    (State.CODE, _S, Kind.CODE_PROOF): State.JUDGING,
    (State.JUDGING, _R, Kind.CODE_REFUSED): State.CODE,
    (State.JUDGING, _R, Kind.CODE_ACCEPTED): State.OFFER,
    (State.CODE, _S, Kind.REJOIN): State.OFFER,
    (State.OFFER, _S, Kind.OFFER): State.FIRST_BATCH,
    (State.FIRST_BATCH, _S, Kind.MANIFEST): State.KEY,
    (State.KEY, _R, Kind.KEY_REFUSED): State.KEY,
    (State.KEY, _R, Kind.KEY_ACCEPTED): State.MANIFEST,
    (State.MANIFEST, _S, Kind.MANIFEST): State.MANIFEST,
    (State.MANIFEST, _R, Kind.ANSWER): State.DATA,
    (State.DATA, _S, Kind.PACK): State.DATA,
    (State.DATA, _R, Kind.RECEIVED): State.DATA,
    (State.DATA, _R, Kind.HASHES): State.HASHES,
    (State.HASHES, _R, Kind.HASHES): State.HASHES,
    (State.HASHES, _S, Kind.VERDICT): State.VERDICT,
    (State.VERDICT, _R, Kind.RECEIPT): State.RECEIPT,
    (State.RECEIPT, _S, Kind.THANKS): State.CLOSED,
}


def following(state: State, speaker: Role, kind: Kind) -> State | None:
    """The state after `speaker` says `kind`, or None where they may not."""
    if kind is Kind.STOP and state is not State.CLOSED and (state is not State.START or speaker is Role.RECEIVER):
        return State.CLOSED
    if kind is Kind.WAITING and state not in (State.START, State.CLOSED):
        return state
    return TABLE.get((state, speaker, kind))


class Conversation:
    """Follows the table for one side. Knows no bytes, only who said what."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.state = State.START

    def cap_of(self, kind: Kind) -> int:
        """The largest body acceptable from the peer now, or -1 where that type is not."""
        return CAPS[kind] if following(self.state, self.role.other, kind) is not None else -1

    def received(self, kind: Kind) -> None:
        """The peer said this. Raises ProtocolProblem where it may not."""
        state = following(self.state, self.role.other, kind)
        if state is None:
            raise ProtocolProblem
        self.state = state

    def sending(self, kind: Kind) -> None:
        """We are about to say this; a mistake here is our bug."""
        state = following(self.state, self.role, kind)
        if state is None:
            raise AssertionError(f"{self.role.value} may not say {kind.name} in {self.state.value}")
        self.state = state
