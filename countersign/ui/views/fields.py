"""Fields: one line to type into, and boxes for a code or a key."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import Any

from countersign.base.i18n import _
from countersign.ui.drawing.shapes import HALO
from countersign.ui.presenters.screens import Field, Tone
from countersign.ui.views.parts import words
from countersign.ui.views.theme import Theme
from countersign.ui.views.tiles import Cells


class FieldBlock(ttk.Frame):
    """A label, one line to type into, and what to say of it."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Field, on_ready: Callable[[bool], None]) -> None:
        super().__init__(parent)
        self._block = block
        self._on_ready = on_ready
        self._label = words(self, block.label, "Strong")
        self._label.grid(row=0, column=0, sticky="w", padx=theme.px(HALO), pady=(0, theme.px(4)))
        self.variable = tk.StringVar(self, block.value)
        font = theme.big(20) if block.large else theme.fonts["body"]  # entries take no font from their style
        self.entry = ttk.Entry(self, textvariable=self.variable, font=font)
        self.entry.grid(row=1, column=0, sticky="ew")
        self._label.bind("<Button-1>", lambda _event: self.entry.focus_set())
        self._says = words(self, " ", "hint")
        self._says.grid(row=2, column=0, sticky="w", padx=theme.px(HALO), pady=(theme.px(4), 0))
        self.columnconfigure(0, weight=1)
        self.variable.trace_add("write", self._changed)
        self._tidy_after_keys()
        self._changed()

    def update_block(self, block: Field) -> None:
        self._block = block
        self._label.configure(text=block.label)
        if block.value != self.variable.get() and (block.large or not self.variable.get()):
            self.variable.set(block.value)
        else:
            self._changed()

    def get(self) -> str:
        """What is typed."""
        return self.variable.get()

    def put(self, text: str) -> None:
        """Shows this, as if it were typed."""
        self.variable.set(text)

    def take_focus(self) -> None:
        """The keyboard goes here; what could be typed over is selected."""
        self.entry.focus_set()
        self.entry.icursor("end")
        if not self._block.large:
            self.entry.select_range(0, "end")

    def has(self, path: str) -> bool:
        """Whether the widget of this path belongs to it."""
        return path == str(self.entry)

    def _tidy_after_keys(self) -> None:
        """Groups right behind the entry's own handling of a key: later, and quick typing would overtake the cursor."""
        tag = f"tidy{self.entry}"
        own, kind, *others = self.entry.bindtags()
        self.entry.bindtags((own, kind, tag, *others))
        for event in ("<Key>", "<<Paste>>", "<<PasteSelection>>", "<<Cut>>"):
            self.bind_class(tag, event, self._tidy)

    def _changed(self, *_args: Any) -> None:
        if self._block.changed is None:
            return
        feedback = self._block.changed(self.variable.get())
        text = feedback.text
        if not self.variable.get() and self._block.example:
            text = _("It looks like {example}").format(example=self._block.example)
        self._says.configure(text=text or " ", style=f"{feedback.tone.value}.TLabel")
        self._on_ready(feedback.ready)

    def _tidy(self, _event: Any) -> None:
        """Puts the hyphens in and leaves the cursor behind the same character."""
        before = self.variable.get()
        feedback = self._block.changed(before) if self._block.changed is not None else None
        if feedback is None or feedback.value is None or feedback.value == before:
            return
        cursor = self.entry.index("insert")
        meant = sum(c.isalnum() for c in before[:cursor])
        text, tone = feedback.text, feedback.tone
        self.variable.set(feedback.value)
        if tone is Tone.BAD:
            self._says.configure(text=text, style=f"{tone.value}.TLabel")
        position = 0
        while meant and position < len(feedback.value):
            meant -= feedback.value[position].isalnum()
            position += 1
        self.entry.icursor("end" if cursor == len(before) else position)


class CellsBlock(ttk.Frame):
    """A label, boxes to type into, and what to say of them."""

    def __init__(
        self, parent: tk.Misc, theme: Theme, block: Field, on_ready: Callable[[bool], None], go_on: Callable[[], None]
    ) -> None:  # fmt: skip
        super().__init__(parent)
        assert block.cells is not None
        self._block = block
        self._on_ready = on_ready
        self._go_on = go_on
        self._went_on = False
        count, each = block.cells
        self.cells = Cells(self, theme, count, each, self._changed, digits=block.digits)
        if each == 1:
            self.cells.pack()
        else:
            self.cells.pack(fill="x")
        self._says = words(self, " ", "hint", centre=True)
        self._says.pack(fill="x", pady=(theme.px(4), 0))
        self._show(block.value)

    def update_block(self, block: Field) -> None:
        self._block = block
        if block.value and block.value != self.get():
            self.cells.set(block.value)
        self._show(self.get())

    def get(self) -> str:
        """What is typed."""
        return self.cells.get()

    def put(self, text: str) -> None:
        """Shows this, as if it were typed."""
        self.cells.set(text)
        self._changed(self.get())

    def take_focus(self) -> None:
        """The keyboard goes to the first box that is wrong or not full."""
        self.cells.focus_first()

    def has(self, path: str) -> bool:
        """Whether the widget of this path belongs to it."""
        return path.startswith(f"{self.cells}.")

    def _changed(self, text: str) -> None:
        goes_on = self._show(text)
        if goes_on and not self._went_on:
            self.after_idle(self._go_on)
        self._went_on = goes_on

    def _show(self, text: str) -> bool:
        """What is said of it; whether nothing is left to type."""
        if self._block.changed is None:
            return False
        feedback = self._block.changed(text)
        self.cells.mark(dict(feedback.wrong))
        tone = feedback.tone if text else Tone.HINT
        self._says.configure(text=feedback.text or " ", style=f"{tone.value}.TLabel")
        self._on_ready(feedback.ready)
        return feedback.goes_on
