"""What a state table is, and the conversation that follows one.

The table itself belongs to whoever speaks it: see transfer.states. Two rules hold for every table: what is not in it is an
error, of the peer where it arrives and of ours where we say it; `waiting` and `stop` belong to every state in which somebody listens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from countersign.base.errors import ProtocolProblem
from countersign.wire.messages import CAPS, Kind, Role


@dataclass(frozen=True)
class Table:
    """Who may say what in which state, and which state follows. States are the members of one Enum."""

    start: Enum
    closed: Enum
    data: Enum  # where a person may pause
    moves: Mapping[tuple[Enum, Role, Kind], Enum]

    def following(self, state: Enum, speaker: Role, kind: Kind) -> Enum | None:
        """The state after `speaker` says `kind`, or None where they may not."""
        if kind is Kind.STOP and state is not self.closed and (state is not self.start or speaker is Role.RECEIVER):
            return self.closed
        if kind is Kind.WAITING and state not in (self.start, self.closed):
            return state
        return self.moves.get((state, speaker, kind))


class Conversation:
    """Follows a table for one side. Knows no bytes, only who said what. One thread uses it."""

    def __init__(self, role: Role, table: Table) -> None:
        self.role = role
        self.table = table
        self.state = table.start

    @property
    def is_closed(self) -> bool:
        """Whether nothing may follow."""
        return self.state is self.table.closed

    @property
    def is_in_data(self) -> bool:
        """Whether this is the state in which people may pause."""
        return self.state is self.table.data

    def may_say(self, kind: Kind) -> bool:
        """Whether we may say this now."""
        return self.table.following(self.state, self.role, kind) is not None

    def cap_of(self, kind: Kind) -> int:
        """The largest body acceptable from the peer now, or -1 where that type is not."""
        return CAPS[kind] if self.table.following(self.state, self.role.other, kind) is not None else -1

    def received(self, kind: Kind) -> None:
        """The peer said this. Raises ProtocolProblem where it may not."""
        state = self.table.following(self.state, self.role.other, kind)
        if state is None:
            raise ProtocolProblem
        self.state = state

    def sending(self, kind: Kind) -> None:
        """We are about to say this; a mistake here is our bug."""
        state = self.table.following(self.state, self.role, kind)
        if state is None:
            raise AssertionError(f"{self.role.value} may not say {kind.name} in {self.state.value}")
        self.state = state
