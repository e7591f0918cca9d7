"""What a face runs: a sending, a reception, or whatever else has people who answer and may cancel."""

from __future__ import annotations

from typing import Protocol

from countersign.session.answers import Answers
from countersign.session.controls import Controls


class Session(Protocol):
    """Runs on a thread of its own; controls and answers may be used from any."""

    controls: Controls
    answers: Answers

    def run(self) -> None:
        """Blocks until it has ended."""
