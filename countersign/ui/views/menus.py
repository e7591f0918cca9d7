"""The menu bar, with its shortcuts bound to the window."""

from __future__ import annotations

import sys
import tkinter as tk
from collections.abc import Callable
from typing import Any

from countersign.ui.presenters.screens import Menu, MenuItem
from countersign.ui.views.theme import Theme

_FIELDS = ("TEntry", "TCombobox")


class MenuBar:
    """Draws the menus that a presenter describes."""

    def __init__(self, root: tk.Tk, theme: Theme) -> None:
        self._root = root
        self._theme = theme
        self._shown: tuple[Menu, ...] = ()
        self._bar: tk.Menu | None = None
        self._bound: list[str] = []
        self._marks: list[tk.BooleanVar] = []

    def show(self, menus: tuple[Menu, ...]) -> None:
        """Shows these menus; nothing is touched where they look as before."""
        if menus == self._shown and self._bar is not None:
            return
        self._shown = menus
        self.paint()

    def paint(self) -> None:
        """Draws the menus anew, in the colours of now."""
        old, self._marks = self._bar, []
        for sequence in self._bound:
            self._root.unbind(sequence)
            for kind in _FIELDS:
                self._root.unbind_class(kind, sequence)
        self._bound = []
        self._bar = self._menu(self._root)
        for menu in self._shown:
            below = self._menu(self._bar)
            for item in menu.items:
                self._add(below, item)
            self._bar.add_cascade(label=menu.title, menu=below, underline=0)
        self._root.configure(menu=self._bar)
        if old is not None:
            old.destroy()

    def _menu(self, parent: tk.Misc) -> tk.Menu:
        menu = tk.Menu(parent, tearoff=False)
        if sys.platform.startswith("linux"):  # the others draw menus themselves
            palette = self._theme.palette
            menu.configure(
                background=palette.page, foreground=palette.text, activebackground=palette.accent_soft,
                activeforeground=palette.text, disabledforeground=palette.edge, selectcolor=palette.accent,
                font=self._theme.fonts["body"], relief="flat", borderwidth=0, activeborderwidth=self._theme.px(3),
            )  # fmt: skip
        return menu

    def _add(self, menu: tk.Menu, item: MenuItem | None) -> None:
        if item is None:
            menu.add_separator()
            return
        state = "normal" if item.enabled else "disabled"
        keys = item.keys.replace("Ctrl", "Command") if sys.platform == "darwin" else item.keys
        if item.marked is None:
            menu.add_command(label=item.label, command=item.act, accelerator=keys, state=state)  # type: ignore[arg-type]
        else:
            mark = tk.BooleanVar(self._root, item.marked)
            self._marks.append(mark)
            menu.add_checkbutton(label=item.label, command=item.act, variable=mark, state=state)  # type: ignore[arg-type]
        if item.keys and item.enabled:
            self._bind(item.keys, item.act)

    def _bind(self, keys: str, act: Callable[[], None]) -> None:
        sequence = sequence_of(keys)

        def pressed(_event: tk.Event[Any]) -> str:
            act()
            return "break"

        self._root.bind(sequence, pressed)
        for kind in _FIELDS:  # in a field Ctrl+H would delete what is selected, as in terminals of old
            self._root.bind_class(kind, sequence, pressed)
        self._bound.append(sequence)


def sequence_of(keys: str) -> str:
    """`Ctrl+Shift+O` as Tk writes it."""
    *held, key = keys.split("+")
    control = "Command" if sys.platform == "darwin" else "Control"
    names = {"Ctrl": control, "Shift": "Shift"}
    if len(key) == 1:
        key = key.upper() if "Shift" in held else key.lower()
    return f"<{'-'.join([*(names[part] for part in held), key])}>"
