"""How far it is: a bar of eight pixels, what it means in words, and the rate as a curve."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from countersign.base.figures import percent_text
from countersign.ui.drawing.folder import folder
from countersign.ui.presenters.screens import Bar, Moving
from countersign.ui.views.moving import Curve
from countersign.ui.views.parts import Card, group, picture, rule, words
from countersign.ui.views.theme import Theme

_STEPS = 1000
_TURN_MS = 15


class BarBlock(ttk.Frame):
    """A bar that moves while nobody knows how long it takes, and a line of text."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Bar) -> None:
        super().__init__(parent)
        self._bar = ttk.Progressbar(self, maximum=_STEPS)
        self._bar.pack(fill="x", pady=theme.px(8))
        self._text = words(self, "", wrap=True, centre=True)
        self._text.pack(fill="x")
        self._unknown = False
        self.update_block(block)

    def update_block(self, block: Bar) -> None:
        unknown = block.fraction is None
        if unknown != self._unknown:
            self._unknown = unknown
            self._bar.configure(mode="indeterminate" if unknown else "determinate")
            if unknown:
                self._bar.start(_TURN_MS)
            else:
                self._bar.stop()
        if block.fraction is not None:
            self._bar.configure(value=round(block.fraction * _STEPS))
        self._text.configure(text=block.text)


class MovingBlock(Card):
    """A transfer under way, in one card."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Moving) -> None:
        super().__init__(parent, theme, pad=(24, 20))
        px = theme.px
        top = group(self)
        top.pack(fill="x")
        picture(top, theme.picture(folder, px(44))).pack(side="left", padx=(0, px(16)))
        self._share = words(top, "")
        self._share.configure(font=theme.fonts["share"], foreground=theme.palette.accent)
        self._share.pack(side="right", padx=(px(16), 0))
        self._title = words(top, "", "Head", wrap=True)
        self._title.pack(fill="x", pady=(px(2), px(4)))
        self._note = words(top, "", "hint", wrap=True)
        self._note.pack(fill="x")
        self._bar = ttk.Progressbar(self, style="Card.Horizontal.TProgressbar", maximum=_STEPS)
        self._bar.pack(fill="x", pady=(px(20), px(12)))
        below = group(self)
        below.pack(fill="x")
        self._amounts = words(below, "", "hint")
        self._amounts.pack(side="left")
        self._left = words(below, "", "Strong")
        self._left.pack(side="right")
        rule(self, theme).pack(fill="x", pady=px(16))
        rate = group(self)
        rate.pack(fill="x")
        self._rate = words(rate, "", "Head")
        self._rate.configure(width=16)
        self._rate.pack(side="left", padx=(0, px(16)))
        self._curve = Curve(rate, theme)
        self._curve.pack(side="left", fill="x", expand=True)
        self.update_block(block)

    def update_block(self, block: Moving) -> None:
        self._share.configure(text=percent_text(block.fraction))
        self._title.configure(text=block.title)
        self._note.configure(text=block.note or " ")
        self._bar.configure(value=round(block.fraction * _STEPS))
        self._amounts.configure(text=block.amounts)
        self._left.configure(text=block.left)
        self._rate.configure(text=block.rate)
        self._curve.show(block.rates)
