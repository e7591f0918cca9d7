"""A list that stays smooth with a million rows: only those in view exist, and are asked for when they come into view."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import Any

from countersign.ui.presenters.screens import Rows
from countersign.ui.views.parts import Card
from countersign.ui.views.theme import Theme

_FEWEST = 4


class Table(Card):
    """Rows with a scroll bar, by mouse and by keyboard."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Rows) -> None:
        super().__init__(parent, theme, pad=(6, 6))
        self._theme = theme
        self._block = block
        self._first = 0
        self._selected = 0 if block.chosen is None else -1  # where choosing means something, nothing is chosen yet
        self._fit = _FEWEST
        self.tree = ttk.Treeview(
            self, columns=[str(i) for i in range(1, len(block.columns))], show="tree headings", selectmode="browse",
            height=_FEWEST,
        )  # fmt: skip
        for number, title in enumerate(block.columns):
            name = _column(number)
            self.tree.heading(name, text=title, anchor="w")
            width = theme.px(block.widths[number])
            self.tree.column(name, anchor="w", stretch=number == block.stretches, width=width, minwidth=theme.px(80))
        self.tree.grid(row=0, column=0, sticky="nsew")
        self._scroll = ttk.Scrollbar(self, command=self._scrolled, style="Card.Vertical.TScrollbar")
        self._scroll.grid(row=0, column=1, sticky="ns")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self._bind()
        self._fill()

    def update_block(self, block: Rows) -> None:
        other = block.version != self._block.version
        self._block = block
        if other:
            self._first = 0
            self._selected = 0 if block.chosen is None else -1
        self._selected = min(self._selected, block.count - 1)
        self._first = max(0, min(self._first, block.count - self._fit))
        self._fill()

    def _bind(self) -> None:
        moves = {"<Up>": -1, "<Down>": 1, "<Home>": -(1 << 40), "<End>": 1 << 40}
        for key, distance in moves.items():
            self.tree.bind(key, lambda _event, d=distance: self.move(d))  # type: ignore[misc]
        self.tree.bind("<Prior>", lambda _event: self.move(-self._fit))
        self.tree.bind("<Next>", lambda _event: self.move(self._fit))
        self.tree.bind("<MouseWheel>", lambda event: self._roll(-3 if event.delta > 0 else 3))
        self.tree.bind("<Button-4>", lambda _event: self._roll(-3))
        self.tree.bind("<Button-5>", lambda _event: self._roll(3))
        self.tree.bind("<Configure>", self._resized)
        self.tree.bind("<ButtonRelease-1>", self._clicked)
        self.tree.bind("<space>", lambda _event: self._choose())
        if self._block.opened is not None:
            self.tree.bind("<Double-Button-1>", self._open)
            # in a tree Left and Right do it, and Return means the main button as everywhere
            for key in ("<Return>", "<KP_Enter>") if self._block.folded is None else ():
                self.tree.bind(key, self._open)
        if self._block.folded is not None:
            self.tree.bind("<Left>", lambda _event: self._fold(False))
            self.tree.bind("<Right>", lambda _event: self._fold(True))

    def _resized(self, event: tk.Event[Any]) -> None:
        rows = self.tree.get_children()
        box = self.tree.bbox(rows[0]) if rows else ""
        top, height = (box[1], box[3]) if box else (self._theme.px(34), self._theme.px(28))
        self._fit = max(1, (event.height - top - 2) // height)
        self._roll(0)

    def _scrolled(self, action: str, amount: str, unit: str = "") -> None:
        if action == "moveto":
            self._show(int(float(amount) * self._block.count))
        else:
            self._roll(int(amount) * (self._fit if unit == "pages" else 1))

    def _roll(self, distance: int) -> str:
        self._show(self._first + distance)
        return "break"

    def move(self, distance: int) -> str:
        """Chooses the row so far below the chosen one, and shows it."""
        self._selected = max(0, min(self._block.count - 1, self._selected + distance))
        if self._selected < self._first:
            self._first = self._selected
        elif self._selected >= self._first + self._fit:
            self._first = self._selected - self._fit + 1
        self._fill()
        if self._block.chosen is not None and self._block.count:
            self._block.chosen(self._selected)
        return "break"

    def _show(self, first: int) -> None:
        self._first = max(0, min(first, self._block.count - self._fit))
        self._fill()

    def _clicked(self, event: tk.Event[Any]) -> None:
        row = self.tree.identify_row(event.y)
        if row:
            self._selected = self._first + self.tree.index(row)
            self._choose()

    def _choose(self) -> str:
        if self._block.chosen is not None and self._block.count:
            self._block.chosen(self._selected)
        return "break"

    def _open(self, event: tk.Event[Any]) -> str:
        if event.type == tk.EventType.ButtonPress:
            row = self.tree.identify_row(event.y)
            if not row:
                return "break"
            self._selected = self._first + self.tree.index(row)
        if not 0 <= self._selected < self._block.count:
            return ""  # nothing is chosen: then Return means what it always means
        if self._block.opened is not None:
            self._block.opened(self._selected)
        return "break"

    def _fold(self, wanted: bool) -> str:
        if self._block.folded is not None and 0 <= self._selected < self._block.count:
            self._block.folded(self._selected, wanted)
        return "break"

    def _shortened(self, text: str) -> str:
        """The text without its middle where the column is narrower: beginning and ending tell more."""
        room = max(
            8, self.tree.column(_column(self._block.stretches), "width") // self._theme.fonts["body"].measure("n")
        )
        if len(text) <= room:
            return text
        indent = len(text) - len(text.lstrip())
        tail = max(4, (room - indent) * 2 // 3)
        return f"{text[: max(indent, room - tail - 1)]}…{text[-tail:]}"

    def _fill(self) -> None:
        count = self._block.count
        wanted = range(self._first, min(count, self._first + self._fit))
        rows = self.tree.get_children()
        for extra in rows[len(wanted) :]:
            self.tree.delete(extra)
        for number, index in enumerate(wanted):
            first, *values = (
                self._shortened(text) if column == self._block.stretches else text
                for column, text in enumerate(self._block.row(index))
            )
            shown: dict[str, Any] = {"text": first, "values": values}
            if number < len(rows):
                self.tree.item(rows[number], **shown)
            else:
                self.tree.insert("", "end", **shown)
        rows = self.tree.get_children()
        if self._first <= self._selected < self._first + len(rows):
            self.tree.selection_set(rows[self._selected - self._first])
        else:
            self.tree.selection_set([])
        if count:
            self._scroll.set(self._first / count, min(1.0, (self._first + self._fit) / count))
        else:
            self._scroll.set(0.0, 1.0)


def _column(number: int) -> str:
    """How Tk calls a column: the first one is the tree's own."""
    return str(number) if number else "#0"
