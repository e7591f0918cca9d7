"""The places of the program at the left of the window. Radio buttons, so arrow keys and focus are Tk's own."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from countersign.ui.presenters.screens import Place
from countersign.ui.views.theme import Theme

_WIDTH = 92  # of a 96 dpi screen
_KEPT = 6


class Rail(tk.Frame):
    """Stands beside a screen that is one of the places, and nowhere else: during a transfer nothing leads away."""

    def __init__(self, parent: tk.Misc, theme: Theme) -> None:
        super().__init__(parent, background=theme.palette.rail, width=theme.px(_WIDTH), borderwidth=0)
        self.pack_propagate(False)
        self._theme = theme
        self._places: tuple[Place, ...] = ()
        self._shown: tuple[tuple[str, str, bool], ...] = ()
        self._buttons: list[ttk.Radiobutton] = []
        self._here = tk.StringVar(self, "")
        self._pictures: list[object] = []
        self._edge = tk.Frame(self, width=max(1, theme.px(1)), borderwidth=0)
        self._edge.pack(side="right", fill="y")
        self.paint()

    def offer(self, places: tuple[Place, ...]) -> None:
        """There are these places."""
        self._places = places
        if self._here.get():
            self._show(self._here.get())

    def stand(self, here: str, beside: tk.Widget) -> None:
        """Stands left of `beside` where `here` is the name of a place."""
        if any(place.name == here for place in self._places):
            self._show(here)
            if not self.winfo_ismapped():
                self.pack(side="left", fill="y", before=beside)
        else:
            self._here.set("")
            self.pack_forget()

    def _show(self, here: str) -> None:
        places = self._places
        looks = tuple((place.name, place.label, place.enabled) for place in places)
        if looks != self._shown:
            self._shown = looks
            self._make(places)
        for button, place in zip(self._buttons, places, strict=True):
            button.configure(command=place.act, takefocus=place.name == here)
        self._here.set(here)

    def paint(self) -> None:
        """The colours of now; `show` draws the rest."""
        self.configure(background=self._theme.palette.rail)
        self._edge.configure(background=self._theme.palette.line)
        self._shown = ()

    def _make(self, places: tuple[Place, ...]) -> None:
        theme, px = self._theme, self._theme.px
        for old in self._buttons:
            old.destroy()
        self._buttons, self._pictures = [], []
        for number, place in enumerate(places):
            pictures = [theme.icon(place.icon, 22, colour) for colour in ("muted", "accent", "text", "edge")]
            self._pictures += pictures
            plain, chosen, under, off = pictures
            button = ttk.Radiobutton(
                self, text=place.label, value=place.name, variable=self._here, style="Rail.Toolbutton", compound="top",
                image=(plain, "disabled", off, "selected", chosen, "active", under),  # type: ignore[arg-type]
            )  # fmt: skip
            button.state(["!disabled" if place.enabled else "disabled"])
            above = px(10) if number == 0 else 0
            button.pack(side="top", fill="x", padx=px(_KEPT), pady=(above, 0))
            self._buttons.append(button)
