"""The reasons why an entry did not arrive: a number on the wire, a word in a receipt; see docs/PROTOCOL.md."""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    """The first three are the sender's, the others the receiver's."""

    CHANGED = 0
    VANISHED = 1
    UNREADABLE = 2
    UNWANTED = 3
    NAME = 4
    LINKS = 5

    @property
    def word(self) -> str:
        """The word in packs and receipts."""
        return self.name.lower()


WITHDRAWN = (Reason.CHANGED, Reason.VANISHED, Reason.UNREADABLE)
BY_WORD = {reason.word: reason for reason in Reason}
