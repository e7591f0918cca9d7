"""Whether there is a screen to open a window on. Standard library only: the bootstrap asks too."""

from __future__ import annotations

import os
import sys


def has_display() -> bool:
    """Whether a window can be opened: always but on a Unix without a display server."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
