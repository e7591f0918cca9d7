"""The widgets of a screen's blocks. Each takes a new block of its own kind without moving anything."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import ttk
from typing import Any, Protocol

import tkinterdnd2

from countersign.base.i18n import _
from countersign.base.never import assert_never
from countersign.ui.drawing.shapes import HALO
from countersign.ui.presenters.screens import (
    Bar,
    Big,
    Block,
    Choice,
    Digits,
    Drop,
    Field,
    KeyGroups,
    Moving,
    Outcome,
    Rows,
    Sentence,
    Text,
    Tone,
    Waiting,
)
from countersign.ui.views import parts
from countersign.ui.views.fields import CellsBlock, FieldBlock
from countersign.ui.views.moving import DropZone, WaitDots
from countersign.ui.views.progress import BarBlock, MovingBlock
from countersign.ui.views.table import Table
from countersign.ui.views.theme import Theme
from countersign.ui.views.tiles import DigitTiles, KeyColumns

_COPIED_MS = 1500
_TONES = {Tone.GOOD: "Good", Tone.BAD: "Bad"}


class Copies(Protocol):
    """A block that the usual keys copy."""

    def copy(self) -> None: ...


class TextBlock(ttk.Frame):
    """A paragraph that wraps with the window; good and bad news stand in a banner."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Text, centred: bool) -> None:
        super().__init__(parent)
        self._theme = theme
        self._centred = centred
        self._tone: Tone | None = None
        self._shown: Any = None
        self.update_block(block)

    def update_block(self, block: Text) -> None:
        banner = _TONES.get(block.tone)
        if block.tone is not self._tone:
            if self._shown is not None:
                self._shown.destroy()
            if banner is not None:
                self._shown = parts.Banner(self, self._theme, block.text, banner)
            else:
                self._shown = parts.words(self, block.text, block.tone.value, wrap=True, centre=self._centred)
            self._tone = block.tone
        self._shown.pack_forget()
        if banner is not None:
            self._shown.say(block.text)
        else:
            self._shown.configure(text=block.text)
        if block.text:
            self._shown.pack(fill="x", padx=0 if banner is not None else self._theme.px(HALO))
        else:
            self.configure(height=1)


class BigBlock(parts.Card):
    """Something to read aloud or to compare, in a card, with a button that copies it."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Big) -> None:
        super().__init__(parent, theme, pad=(16, 12))
        self._theme = theme
        self._text = ""
        self._caption = parts.words(self, "", "Caption")
        self._caption.grid(row=0, column=0, sticky="w")
        self._copy = parts.button(self, theme, _("Copy"), self.copy, icon="copy")
        self._copy.grid(row=0, column=1, sticky="ne", rowspan=2)
        self._big = parts.words(self, "", "Strong")
        self._big.grid(row=1, column=0, sticky="w")
        self._below = parts.words(self, "", "hint")
        self.columnconfigure(0, weight=1)
        self.bind("<Configure>", self._wrap)
        self.update_block(block)
        if block.file is not None:
            _drag_out(self, block.file)

    def _wrap(self, event: tk.Event[Any]) -> None:
        self._below.configure(wraplength=max(event.width - self._theme.px(48), 50))
        self._big.configure(wraplength=max(event.width - self._copy.winfo_reqwidth() - self._theme.px(56), 50))

    def update_block(self, block: Big) -> None:
        self._text = block.copies or block.text
        self._caption.configure(text=block.caption)
        self._big.configure(text=block.text, font=self._theme.big(block.size))
        self._below.configure(text=block.below)
        if block.below:
            self._below.grid(row=2, column=0, columnspan=2, sticky="w")
        else:
            self._below.grid_remove()

    def copy(self) -> None:
        """Puts the text on the clipboard and says so."""
        _to_clipboard(self, self._text)
        self._copy.configure(text=" " + _("Copied"))
        self.after(_COPIED_MS, lambda: self._copy.winfo_exists() and self._copy.configure(text=" " + _("Copy")))


class DigitsBlock(parts.Card):
    """A code to read aloud, in the middle of a card."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Digits) -> None:
        super().__init__(parent, theme, pad=(24, 20))
        self._digits = block.digits
        self._state = parts.Status(self, theme, block.state)
        if block.state:
            self._state.pack(pady=(0, theme.px(8)))
        self._caption = parts.words(self, block.caption, "hint", wrap=True, centre=True)
        self._caption.pack(fill="x", pady=(0, theme.px(12)))
        self._tiles = DigitTiles(self, theme, block.digits)
        self._tiles.pack()

    def update_block(self, block: Digits) -> None:
        self._digits = block.digits
        self._state.say(block.state)
        self._caption.configure(text=block.caption)
        self._tiles.say(block.digits)

    def copy(self) -> None:
        """Puts the code on the clipboard."""
        _to_clipboard(self, self._digits)


class KeyBlock(ttk.Frame):
    """The key to read aloud, in columns."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: KeyGroups) -> None:
        super().__init__(parent)
        self._theme = theme
        self._block: KeyGroups | None = None
        self.update_block(block)

    def update_block(self, block: KeyGroups) -> None:
        if block == self._block:
            return
        self._block = block
        for child in self.winfo_children():
            child.destroy()
        KeyColumns(self, self._theme, block.groups).pack(fill="x")

    def copy(self) -> None:
        """Puts the key on the clipboard."""
        if self._block is not None:
            _to_clipboard(self, self._block.copies)


class ChoiceBlock(ttk.Frame):
    """A label and a list to choose from."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Choice) -> None:
        super().__init__(parent)
        self._block = block
        parts.words(self, block.label, "Strong").grid(
            row=0, column=0, sticky="w", padx=theme.px(HALO), pady=(0, theme.px(4))
        )
        self.box = ttk.Combobox(self, state="readonly", values=block.options, font=theme.fonts["body"])
        self.box.current(block.chosen)
        self.box.grid(row=1, column=0, sticky="ew")
        self.box.bind("<<ComboboxSelected>>", lambda _event: self._block.changed(self.box.current()))
        self.columnconfigure(0, weight=1)

    def update_block(self, block: Choice) -> None:
        self._block = block
        self.box.configure(values=block.options)
        self.box.current(block.chosen)


class SentenceBlock(ttk.Frame):
    """A sentence with what can be done about it as links at the right."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Sentence) -> None:
        super().__init__(parent, padding=(theme.px(HALO), 0))
        self._theme = theme
        self._text = parts.words(self, "", wrap=True)
        self._text.grid(row=0, column=0, sticky="ew")
        self._buttons: list[ttk.Button] = []
        self.columnconfigure(0, weight=1)
        self.update_block(block)

    def update_block(self, block: Sentence) -> None:
        self._text.configure(text=block.text, style=f"{block.tone.value}.TLabel")
        while len(self._buttons) > len(block.actions):
            self._buttons.pop().destroy()
        while len(self._buttons) < len(block.actions):
            button = parts.button(self, self._theme, "", lambda: None, link=True)
            button.grid(row=0, column=1 + len(self._buttons), padx=(self._theme.px(4), 0), sticky="e")
            self._buttons.append(button)
        for button, action in zip(self._buttons, block.actions, strict=True):
            button.configure(text=action.label, command=action.act)
            button.state(["!disabled" if action.enabled else "disabled"])


class WaitingBlock(WaitDots):
    """The dots of waiting."""

    def update_block(self, block: Waiting) -> None:
        self.say(block.text)


class OutcomeBlock(ttk.Frame):
    """The large mark, drawn anew where it is another one."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Outcome) -> None:
        super().__init__(parent)
        self._theme = theme
        self.update_block(block)

    def update_block(self, block: Outcome) -> None:
        for child in self.winfo_children():
            child.destroy()
        tone = {Tone.GOOD: "good", Tone.BAD: "bad"}.get(block.tone, "accent")
        parts.Outcome(self, self._theme, block.icon, tone, block.text).pack(fill="x")


class DropBlock(DropZone):
    """The drop zone; it grows with the window."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Drop) -> None:
        choices = [(action.label, action.act) for action in block.choices]
        super().__init__(parent, theme, block.text, block.below, choices)
        self.configure(height=theme.px(176))

    def update_block(self, block: Drop) -> None:
        self.say(block.text, block.below)


def _to_clipboard(widget: tk.Misc, text: str) -> None:
    widget.clipboard_clear()
    widget.clipboard_append(text)


def _drag_out(widget: tk.Misc, path: Path) -> None:
    """Lets a file be dragged from here into a mail or a folder, where this computer can do that."""
    register = getattr(widget, "drag_source_register", None)
    if register is None:
        return
    try:
        register(1, tkinterdnd2.DND_FILES)
    except tk.TclError:  # the extension could not be loaded
        return
    widget.dnd_bind("<<DragInitCmd>>", lambda _event: (tkinterdnd2.COPY, tkinterdnd2.DND_FILES, (str(path),)))  # type: ignore[attr-defined]


def make_block(  # noqa: C901 - one line for each kind
    parent: tk.Misc,
    theme: Theme,
    block: Block,
    on_ready: Callable[[bool], None],
    go_on: Callable[[], None],
    centred: bool = False,
) -> Any:
    """The widget of a block. on_ready: what a field calls; go_on: presses the main button; centred: words stand in the middle."""
    match block:
        case Text():
            return TextBlock(parent, theme, block, centred)
        case Big():
            return BigBlock(parent, theme, block)
        case Digits():
            return DigitsBlock(parent, theme, block)
        case KeyGroups():
            return KeyBlock(parent, theme, block)
        case Field():
            if block.cells is not None:
                return CellsBlock(parent, theme, block, on_ready, go_on)
            return FieldBlock(parent, theme, block, on_ready)
        case Choice():
            return ChoiceBlock(parent, theme, block)
        case Rows():
            return Table(parent, theme, block)
        case Sentence():
            return SentenceBlock(parent, theme, block)
        case Bar():
            return BarBlock(parent, theme, block)
        case Moving():
            return MovingBlock(parent, theme, block)
        case Waiting():
            return WaitingBlock(parent, theme, block.text)
        case Outcome():
            return OutcomeBlock(parent, theme, block)
        case Drop():
            return DropBlock(parent, theme, block)
        case _:
            assert_never(block)
