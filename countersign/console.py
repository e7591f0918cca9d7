"""The standard streams: the terminal's own encoding, and a terminal for executables that Windows starts without one.

What was started from a terminal speaks there: https://learn.microsoft.com/windows/console/attachconsole
Standard library only: the bootstrap hands on what it knows of the terminal.
"""

from __future__ import annotations

import codecs
import os
import sys

OUTPUT = "COUNTERSIGN_OUTPUT"  # the terminal's encoding, handed on by a Python that has started this one
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


def prepare_streams() -> None:
    """Streams in the terminal's own encoding that take every text: what the terminal cannot show becomes an escape."""
    encoding = _terminal_encoding()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    if sys.stdin is not None and sys.stdin.isatty() and hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding=encoding, errors="replace")


def _terminal_encoding() -> str | None:
    """Where names of files are UTF-8 against the locale, Python would speak UTF-8 to the terminal too. None: as it is."""
    named = os.environ.pop(OUTPUT, None)
    if named is None and getattr(sys, "frozen", False):
        named = _encoding_of_locale()
    try:
        return codecs.lookup(named).name if named else None
    except LookupError:
        return None


def _encoding_of_locale() -> str | None:
    if sys.platform == "win32":
        return None
    import locale

    try:
        chosen = locale.setlocale(locale.LC_CTYPE, "")
    except locale.Error:  # it names one that is not installed
        return None
    # "C" says nothing of the terminal: https://peps.python.org/pep-0540/
    return None if chosen in ("C", "POSIX") else locale.nl_langinfo(locale.CODESET)
