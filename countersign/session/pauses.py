"""Who has paused: the person here and the one there, and what was said about it."""

from __future__ import annotations

import time
from collections.abc import Callable

from countersign.base import limits
from countersign.base.errors import Interrupted
from countersign.session.controls import Controls


class Pauses:
    """Both people's pauses on one connection. One thread uses it."""

    def __init__(self, controls: Controls) -> None:
        self.said = False  # what the other side was told last
        self.tell: Callable[[bool, bool], None] = lambda _paused, _by_them: None
        self._controls = controls
        self._theirs_since: float | None = None

    @property
    def held_up(self) -> bool:
        """Whether either person has paused."""
        return self.theirs or self._controls.paused

    @property
    def theirs(self) -> bool:
        """Whether the other person has paused, as far as their side said."""
        return self._theirs_since is not None

    @property
    def is_news(self) -> bool:
        """Whether the other side was not told yet what the person here wants."""
        return self._controls.paused != self.said

    def turn(self) -> None:
        """The person here has paused or goes on: it is told here, and `said` is what the other side must hear."""
        self.said = not self.said
        self.tell(self.said, False)

    def heard(self, paused: bool) -> None:
        """The other side says whether its person has paused. Raises Interrupted where that takes longer than PAUSE_SECONDS."""
        if paused != self.theirs:
            self._theirs_since = time.monotonic() if paused else None
            self.tell(paused, True)
        elif self._theirs_since is not None and time.monotonic() - self._theirs_since > limits.PAUSE_SECONDS:
            raise Interrupted
