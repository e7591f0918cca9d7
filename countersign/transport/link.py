"""The abstract byte stream that `transfer` uses. It blocks only in `wait`, and any thread can end a `wait`."""

from __future__ import annotations

from typing import Protocol

from countersign.base.errors import Problem
from countersign.trust.fingerprint import DeviceId


class LinkLostError(Exception):
    """The link ended. `problem`: the reason, if the transport knows it. `orderly`: the peer closed the link."""

    def __init__(self, problem: Problem | None = None, *, orderly: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.orderly = orderly


class Link(Protocol):
    """Bytes to and from one peer, whose identity was compared with the pins before the link was handed over."""

    @property
    def own_id(self) -> DeviceId:
        """Our device's identity."""

    @property
    def peer_id(self) -> DeviceId:
        """The peer's identity."""

    def try_receive(self, buffer: memoryview) -> int:
        """Reads available bytes into the buffer. Returns their number, 0 if there are none now.

        Raises LinkLostError if no more can come.
        """

    def try_send(self, data: memoryview) -> int:
        """Writes what fits now. Returns the number of bytes; after 0, the next call must pass the same bytes."""

    def wait(self, seconds: float, *, read: bool = True, write: bool = False) -> None:
        """Returns when the link is ready to read or write, as asked, or after `seconds`, or after `wake`."""

    def wake(self) -> None:
        """Ends the current or the next `wait`. Any thread may call it."""

    def close(self) -> None:
        """Closes the link in order, as far as that is possible without waiting."""
