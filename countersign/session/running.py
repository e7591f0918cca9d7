"""The interface that faces run: a sending, a reception, or anything else with answers and cancelling."""

from __future__ import annotations

from typing import Protocol

from countersign.session.answers import Answers
from countersign.session.controls import Controls


class Session(Protocol):
    """Runs on its own thread; any thread may use `controls` and `answers`."""

    controls: Controls
    answers: Answers

    def run(self) -> None:
        """Blocks until the session has ended."""
