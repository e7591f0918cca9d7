"""Files and folders that are dropped on the window."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import tkinterdnd2

# Whatever the source of a drop offers: one that is told "move" removes its files, and ours are only read.
_TAKES: str = tkinterdnd2.COPY
_REFUSES = "refuse_drop"  # tkdnd's word

Take: TypeAlias = Callable[[list[Path]], None]


class Drops:
    """Takes drops where the screen takes them, and refuses them elsewhere."""

    def __init__(self, root: tk.Tk, taker: Callable[[], Take | None], highlight: Callable[[bool], None]) -> None:
        """taker: what takes the paths on the screen of now. highlight: told whether something is dragged over the window."""
        self._root = root
        self._taker = taker
        self._highlight = highlight
        if isinstance(root, tkinterdnd2.TkinterDnD.Tk):
            root.drop_target_register(tkinterdnd2.DND_FILES)
            root.dnd_bind("<<Drop>>", self.dropped)
            root.dnd_bind("<<DropEnter>>", lambda _event: self._hovers(True))
            root.dnd_bind("<<DropPosition>>", lambda _event: self._answer())
            root.dnd_bind("<<DropLeave>>", lambda _event: self._hovers(False))

    def _answer(self) -> str:
        """What a source of drops is told: where nothing is taken, nothing is dropped."""
        return _TAKES if self._taker() is not None else _REFUSES

    def _hovers(self, over: bool) -> str:
        self._highlight(over and self._taker() is not None)
        return self._answer()

    def dropped(self, event: Any) -> str:
        """Hands the paths of a drop to the screen."""
        self._highlight(False)
        take = self._taker()
        if take is None:
            return _REFUSES
        take([Path(item) for item in self._root.tk.splitlist(event.data)])
        return _TAKES
