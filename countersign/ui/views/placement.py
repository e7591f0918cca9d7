"""Where the window is on the screen, from one start to the next."""

from __future__ import annotations

import re
import tkinter as tk

from countersign.ui.preferences import PreferenceStore
from countersign.ui.views.theme import Theme

_SIZE = (760, 640)
_AROUND = (8, 56)  # what a title bar, and a panel, take of the screen
_SMALLEST = (560, 400)  # the middle scrolls; a screen of 640 x 480 has room for title bar and menus too


class Placement:
    """The place of one program's window."""

    def __init__(self, root: tk.Tk, theme: Theme, role: str, preferences: PreferenceStore) -> None:
        self._root = root
        self._theme = theme
        self._role = role
        self._preferences = preferences

    def take(self) -> None:
        """Goes where the window was last, if that is on the screen still; else its first size, where the system puts it."""
        kept = self._preferences.read().windows.get(self._role, "")
        room = self._room()
        self._root.minsize(*self._at_most(_SMALLEST, (room[0], room[1] - self._theme.px(_AROUND[1]))))
        width, height = self._at_most(
            _SIZE, (room[0] - self._theme.px(_AROUND[0]), room[1] - self._theme.px(_AROUND[1]))
        )
        self._root.geometry(f"{width}x{height}")
        found = re.fullmatch(r"(\d+)x(\d+)\+(\d+)\+(\d+)", kept)
        if found is not None:
            w, h, x, y = (int(part) for part in found.groups())
            if w <= room[0] and h <= room[1] and x + w // 2 < room[0] and y + 50 < room[1]:
                self._root.geometry(kept)

    def keep(self) -> None:
        """Remembers the place for the next start."""
        if self._root.state() == "normal":
            place = self._root.geometry()
            self._preferences.change(lambda found: found.windows.update({self._role: place}))

    def _room(self) -> tuple[int, int]:
        return self._root.winfo_screenwidth(), self._root.winfo_screenheight()

    def _at_most(self, size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
        width, height = (min(self._theme.px(length), most) for length, most in zip(size, room, strict=True))
        return width, height
