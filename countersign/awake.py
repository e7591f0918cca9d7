"""Keeps the computer awake while a transfer is on, where the system lets us. Not being able to is no reason to stop.

Waiting for somebody is no transfer: a receiver that is left open must not keep a laptop from sleeping.
"""

from __future__ import annotations

from contextlib import ExitStack

from wakepy import keep

from countersign.session import status as st

_BEGINS = (st.OfferSeen, st.KeyShown, st.Progress)
_ENDS = (st.Listening, st.Done, st.Failed)


class Wakefulness:
    """Follows the statuses of sessions: awake from the offer on, until the end. One thread uses it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.awake = False

    def follow(self, status: object) -> None:
        """Takes whatever a face takes; statuses count."""
        if isinstance(status, _BEGINS) and not self.awake:
            self.awake = True
            self._stack.enter_context(keep.running(on_fail="pass"))
        elif isinstance(status, _ENDS):
            self.close()

    def close(self) -> None:
        """The computer may sleep again."""
        self.awake = False
        self._stack.close()
