"""Holds messages that have arrived and were not taken yet, bounded in number and in memory."""

from __future__ import annotations

from collections import deque

from countersign.base import limits
from countersign.base.errors import ProtocolProblem
from countersign.wire.messages import Message, Sealed, Stop
from countersign.wire.stops import problem_of_stop

_MOST = 1000  # messages that may pile up while we write
_MOST_BYTES = 2 * limits.PACK_CAP  # and their size in memory


class Inbox:
    """The peer's messages. One thread uses it."""

    def __init__(self) -> None:
        self.heard = 0  # messages, including `waiting`: each shows that the peer is alive
        self._messages: deque[Message] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, message: Message) -> None:
        """Adds a message. Raises ProtocolProblem if too much is unread."""
        self._messages.append(message)
        self._bytes += _size_of(message)
        if len(self._messages) > _MOST or self._bytes > _MOST_BYTES:
            raise ProtocolProblem

    def take(self) -> Message | None:
        """The first message, or None. Raises the problem that a `stop` names."""
        if not self._messages:
            return None
        message = self._messages.popleft()
        self._bytes -= _size_of(message)
        if isinstance(message, Stop):
            raise problem_of_stop(message.code)
        return message

    def look_for_stop(self) -> None:
        """Raises the problem of a `stop` at the end: nothing follows one."""
        last = self._messages[-1] if self._messages else None
        if isinstance(last, Stop):
            raise problem_of_stop(last.code)


def _size_of(message: Message) -> int:
    """A message's size in memory; a control message is small."""
    return len(message.token) if isinstance(message, Sealed) else limits.CONTROL_CAP
