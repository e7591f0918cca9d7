"""The small components that all screens are made of. docs/DESIGN.md says when to use which."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import Any

from countersign.ui.drawing.icons import mark
from countersign.ui.drawing.shapes import HALO, disc
from countersign.ui.views.theme import Theme

PAGE, CARD = "", "Card"  # grounds: the first part of a style's name


def ground_of(widget: tk.Misc) -> str:
    """What a widget lies on: the next frame above that says so."""
    node: Any = widget
    while node is not None:
        ground = getattr(node, "ground", None)
        if ground is not None:
            return str(ground)
        node = node.master
    return PAGE


def group(parent: tk.Misc) -> ttk.Frame:
    """A frame in the colour of its ground, only to hold things together."""
    return ttk.Frame(parent, style=f"{ground_of(parent)}.TFrame" if ground_of(parent) else "TFrame")


def words(parent: tk.Misc, text: str, kind: str = "plain", *, wrap: bool = False, centre: bool = False) -> ttk.Label:
    """A label. kind: plain, hint, good, bad, Strong, Caption or Head. wrap: breaks its lines at the width that it is given."""
    label = ttk.Label(
        parent, text=text, style=f"{ground_of(parent)}{kind}.TLabel", justify="center" if centre else "left",
        anchor="center" if centre else "w",
    )  # fmt: skip
    if wrap:
        label.bind("<Configure>", lambda event: label.configure(wraplength=max(event.width, 40)))
    return label


def picture(parent: tk.Misc, image: Any) -> ttk.Label:
    """A label that shows only a picture, and keeps it."""
    label = ttk.Label(parent, image=image, style=f"{ground_of(parent)}plain.TLabel")
    label.kept = image  # type: ignore[attr-defined]  # Tk forgets pictures that Python does not keep
    return label


def button(
    parent: tk.Misc, theme: Theme, label: str, act: Callable[[], Any], *, link: bool = False, icon: str = ""
) -> ttk.Button:  # fmt: skip
    """A plain button, or a link."""
    ground = ground_of(parent)
    kind = "Link" if link else "Plain" if ground else ""
    style = f"{ground}{kind}.TButton" if kind or ground else "TButton"
    made = ttk.Button(parent, text=label, style=style, command=act)
    if icon:
        image = theme.icon(icon, 18, "accent" if link else "text")
        made.configure(text=f" {label}", image=image, compound="left")
        made.kept = image  # type: ignore[attr-defined]
    return made


class Card(ttk.Frame):
    """A rounded box for one thing."""

    ground = CARD

    def __init__(self, parent: tk.Misc, theme: Theme, tone: str = "Card", pad: tuple[int, int] = (16, 16)) -> None:
        """tone: Card, Accent, Good, Bad or Warn. pad: across and down, of a 96 dpi screen."""
        across, down = (theme.px(side + HALO) for side in pad)
        super().__init__(parent, style=f"{tone}Box.TFrame", padding=(across, down))


def even(parent: tk.Misc, theme: Theme, child: tk.Widget, number: int, gap: int = 4) -> None:
    """Puts `child` as the number-th of columns of the same width. `uniform` counts padding, so gaps are columns too."""
    if number:
        parent.columnconfigure(2 * number - 1, minsize=theme.px(gap))
    parent.columnconfigure(2 * number, weight=1, uniform="even")
    child.grid(row=0, column=2 * number, sticky="nsew")


class Status(ttk.Frame):
    """A coloured dot, and words beside it: never the colour alone. tone: good, bad, warn, accent or edge."""

    def __init__(self, parent: tk.Misc, theme: Theme, text: str, tone: str = "good") -> None:
        super().__init__(parent, style=f"{ground_of(parent)}.TFrame" if ground_of(parent) else "TFrame")
        self._dot = picture(self, theme.picture(disc, theme.px(8), getattr(theme.palette, tone)))
        self._dot.pack(side="left", padx=(0, theme.px(8)))
        self._words = words(self, text, {"good": "good", "bad": "bad"}.get(tone, "hint"))
        self._words.pack(side="left")

    def say(self, text: str) -> None:
        """Other words."""
        self._words.configure(text=text)


class Banner(Card):
    """One calm line of news in a soft colour, with its icon. tone: Accent, Good, Bad or Warn."""

    def __init__(self, parent: tk.Misc, theme: Theme, text: str, tone: str = "Accent") -> None:
        super().__init__(parent, theme, tone, (12, 10))
        icon, colour = {
            "Good": ("check", "good"), "Bad": ("warn", "bad"), "Warn": ("warn", "warn"), "Accent": ("info", "accent"),
        }[tone]  # fmt: skip
        ground = getattr(theme.palette, f"{colour}_soft")
        self._icon = ttk.Label(self, image=theme.icon(icon, 18, colour), background=ground)
        self._icon.pack(side="left", anchor="n", padx=(0, theme.px(10)))
        self._words = ttk.Label(self, text=text, background=ground, foreground=theme.palette.text, justify="left")
        self._words.bind("<Configure>", lambda event: self._words.configure(wraplength=max(event.width, 40)))
        self._words.pack(side="left", fill="x", expand=True)

    def say(self, text: str) -> None:
        """Other words."""
        self._words.configure(text=text)


class Outcome(ttk.Frame):
    """The large round mark with one sentence: how a transfer ended, or that there is nothing yet. tone: good, bad or accent."""

    def __init__(self, parent: tk.Misc, theme: Theme, icon: str, tone: str, text: str, detail: str = "") -> None:
        super().__init__(parent)
        c, px = theme.palette, theme.px
        image = theme.picture(mark, px(80), getattr(c, f"{tone}_soft"), icon, getattr(c, tone))
        picture(self, image).pack(pady=(px(8), px(16)))
        self._words = ttk.Label(self, text=text, style="Heading.TLabel", justify="center", anchor="center")
        self._words.bind("<Configure>", lambda event: self._words.configure(wraplength=max(event.width, 40)))
        self._words.pack(fill="x")
        self._detail = words(self, detail, "hint", wrap=True, centre=True)
        self._detail.pack(fill="x", pady=(px(8), 0))

    def say(self, text: str, detail: str) -> None:
        """Other words."""
        self._words.configure(text=text)
        self._detail.configure(text=detail)


def rule(parent: tk.Misc, theme: Theme) -> tk.Frame:
    """A hairline across."""
    return tk.Frame(parent, background=theme.palette.line, height=max(1, theme.px(1)), borderwidth=0)
