"""State tables, and the conversation that follows one.

Each protocol has its own table: see transfer.states. Two rules hold for all. A message that the table does not list
is an error: the peer's if it arrives, our bug if we send it. `waiting` and `stop` are valid in every state in which
a side listens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from countersign.base.errors import ProtocolProblem
from countersign.wire.messages import CAPS, Kind, Role


@dataclass(frozen=True)
class Table:
    """Which role may send which message in which state, and the next state. The states are members of one Enum."""

    start: Enum
    closed: Enum
    data: Enum  # where a person may pause
    moves: Mapping[tuple[Enum, Role, Kind], Enum]

    def following(self, state: Enum, speaker: Role, kind: Kind) -> Enum | None:
        """The state after `speaker` sends `kind`, or None if that is not allowed."""
        if kind is Kind.STOP and state is not self.closed and (state is not self.start or speaker is Role.RECEIVER):
            return self.closed
        if kind is Kind.WAITING and state not in (self.start, self.closed):
            return state
        return self.moves.get((state, speaker, kind))


class Conversation:
    """Follows a table for one side. Sees no bytes, only who sent what. One thread uses it."""

    def __init__(self, role: Role, table: Table) -> None:
        self.role = role
        self.table = table
        self.state = table.start

    @property
    def is_in_data(self) -> bool:
        """Whether a person may pause in this state."""
        return self.state is self.table.data

    def may_say(self, kind: Kind) -> bool:
        """Whether we may send this now."""
        return self.table.following(self.state, self.role, kind) is not None

    def cap_of(self, kind: Kind) -> int:
        """The largest body that the peer may send of this type now, or -1 if it may not send the type."""
        return CAPS[kind] if self.table.following(self.state, self.role.other, kind) is not None else -1

    def received(self, kind: Kind) -> None:
        """The peer sent this. Raises ProtocolProblem if it may not."""
        state = self.table.following(self.state, self.role.other, kind)
        if state is None:
            raise ProtocolProblem
        self.state = state

    def sending(self, kind: Kind) -> None:
        """We are about to send this; a mistake here is our bug."""
        state = self.table.following(self.state, self.role, kind)
        if state is None:
            raise AssertionError(f"{self.role.value} may not say {kind.name} in {self.state.value}")
        self.state = state
