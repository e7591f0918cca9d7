"""The abstract stream that `transfer` knows: it never blocks but in `wait`, and `wait` can be ended from any thread."""

from __future__ import annotations

from typing import Protocol

from countersign.base.errors import Problem
from countersign.trust.fingerprint import DeviceId


class LinkLostError(Exception):
    """The link ended. `problem` says more where the transport knows more; `orderly` where the other side has closed it."""

    def __init__(self, problem: Problem | None = None, *, orderly: bool = False) -> None:
        super().__init__(problem)
        self.problem = problem
        self.orderly = orderly


class Link(Protocol):
    """Bytes to and from one peer, whose identity was compared with the pins before the link was made."""

    @property
    def own_id(self) -> DeviceId:
        """Which device we are."""

    @property
    def peer_id(self) -> DeviceId:
        """Which device the other is."""

    def try_receive(self, buffer: memoryview) -> int:
        """Reads what is there into the buffer: the number of bytes, 0 where nothing is there now.

        Raises LinkLostError where nothing will ever come.
        """

    def try_send(self, data: memoryview) -> int:
        """Writes what fits now: the number of bytes, perhaps 0. After a 0 the same bytes must be tried next."""

    def wait(self, seconds: float, *, read: bool = True, write: bool = False) -> None:
        """Returns when something can be read or written, as asked, or after `seconds`, or after `wake`."""

    def wake(self) -> None:
        """Ends a `wait` that is going on or the next one. From any thread."""

    def close(self) -> None:
        """Ends the link in order, as far as that goes without waiting."""
