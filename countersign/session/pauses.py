"""Tracks who has paused, on both sides, and what was sent about it."""

from __future__ import annotations

import time
from collections.abc import Callable

from countersign.base import limits
from countersign.base.errors import Interrupted
from countersign.session.controls import Controls


class Pauses:
    """Both people's pauses on one connection. One thread uses it."""

    def __init__(self, controls: Controls) -> None:
        self.said = False  # what the peer was told last
        self.tell: Callable[[bool, bool], None] = lambda _paused, _by_them: None
        self._controls = controls
        self._theirs_since: float | None = None

    @property
    def held_up(self) -> bool:
        """Whether either person has paused."""
        return self.theirs or self._controls.paused

    @property
    def theirs(self) -> bool:
        """Whether the peer's person has paused, as last reported."""
        return self._theirs_since is not None

    @property
    def is_news(self) -> bool:
        """Whether the peer has not yet been told of a change here."""
        return self._controls.paused != self.said

    def turn(self) -> None:
        """The person here has paused or resumed: calls `tell`, and sets `said` to what the peer must be told."""
        self.said = not self.said
        self.tell(self.said, False)

    def heard(self, paused: bool) -> None:
        """The peer reports whether its person has paused. Raises Interrupted after PAUSE_SECONDS of pause."""
        if paused != self.theirs:
            self._theirs_since = time.monotonic() if paused else None
            self.tell(paused, True)
        elif self._theirs_since is not None and time.monotonic() - self._theirs_since > limits.PAUSE_SECONDS:
            raise Interrupted
