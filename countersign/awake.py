"""Keeps the computer awake while a transfer is on, where the system lets us. Not being able to is no reason to stop.

Waiting for somebody is no transfer: a receiver that is left open must not keep a laptop from sleeping.
"""

from __future__ import annotations

from contextlib import ExitStack

from wakepy import keep

from countersign.base.never import assert_never
from countersign.session import status as st


class Wakefulness:
    """Follows the statuses of sessions: awake from the offer on, until the end. One thread uses it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.awake = False

    def follow(self, status: st.Status) -> None:
        """Takes what a face is told."""
        match status:
            case st.OfferSeen() | st.KeyShown() | st.Progress():
                if not self.awake:
                    self.awake = True
                    self._stack.enter_context(keep.running(on_fail="pass"))
            case st.Listening() | st.Done() | st.Failed():
                self.close()
            case (
                st.StrangerRefused() | st.Connected() | st.NeedCode() | st.CodeWrong() | st.PeerLocked() | st.Scanning()
                | st.Ready() | st.OfferOpened() | st.NeedKey() | st.KeyChecking() | st.KeyWrong() | st.NeedDecision()
                | st.WaitingFor() | st.Paused() | st.Reconnecting() | st.Note() | st.StageTimes()
            ):  # fmt: skip
                pass
            case _:
                assert_never(status)

    def close(self) -> None:
        """The computer may sleep again."""
        self.awake = False
        self._stack.close()
