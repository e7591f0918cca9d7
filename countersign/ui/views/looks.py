"""Light or dark: as the person has chosen, or as the system prefers, which is asked again when somebody comes back."""

from __future__ import annotations

import threading
import time
import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from countersign.ui.views.theme import Theme, system_is_dark

_LOOKS_SECONDS = 5.0


@dataclass(frozen=True)
class SystemLooks:
    """What the system prefers at this moment."""

    dark: bool


def is_dark(looks: str) -> bool:
    """Whether these looks are dark: one of preferences.LOOKS."""
    return system_is_dark() if looks == "system" else looks == "dark"


class Looks:
    """Paints the window anew where the looks have changed. `post` takes what the system prefers, from any thread."""

    def __init__(
        self, root: tk.Tk, theme: Theme, paint: Callable[[], None], chosen: str, post: Callable[[SystemLooks], None]
    ) -> None:
        """paint: draws everything in the colours of now."""
        self._theme = theme
        self._paint = paint
        self._chosen = chosen
        self._post = post
        self._asked = 0.0
        root.bind("<FocusIn>", self._follow, add="+")

    def choose(self, looks: str) -> None:
        """The person has chosen."""
        self._chosen = looks
        self._apply(is_dark(looks))

    def take(self, system: SystemLooks) -> None:
        """The system prefers these."""
        if self._chosen == "system":
            self._apply(system.dark)

    def _apply(self, dark: bool) -> None:
        if dark != self._theme.dark:
            self._theme.apply(dark)
            self._paint()

    def _follow(self, _event: tk.Event[Any]) -> None:
        """Somebody who comes back may have changed the system's looks; asking takes a moment, so not on this thread."""
        now = time.monotonic()
        if self._chosen != "system" or now - self._asked < _LOOKS_SECONDS:
            return
        self._asked = now
        threading.Thread(target=lambda: self._post(SystemLooks(system_is_dark())), name="looks", daemon=True).start()
