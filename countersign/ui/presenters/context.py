"""What a presenter is given: the opened home, the window, what is remembered, and ways to threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countersign.profile import Profile
from countersign.session.running import Session
from countersign.session.status import Report
from countersign.ui.preferences import PreferenceStore
from countersign.ui.presenters.screens import Window


@dataclass(frozen=True)
class Context:
    """Work in the background ends in a call on the window's thread, with its result or its Problem."""

    profile: Profile
    window: Window
    preferences: PreferenceStore
    start: Callable[[Session], None]  # runs a session on a thread of its own
    report: Report  # takes statuses from any thread
    background: Callable[[Callable[[], Any], Callable[[Any], None]], None]
    add_to_menu: Callable[[], Path] | None = None  # where the system has such a menu
