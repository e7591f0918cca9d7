"""What people read aloud and type: digits on tiles, the key in four columns, and cells to type either into."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk

from countersign.ui.drawing.shapes import box
from countersign.ui.views.parts import Card, even, ground_of, group, rule, words
from countersign.ui.views.theme import Theme


class DigitTiles(ttk.Frame):
    """Digits to read aloud, one on a tile."""

    def __init__(self, parent: tk.Misc, theme: Theme, digits: str, size: int = 76) -> None:
        """size: width of a tile on a 96 dpi screen."""
        super().__init__(parent, style=f"{ground_of(parent)}.TFrame" if ground_of(parent) else "TFrame")
        wide, high = theme.px(size), theme.px(size * 1.22)
        self._image = theme.picture(box, wide, high, theme.px(14), theme.palette.accent_soft)
        self._tiles = []
        for number, digit in enumerate(digits):
            tile = ttk.Label(
                self, image=self._image, text=digit, compound="center", font=theme.big(round(size * 0.72)),
                style=f"{ground_of(parent)}plain.TLabel", foreground=theme.palette.accent,
            )  # fmt: skip
            tile.pack(side="left", padx=(theme.px(8) if number else 0, 0))
            self._tiles.append(tile)

    def say(self, digits: str) -> None:
        """Other digits, as many."""
        for tile, digit in zip(self._tiles, digits, strict=True):
            tile.configure(text=digit)


class KeyColumns(ttk.Frame):
    """The key to read aloud: one card a group, the group large, the word for each sign below it."""

    def __init__(self, parent: tk.Misc, theme: Theme, groups: Sequence[tuple[str, Sequence[str]]]) -> None:
        super().__init__(parent)
        px = theme.px
        for number, (signs, spelled) in enumerate(groups):
            card = Card(self, theme, pad=(6, 14))
            even(self, theme, card, number)
            words(card, str(number + 1), "Caption").pack()
            ttk.Label(
                card, text=signs, style="Cardplain.TLabel", foreground=theme.palette.accent, font=theme.big(28)
            ).pack(pady=(px(4), px(10)))
            rule(card, theme).pack(fill="x", padx=px(12), pady=(0, px(10)))
            rows = group(card)
            rows.pack()
            rows.columnconfigure(0, minsize=px(26))
            for row, (sign, word) in enumerate(zip(signs, spelled, strict=True)):
                letter = words(rows, sign, "Strong")
                letter.configure(foreground=theme.palette.accent, font=theme.fonts["fixed"])
                letter.grid(row=row, column=0, pady=px(3), sticky="w")
                words(rows, word).grid(row=row, column=1, pady=px(3), sticky="w")


class Cells(ttk.Frame):
    """Real entries, one a cell. Typing and pasting run on, Backspace runs back; each cell can be marked as wrong by itself.

    What is typed is made into capitals; signs that are neither letters nor digits only part groups.
    """

    def __init__(
        self, parent: tk.Misc, theme: Theme, cells: int, each: int, on_change: Callable[[str], None], *, digits: bool = False
    ) -> None:  # fmt: skip
        """each: signs in a cell. on_change: told all that is typed, after every change. digits: nothing else is taken."""
        super().__init__(parent)
        self.entries: list[ttk.Entry] = []
        self._each = each
        self._digits = digits
        self._on_change = on_change
        self._notes: list[ttk.Label] = []
        narrow = each == 1
        for number in range(cells):
            cell = ttk.Frame(self)
            entry = ttk.Entry(
                cell, style="Cell.TEntry", font=theme.big(40 if narrow else 24), justify="center", width=max(each, 2)
            )
            entry.pack(fill="x", ipady=theme.px(6 if narrow else 2))
            note = words(cell, " ", "bad", centre=True)
            note.pack(fill="x")
            if narrow:
                cell.pack(side="left", padx=(theme.px(4) if number else 0, 0))
            else:
                even(self, theme, cell, number)
            entry.bind("<KeyRelease>", lambda event, n=number: self._typed(n, event.keysym))  # type: ignore[misc]
            entry.bind("<BackSpace>", lambda _event, n=number: self._back(n))  # type: ignore[misc]
            entry.bind("<<Paste>>", lambda _event, n=number: self._paste(n))  # type: ignore[misc]
            self.entries.append(entry)
            self._notes.append(note)

    def get(self) -> str:
        """All that is typed."""
        return "".join(entry.get() for entry in self.entries)

    def set(self, text: str) -> None:
        """Shows this, from the first cell on."""
        signs = self._kept(text)
        for number, entry in enumerate(self.entries):
            _replace(entry, signs[number * self._each : (number + 1) * self._each])

    def mark(self, wrong: dict[int, str]) -> None:
        """Marks these cells, each with its words; the others keep what they hold and are not marked."""
        for number, (entry, note) in enumerate(zip(self.entries, self._notes, strict=True)):
            entry.state(["invalid" if number in wrong else "!invalid"])
            note.configure(text=wrong.get(number) or " ")

    def focus_first(self) -> None:
        """The keyboard goes to the first cell that is wrong, else to the first that is not full."""
        for entry in self.entries:
            if entry.instate(["invalid"]) or len(entry.get()) < self._each:
                break
        entry.focus_set()
        entry.icursor("end")

    def _kept(self, text: str) -> str:
        return "".join(sign for sign in text.upper() if (sign.isdecimal() if self._digits else sign.isalnum()))

    def _typed(self, number: int, key: str) -> None:
        entry = self.entries[number]
        typed = entry.get()
        if key in ("Tab", "ISO_Left_Tab", "Left", "Right", "Home", "End", "Shift_L", "Shift_R", "BackSpace"):
            if key == "BackSpace":
                self._changed(number)
            return
        kept = self._kept(typed)
        if kept != typed or len(kept) >= self._each:
            self._spread(number, kept)
        self._changed(number)

    def _changed(self, number: int) -> None:
        self.entries[number].state(["!invalid"])
        self._notes[number].configure(text=" ")
        self._on_change(self.get())

    def _back(self, number: int) -> None:
        """In an empty cell: the last sign of the one before."""
        if not self.entries[number].get() and number:
            before = self.entries[number - 1]
            _replace(before, before.get()[:-1])
            before.focus_set()

    def _paste(self, number: int) -> str:
        try:
            text = self.clipboard_get()
        except tk.TclError:  # nothing is there, or no text
            return "break"
        signs = self._kept(text)
        self._spread(0 if len(signs) >= self._each * len(self.entries) else number, signs)
        self._changed(number)
        return "break"

    def _spread(self, number: int, signs: str) -> None:
        while True:
            entry, here, signs = self.entries[number], signs[: self._each], signs[self._each :]
            _replace(entry, here)
            if len(here) < self._each or number + 1 == len(self.entries):
                return
            number += 1
            self.entries[number].focus_set()
            if not signs:
                self.entries[number].select_range(0, "end")
                return


def _replace(entry: ttk.Entry, text: str) -> None:
    if entry.get() != text:
        entry.delete(0, "end")
        entry.insert(0, text)
