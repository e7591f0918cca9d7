"""Somebody at a virtual screen: windows found by their titles, real key and mouse events (XTest)."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import wait_until

KEYS = {
    "\n": "Return",
    "\t": "Tab",
    " ": "space",
    "-": "minus",
    ".": "period",
    ":": "colon",
    "/": "slash",
    "_": "underscore",
    "*": "asterisk",
}
SHIFTED = frozenset(":_*")


@contextmanager
def virtual_screen(width: int = 1600, height: int = 1000, dpi: int = 96) -> Iterator[str]:
    """An X server without a monitor; gives its name for DISPLAY."""
    if shutil.which("Xvfb") is None:
        raise RuntimeError("Xvfb is missing")
    read, write = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(write),
        "-screen",
        "0",
        f"{width}x{height}x24",
        "-dpi",
        str(dpi),
        "-nolisten",
        "tcp",
        "-noreset",
    ]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


class DesktopUser:
    """Somebody in front of one virtual screen."""

    def __init__(self, screen: str) -> None:
        from Xlib import display, error

        self.screen = screen
        self._display = display.Display(screen)
        # the library's RANDR part puts its own errors over the core's numbers, and cannot be read then
        self._display.display.error_classes.update(error.xerror_class)
        self._root = self._display.screen().root

    def close(self) -> None:
        self._display.close()

    def titles(self) -> list[str]:
        """What the title bars say."""
        return [title for _window, title in self._windows()]

    def window(self, text: str, seconds: float = 30.0) -> object:
        """The window with this title, or whose title holds this text; waits for it."""

        def look() -> object | None:
            windows = list(self._windows())
            exact = [window for window, title in windows if title == text]
            return next(iter(exact + [window for window, title in windows if text in title]), None)

        return wait_until(look, seconds, lambda: f"a window “{text}” among {self.titles()}")

    def look_at(self, text: str, x: int, y: int, seconds: float = 30.0) -> None:
        """Moves a window there, the pointer onto it, and the keyboard to it: what a window manager does on a click."""
        from Xlib import X, error

        window = self.window(text, seconds)
        window.configure(x=x, y=y)  # type: ignore[attr-defined]
        self._display.sync()
        self.point(x + 300, y + 560)
        refused = error.CatchError(error.BadMatch, error.BadWindow)
        window.set_input_focus(X.RevertToPointerRoot, X.CurrentTime, onerror=refused)  # type: ignore[attr-defined]
        self._display.sync()

    def point(self, x: int, y: int) -> None:
        from Xlib import X
        from Xlib.ext import xtest

        xtest.fake_input(self._display, X.MotionNotify, x=x, y=y)
        self._display.sync()

    def click(self, x: int, y: int) -> None:
        """Presses the left button there."""
        from Xlib import X
        from Xlib.ext import xtest

        self.point(x, y)
        for event in (X.ButtonPress, X.ButtonRelease):
            xtest.fake_input(self._display, event, 1)
        self._display.sync()

    def click_main(self, text: str) -> None:
        """Presses the button at the bottom right of a window: the main one."""
        window = self.window(text)
        size = window.get_geometry()  # type: ignore[attr-defined]
        place = window.translate_coords(self._root, 0, 0)  # type: ignore[attr-defined]
        self.click(-place.x + size.width - 60, -place.y + size.height - 36)

    def type(self, text: str) -> None:
        """Types lower-case letters, digits and a few marks."""
        for char in text:
            self.press(KEYS.get(char, char), shift=char in SHIFTED)

    def press(self, name: str, *, control: bool = False, shift: bool = False) -> None:
        """Presses one key."""
        from Xlib import XK, X
        from Xlib.ext import xtest

        held = [*(["Control_L"] if control else []), *(["Shift_L"] if shift else [])]
        codes = [self._display.keysym_to_keycode(XK.string_to_keysym(key)) for key in (*held, name)]
        for code in codes:
            xtest.fake_input(self._display, X.KeyPress, code)
        for code in reversed(codes):
            xtest.fake_input(self._display, X.KeyRelease, code)
        self._display.sync()

    def close_window(self, window: object) -> None:
        """What a window manager does when its close button is pressed (ICCCM 4.2.8.1)."""
        from Xlib import X
        from Xlib.protocol import event

        names = [self._display.intern_atom(name) for name in ("WM_PROTOCOLS", "WM_DELETE_WINDOW")]
        data = (32, [names[1], X.CurrentTime, 0, 0, 0])
        message = event.ClientMessage(window=window, client_type=names[0], data=data)
        window.send_event(message)  # type: ignore[attr-defined]
        self._display.sync()

    def clipboard(self) -> str:
        """What was copied last; empty where nothing was. A process of its own, since Tk never lets go of a screen."""
        code = "import tkinter as tk, sys; r = tk.Tk(screenName=sys.argv[1]); r.withdraw(); print(r.clipboard_get(), end='')"
        done = subprocess.run([sys.executable, "-c", code, self.screen], capture_output=True, text=True, check=False)
        return done.stdout

    def copied(self, length: int) -> str:
        """Presses the copying keys until something of this length is on the clipboard."""

        def look() -> str | None:
            self.press("c", control=True)
            text = self.clipboard()
            return text if len(text) == length else None

        return str(wait_until(look, 20.0, lambda: f"something of {length} characters on the clipboard"))

    def picture(self, text: str, path: Path) -> None:
        """The window whose title holds this text, as a PNG."""
        from Xlib import X

        window = self.window(text)
        size = window.get_geometry()  # type: ignore[attr-defined]
        image = window.get_image(0, 0, size.width, size.height, X.ZPixmap, 0xFFFFFFFF)  # type: ignore[attr-defined]
        path.write_bytes(png(size.width, size.height, image.data))

    def _windows(self) -> Iterator[tuple[object, str]]:
        from Xlib import X, error

        todo = [self._root]
        while todo:
            window = todo.pop()
            try:
                seen = window.get_attributes().map_state == X.IsViewable
                title = _title(window, self._display) if seen else ""
                todo += window.query_tree().children
            except (error.BadWindow, error.BadValue):
                continue  # it was closed, or its title changed, while we looked
            if title:
                yield window, title


def _title(window: object, display: object) -> str:
    atom = display.intern_atom("_NET_WM_NAME")  # type: ignore[attr-defined]
    utf8 = display.intern_atom("UTF8_STRING")  # type: ignore[attr-defined]
    found = window.get_full_property(atom, utf8)  # type: ignore[attr-defined]
    return found.value.decode("utf-8", "replace") if found else ""


def png(width: int, height: int, pixels: bytes) -> bytes:
    """A PNG of rows of blue, green, red and nothing, as an X server of 24 bits gives them (W3C PNG, section 11)."""
    rgb = bytearray(width * height * 3)
    rgb[0::3], rgb[1::3], rgb[2::3] = pixels[2::4], pixels[1::4], pixels[0::4]
    rows = b"".join(b"\0" + rgb[row * width * 3 : (row + 1) * width * 3] for row in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
