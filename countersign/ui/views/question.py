"""A question with two answers, each a verb. In a window of its own in front of ours, and never over another one."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from countersign.ui.views.theme import Theme


class Question:
    """Asks once. Closing it means no; the careful answer has the focus."""

    def __init__(self, root: tk.Tk, theme: Theme, text: str, yes: str, no: str) -> None:
        self._answer = False
        px = theme.px
        self._root = root
        self._top = tk.Toplevel(root, background=theme.palette.ground)
        self._top.title(yes)
        self._top.transient(root)
        self._top.resizable(False, False)
        self._top.protocol("WM_DELETE_WINDOW", self._top.destroy)
        frame = ttk.Frame(self._top, padding=(px(24), px(20)))
        frame.pack(fill="both", expand=True)
        ttk.Label(frame, text=text, style="plain.TLabel", justify="left", wraplength=px(400)).pack(anchor="w")
        buttons = ttk.Frame(frame)
        buttons.pack(fill="x", pady=(px(20), 0))
        self._no = ttk.Button(buttons, text=no, command=self._top.destroy)
        self._no.pack(side="right")
        ttk.Button(buttons, text=yes, command=self._say_yes).pack(side="right", padx=px(8))
        self._no.focus_set()
        self._top.bind("<Escape>", lambda _event: self._top.destroy())

    def ask(self) -> bool:
        """Shows it over the middle of the program's window until it is answered."""
        top, root = self._top, self._root
        top.update_idletasks()
        x = root.winfo_rootx() + (root.winfo_width() - top.winfo_reqwidth()) // 2
        y = root.winfo_rooty() + (root.winfo_height() - top.winfo_reqheight()) // 3
        top.geometry(f"+{max(0, x)}+{max(0, y)}")
        top.wait_visibility()
        top.grab_set()
        if not str(root.tk.call("focus")).startswith(str(top)):
            self._no.focus_force()  # some window managers leave the keyboard where it was
        top.wait_window()
        return self._answer

    def withdraw(self) -> None:
        """Takes the question back: the answer is no."""
        self._top.destroy()

    def _say_yes(self) -> None:
        self._answer = True
        self._top.destroy()
