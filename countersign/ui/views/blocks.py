"""The widgets of a screen's blocks. Each can take a new block of its own kind without moving anything."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import ttk
from typing import Any

import tkinterdnd2

from countersign.base.figures import percent_text
from countersign.base.i18n import _
from countersign.base.never import assert_never
from countersign.ui.presenters.screens import Bar, Big, Block, Choice, Field, Rows, Sentence, Text, Tone
from countersign.ui.views.table import Table
from countersign.ui.views.theme import Theme


class TextBlock(ttk.Label):
    """A paragraph that wraps with the window."""

    def __init__(self, parent: tk.Misc, block: Text) -> None:
        super().__init__(parent, justify="left", anchor="w")
        self.update_block(block)
        self.bind("<Configure>", lambda event: self.configure(wraplength=max(event.width, 50)))

    def update_block(self, block: Text) -> None:
        self.configure(text=block.text, style=f"{block.tone.value}.TLabel")


class BigBlock(ttk.Frame):
    """Something to read aloud, on a raised ground, with a button that copies it."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Big) -> None:
        super().__init__(parent, style="Raised.TFrame", padding=(theme.px(16), theme.px(10)))
        self._theme = theme
        self._text = ""
        self._caption = ttk.Label(self, style="RaisedHint.TLabel")
        self._caption.grid(row=0, column=0, sticky="w")
        self._copy = ttk.Button(self, text=_("Copy"), command=self.copy)
        self._copy.grid(row=0, column=1, sticky="ne", rowspan=2)
        self._big = ttk.Label(self, style="Raised.TLabel", justify="left")
        self._big.grid(row=1, column=0, sticky="w")
        self._below = ttk.Label(self, style="RaisedHint.TLabel", justify="left")
        self.columnconfigure(0, weight=1)
        self.bind("<Configure>", self._wrap)
        self.update_block(block)
        if block.file is not None:
            _drag_out(self, block.file)

    def _wrap(self, event: tk.Event[Any]) -> None:
        self._below.configure(wraplength=max(event.width - self._theme.px(40), 50))
        self._big.configure(wraplength=max(event.width - self._copy.winfo_reqwidth() - self._theme.px(48), 50))

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
        self.clipboard_clear()
        self.clipboard_append(self._text)
        self._copy.configure(text=_("Copied"))
        self.after(1500, lambda: self._copy.winfo_exists() and self._copy.configure(text=_("Copy")))


class FieldBlock(ttk.Frame):
    """A label, one line to type into, and what to say of it."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Field, on_ready: Callable[[bool], None]) -> None:
        super().__init__(parent)
        self._block = block
        self._on_ready = on_ready
        self._label = ttk.Label(self, text=block.label, style="plain.TLabel")
        self._label.grid(row=0, column=0, sticky="w", pady=(0, theme.px(4)))
        self.variable = tk.StringVar(self, block.value)
        font = theme.big(20) if block.large else theme.fonts["body"]  # entries take no font from their style
        self.entry = ttk.Entry(self, textvariable=self.variable, font=font)
        self.entry.grid(row=1, column=0, sticky="ew")
        self._label.bind("<Button-1>", lambda _event: self.entry.focus_set())
        self._says = ttk.Label(self, style="hint.TLabel", text=" ")
        self._says.grid(row=2, column=0, sticky="w", pady=(theme.px(4), 0))
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


class ChoiceBlock(ttk.Frame):
    """A label and a list to choose from."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Choice) -> None:
        super().__init__(parent)
        self._block = block
        ttk.Label(self, text=block.label, style="plain.TLabel").grid(row=0, column=0, sticky="w", pady=(0, theme.px(4)))
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
    """A sentence with its buttons at the right."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Sentence) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text = ttk.Label(self, justify="left", anchor="w")
        self._text.grid(row=0, column=0, sticky="ew")
        self._buttons: list[ttk.Button] = []
        self.columnconfigure(0, weight=1)
        self._text.bind("<Configure>", lambda event: self._text.configure(wraplength=max(event.width, 50)))
        self.update_block(block)

    def update_block(self, block: Sentence) -> None:
        self._text.configure(text=block.text, style=f"{block.tone.value}.TLabel")
        while len(self._buttons) > len(block.actions):
            self._buttons.pop().destroy()
        while len(self._buttons) < len(block.actions):
            button = ttk.Button(self)
            button.grid(row=0, column=1 + len(self._buttons), padx=(self._theme.px(8), 0), sticky="ne")
            self._buttons.append(button)
        for button, action in zip(self._buttons, block.actions, strict=True):
            button.configure(text=action.label, command=action.act)
            button.state(["!disabled" if action.enabled else "disabled"])


class BarBlock(ttk.Frame):
    """A progress bar, a line of text, and the share in large figures."""

    def __init__(self, parent: tk.Misc, theme: Theme, block: Bar) -> None:
        super().__init__(parent)
        self._theme = theme
        self._share = ttk.Label(self, style="plain.TLabel", font=theme.big(26))
        self._bar = ttk.Progressbar(self, maximum=1000)
        self._bar.grid(row=0, column=0, sticky="ew", pady=theme.px(8))
        self._text = ttk.Label(self, style="plain.TLabel", justify="left")
        self._text.grid(row=1, column=0, sticky="w")
        self.columnconfigure(0, weight=1)
        self.bind("<Configure>", lambda event: self._text.configure(wraplength=max(event.width, 50)))
        self._moving = False
        self.update_block(block)

    def update_block(self, block: Bar) -> None:
        unknown = block.fraction is None
        if unknown != self._moving:
            self._moving = unknown
            self._bar.configure(mode="indeterminate" if unknown else "determinate")
            if unknown:
                self._bar.start(15)
            else:
                self._bar.stop()
        if block.fraction is not None:
            self._bar.configure(value=round(block.fraction * 1000))
            self._share.configure(text=percent_text(block.fraction))
            self._share.grid(row=2, column=0, sticky="w", pady=(self._theme.px(8), 0))
        else:
            self._share.grid_remove()
        self._text.configure(text=block.text)


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


def make_block(parent: tk.Misc, theme: Theme, block: Block, on_ready: Callable[[bool], None]) -> Any:
    """The widget of a block."""
    match block:
        case Text():
            return TextBlock(parent, block)
        case Big():
            return BigBlock(parent, theme, block)
        case Field():
            return FieldBlock(parent, theme, block, on_ready)
        case Choice():
            return ChoiceBlock(parent, theme, block)
        case Rows():
            return Table(parent, theme, block)
        case Sentence():
            return SentenceBlock(parent, theme, block)
        case Bar():
            return BarBlock(parent, theme, block)
        case _:
            assert_never(block)
