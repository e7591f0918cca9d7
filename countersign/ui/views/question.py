"""A question with two answers, each a verb. In a window of its own in front of ours, and never over another one."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import Any

from countersign.ui.drawing.icons import mark
from countersign.ui.views.parts import picture
from countersign.ui.views.theme import Theme


class Question:
    """Asks once; `answered` takes the answer. Closing it means no; the careful answer has the focus."""

    def __init__(
        self, root: tk.Tk, theme: Theme, text: str, yes: str, no: str, answered: Callable[[bool], None]
    ) -> None:
        px = theme.px
        self._root = root
        self._answered = answered
        self._top = tk.Toplevel(root, background=theme.palette.page)
        self._top.title(yes)
        self._top.transient(root)
        self._top.resizable(False, False)
        self._top.protocol("WM_DELETE_WINDOW", lambda: self._answer(False))
        frame = ttk.Frame(self._top, padding=(px(24), px(20)))
        frame.pack(fill="both", expand=True)
        what = ttk.Frame(frame)
        what.pack(fill="x")
        c = theme.palette
        picture(what, theme.picture(mark, px(44), c.warn_soft, "warn", c.warn)).pack(
            side="left", anchor="n", padx=(0, px(16))
        )
        ttk.Label(what, text=text, style="plain.TLabel", justify="left", wraplength=px(360)).pack(side="left", fill="x")
        buttons = ttk.Frame(frame)
        buttons.pack(fill="x", pady=(px(20), 0))
        self._no = ttk.Button(buttons, text=no, command=lambda: self._answer(False))
        self._no.pack(side="right")
        ttk.Button(buttons, text=yes, command=lambda: self._answer(True)).pack(side="right", padx=px(8))
        self._no.focus_set()
        self._top.bind("<Escape>", lambda _event: self._answer(False))
        self._top.bind("<Visibility>", self._seen)
        self._center()

    def _center(self) -> None:
        """Over the middle of the program's window."""
        top, root = self._top, self._root
        top.update_idletasks()
        x = root.winfo_rootx() + (root.winfo_width() - top.winfo_reqwidth()) // 2
        y = root.winfo_rooty() + (root.winfo_height() - top.winfo_reqheight()) // 3
        top.geometry(f"+{max(0, x)}+{max(0, y)}")

    def _seen(self, event: tk.Event[Any]) -> None:
        """Only a window that can be seen may take the keyboard and the mouse for itself."""
        if event.widget is not self._top:
            return
        self._top.unbind("<Visibility>")
        self._top.grab_set()
        if not str(self._root.tk.call("focus")).startswith(str(self._top)):
            self._no.focus_force()  # some window managers leave the keyboard where it was

    def withdraw(self) -> None:
        """Takes the question back: nobody answers it any more."""
        self._top.destroy()

    def _answer(self, agreed: bool) -> None:
        self._top.destroy()
        self._answered(agreed)
