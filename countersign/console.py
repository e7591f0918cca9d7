"""A terminal for executables that Windows starts without one: what was started from a terminal speaks there.

https://learn.microsoft.com/windows/console/attachconsole
"""

from __future__ import annotations

import os
import sys

_PARENT = -1  # ATTACH_PARENT_PROCESS


def attach_console() -> None:
    """Gives a program without standard streams those of the terminal that it was started from, or nowhere."""
    if sys.platform != "win32" or (sys.stdout is not None and sys.stderr is not None):
        return
    import ctypes

    there = bool(ctypes.windll.kernel32.AttachConsole(_PARENT))
    for name, device, mode in (("stdin", "CONIN$", "r"), ("stdout", "CONOUT$", "w"), ("stderr", "CONOUT$", "w")):
        if getattr(sys, name) is None:
            stream = open(device if there else os.devnull, mode, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
            setattr(sys, name, stream)
