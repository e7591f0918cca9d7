"""The middle of a window: it scrolls when it must, and follows the keyboard. What is above and below it stays."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import Any

from countersign.ui.views.theme import Theme

_STEP = 16  # pixels of one turn of a wheel, of a 96 dpi screen
_TURNS = 3


class Scroll(ttk.Frame):
    """What is packed into `inside` fills the width. Where it is higher than the room, a thin bar appears."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(parent)
        self.canvas = tk.Canvas(
            self, background=theme.palette.page, highlightthickness=0, borderwidth=0, yscrollincrement=theme.px(_STEP),
            takefocus=False,
        )  # fmt: skip
        self._bar = ttk.Scrollbar(self, command=self.canvas.yview)
        self.canvas.configure(yscrollcommand=self._seen)
        self.canvas.pack(side="left", fill="both", expand=True)
        self.inside = ttk.Frame(self.canvas)
        self._item = self.canvas.create_window(0, 0, anchor="nw", window=self.inside)
        self._fills = False
        self.canvas.bind("<Configure>", lambda _event: self._fit())
        self.inside.bind("<Configure>", lambda _event: self._fit())
        top = self.winfo_toplevel()
        top.bind("<Button-4>", lambda _event: self._roll(-_TURNS), add="+")
        top.bind("<Button-5>", lambda _event: self._roll(_TURNS), add="+")
        top.bind("<MouseWheel>", lambda event: self._roll(-_TURNS if event.delta > 0 else _TURNS), add="+")
        top.bind("<FocusIn>", self._follow, add="+")

    def fill(self, fills: bool) -> None:
        """Whether what is inside takes all the room that there is (a list, a drop zone), or only what it needs, and is centred."""
        self._fills = fills
        self._fit()

    def refit(self) -> None:
        """Something inside is of another size now."""
        self.after_idle(self._fit_if_there)

    def to_top(self) -> None:
        """Shows the beginning."""
        self.canvas.yview_moveto(0)

    def paint(self, theme: Theme) -> None:
        """The colours of now."""
        self.canvas.configure(background=theme.palette.page)

    @property
    def scrolls(self) -> bool:
        """Whether there is more than is seen."""
        return self._bar.winfo_ismapped() == 1

    def _fit_if_there(self) -> None:
        if self.winfo_exists():
            self._fit()

    def _fit(self) -> None:
        wide, high, needed = self.canvas.winfo_width(), self.canvas.winfo_height(), self.inside.winfo_reqheight()
        top = 0 if self._fills else max(0, (high - needed) * 2 // 5)
        self.canvas.coords(self._item, 0, top)
        self.canvas.itemconfigure(
            self._item, width=wide, height=max(high, needed) if self._fills else 0
        )  # 0: as it needs
        self.canvas.configure(scrollregion=(0, 0, wide, max(high, needed)))

    def _seen(self, first: Any, last: Any) -> None:
        self._bar.set(first, last)
        if float(first) <= 0 and float(last) >= 1:
            self._bar.place_forget()
        else:
            self._bar.place(relx=1, x=-2, y=0, relheight=1, anchor="ne")

    def _roll(self, turns: int) -> None:
        if self.winfo_exists() and self.scrolls:
            self.canvas.yview_scroll(turns, "units")

    def _follow(self, event: tk.Event[Any]) -> None:
        """Brings what got the keyboard into sight."""
        if not self.winfo_exists() or not str(event.widget).startswith(f"{self.inside}."):
            return
        widget = event.widget
        top, high = widget.winfo_rooty() - self.canvas.winfo_rooty(), self.canvas.winfo_height()
        below = top + widget.winfo_height() - high
        if top < 0 or below > 0:
            past = top if top < 0 else below
            self.canvas.yview_moveto((self.canvas.canvasy(0) + past) / max(1, self.inside.winfo_height()))
