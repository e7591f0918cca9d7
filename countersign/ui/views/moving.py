"""What moves: the rate as a curve, the dots of waiting, and the area where things are dropped. Drawn anew only when they change."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk
from typing import Any

from PIL import Image, ImageTk

from countersign.ui.drawing.colours import mix
from countersign.ui.drawing.dashes import dashed
from countersign.ui.drawing.icons import mark
from countersign.ui.drawing.shapes import HALO, curve, dots
from countersign.ui.views.parts import CARD, button, ground_of, group, picture, words
from countersign.ui.views.theme import Theme

_PAUSE_MS = 40  # while a window is dragged larger, a picture is drawn when that pauses
_TURN_MS = 400
_SMALLEST = 20  # pixels; narrower is not laid out yet


def ground_colour(widget: tk.Misc, theme: Theme) -> str:
    """The colour that a widget lies on."""
    return theme.palette.card if ground_of(widget) == CARD else theme.palette.page


class Drawn(ttk.Frame):
    """A frame whose background is a picture of its size."""

    def __init__(self, parent: tk.Misc, theme: Theme, **options: Any) -> None:
        super().__init__(parent, style=f"{ground_of(parent)}.TFrame" if ground_of(parent) else "TFrame", **options)
        self.theme = theme
        self.colour = ground_colour(parent, theme)
        self._image: ImageTk.PhotoImage | None = None
        self._soon = ""
        self._back = tk.Label(self, background=self.colour, borderwidth=0)
        self._back.place(x=0, y=0, relwidth=1, relheight=1)
        self.bind("<Configure>", lambda _event: self._later())

    def draw(self, width: int, height: int) -> Image.Image:
        """The picture of this size in pixels."""
        raise NotImplementedError

    def _later(self) -> None:
        if self._image is None:
            self.redraw()
            return
        if self._soon:
            self.after_cancel(self._soon)
        self._soon = self.after(_PAUSE_MS, self.redraw)

    def redraw(self) -> None:
        """Draws it for its size and state of now."""
        self._soon = ""
        if self.winfo_width() > _SMALLEST and self.winfo_height() > _SMALLEST:
            drawn = self.draw(self.winfo_width(), self.winfo_height())
            self._image = ImageTk.PhotoImage(drawn, master=self)
            self._back.configure(image=self._image)


class Curve(Drawn):
    """The rate of the last minute. It is beside the numbers, which say the same."""

    def __init__(self, parent: tk.Misc, theme: Theme, height: int = 56) -> None:
        super().__init__(parent, theme, height=theme.px(height))
        self._values: tuple[float, ...] = (0.0, 0.0)

    def show(self, values: Sequence[float]) -> None:
        """Draws these, the newest last."""
        shown = tuple(values)[-60:] if len(values) > 1 else (0.0, 0.0)
        if shown != self._values:
            self._values = shown
            self.redraw()

    def draw(self, width: int, height: int) -> Image.Image:
        c = self.theme.palette
        return curve(width, height, self._values, c.accent, mix(self.colour, c.accent, 0.3), self.colour)


class WaitDots(ttk.Frame):
    """Words, and three slowly moving dots: somebody else is at work."""

    def __init__(self, parent: tk.Misc, theme: Theme, text: str) -> None:
        super().__init__(parent, style=f"{ground_of(parent)}.TFrame" if ground_of(parent) else "TFrame")
        self._theme = theme
        self._colour = ground_colour(parent, theme)
        self._frame = 0
        middle = group(self)
        middle.pack()
        self._dots = picture(middle, self._image())
        self._dots.pack(side="left", padx=(0, theme.px(12)))
        self._words = words(middle, text, "hint")
        self._words.pack(side="left")
        self._again = self.after(_TURN_MS, self._next)
        self.bind("<Destroy>", lambda _event: self.after_cancel(self._again))

    def say(self, text: str) -> None:
        """Other words."""
        self._words.configure(text=text)

    def _image(self) -> ImageTk.PhotoImage:
        c, px = self._theme.palette, self._theme.px
        return self._theme.picture(dots, px(8), px(5), self._frame, c.accent, mix(self._colour, c.accent, 0.25))

    def _next(self) -> None:
        self._frame = (self._frame + 1) % 3
        image = self._image()
        self._dots.configure(image=image)
        self._dots.kept = image  # type: ignore[attr-defined]
        self._again = self.after(_TURN_MS, self._next)


class DropZone(Drawn):
    """Where things are dropped, with the buttons that choose instead."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, text: str, below: str, choices: Sequence[tuple[str, Callable[[], Any]]]
    ) -> None:  # fmt: skip
        """choices: labels of buttons and what they do, the likely one first."""
        self.ground = "Card"
        super().__init__(parent, theme)
        self.ground = "Card"
        self._over = False
        px, c = theme.px, theme.palette
        middle = group(self)
        middle.place(relx=0.5, rely=0.5, anchor="center")
        picture(middle, theme.picture(mark, px(52), c.accent_soft, "upload", c.accent, 0.46)).pack(pady=(0, px(10)))
        self._words = words(middle, text, "Head", centre=True)
        self._words.pack()
        self._below = words(middle, below, "hint", centre=True)
        self._below.pack(pady=(px(4), px(12)))
        row = group(middle)
        row.pack()
        for number, (label, act) in enumerate(choices):
            button(row, theme, label, act).pack(side="left", padx=(px(4) if number else 0, 0))

    def highlight(self, over: bool) -> None:
        """Something is dragged over it, or not any more."""
        if over != self._over:
            self._over = over
            self.redraw()

    def say(self, text: str, below: str) -> None:
        """Other words."""
        self._words.configure(text=text)
        self._below.configure(text=below)

    def draw(self, width: int, height: int) -> Image.Image:
        c, px = self.theme.palette, self.theme.px
        fill = c.accent_soft if self._over else c.card
        line = c.accent if self._over else c.edge
        thick = (2.4 if self._over else 1.6) * self.theme.scale
        return dashed(width, height, px(16), fill, line, c.page, thick, px(6), px(HALO))
