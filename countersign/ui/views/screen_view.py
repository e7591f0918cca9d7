"""Draws a screen: its heading, its blocks, its buttons; and what the keyboard does on it. Decides nothing."""

from __future__ import annotations

import sys
import time
import tkinter as tk
from collections.abc import Callable
from tkinter import ttk
from typing import Any

from countersign.ui.drawing.shapes import HALO
from countersign.ui.presenters.screens import Block, Drop, Field, Outcome, Place, Rows, Screen
from countersign.ui.views.blocks import DropBlock, make_block
from countersign.ui.views.drops import Drops
from countersign.ui.views.fields import CellsBlock, FieldBlock
from countersign.ui.views.rail import Rail
from countersign.ui.views.scrolling import Scroll
from countersign.ui.views.table import Table
from countersign.ui.views.theme import Theme

_STRAY_SECONDS = 0.7  # a Return this soon after the list has come up was meant for the screen before

_SIDE = 20  # pixels beside the boxes, of a 96 dpi screen; each keeps HALO more around itself


class ScreenView:
    """The content of the window. `busy`: whether a question has the keyboard, which must stay there."""

    def __init__(self, root: tk.Tk, theme: Theme, busy: Callable[[], bool]) -> None:
        self._root = root
        self._theme = theme
        self._busy = busy
        self._screen: Screen | None = None
        self._blocks: list[Any] = []
        self._fields: dict[str, FieldBlock | CellsBlock] = {}
        self._buttons: list[ttk.Button] = []
        self._unready: set[str] = set()  # fields that hold nothing that can be used
        self._since = 0.0
        px = theme.px
        self._rail = Rail(root, theme)
        self._outer = ttk.Frame(root)
        self._outer.pack(side="left", fill="both", expand=True)
        self._heading = ttk.Label(self._outer, style="Heading.TLabel", justify="left")
        self._heading.pack(fill="x", padx=px(_SIDE + HALO), pady=(px(20), px(10)))
        self._heading.bind("<Configure>", lambda event: self._heading.configure(wraplength=max(event.width, 50)))
        # the buttons are packed first, so that a small window takes room from the content and never from them
        self._bottom = ttk.Frame(self._outer)
        self._bottom.pack(side="bottom", fill="x", padx=px(_SIDE), pady=(px(8), px(14)))
        self._scroll = Scroll(self._outer, theme)
        self._scroll.pack(fill="both", expand=True)
        self._middle = ttk.Frame(self._scroll.inside)
        self._middle.pack(fill="both", expand=True, padx=px(_SIDE))
        self._bottom.lift()  # Tab goes by this order: from top to bottom
        self._bind_keys()
        self._drops = Drops(root, lambda: self._screen.drop if self._screen is not None else None, self._highlight)

    @property
    def shown(self) -> str:
        """The id of the screen that is shown."""
        return self._screen.id if self._screen is not None else ""

    @property
    def heading(self) -> str:
        """What the screen is called."""
        return self._screen.heading if self._screen is not None else ""

    def show(self, screen: Screen) -> None:
        """Shows a screen; the same place again changes only what differs."""
        same = self._screen is not None and self._screen.id == screen.id
        kinds = [type(block) for block in screen.blocks]
        if same and self._screen is not None and kinds == [type(block) for block in self._screen.blocks]:
            self._screen = screen
            for widget, block in zip(self._blocks, screen.blocks, strict=True):
                widget.update_block(block)
            if self._heading["text"]:
                self._heading.configure(text=screen.heading)
        else:
            self._rebuild(screen, same)
        self._rail.stand(screen.place, self._outer)
        self._show_actions(screen)
        self._scroll.refit()

    def places(self, places: tuple[Place, ...]) -> None:
        """The places at the left, on screens that are one of them."""
        self._rail.offer(places)

    def paint(self) -> None:
        """Draws everything anew: the colours are other ones."""
        self._rail.paint()
        self._scroll.paint(self._theme)
        if self._screen is not None:
            typed = {name: block.get() for name, block in self._fields.items()}
            self._rebuild(self._screen, False)
            for name, text in typed.items():
                if text and name in self._fields:
                    self._fields[name].put(text)
            self._show_actions(self._screen)

    def field(self, identity: str) -> str:
        """What is typed into a field."""
        return self._fields[identity].get()

    def refocus(self) -> None:
        """The keyboard comes back from a dialog, to a screen that may be another by now."""
        self._root.focus_set()
        if self._screen is not None:
            self._focus(self._screen)

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _rebuild(self, screen: Screen, same: bool) -> None:
        self._since = time.monotonic()
        typed = {name: block.get() for name, block in self._fields.items()} if same else {}
        self._screen = screen
        self._unready = set()
        self._fields = {}
        for child in self._middle.winfo_children():
            child.destroy()
        if any(isinstance(block, Outcome) for block in screen.blocks):
            self._heading.configure(text="")  # the mark says it, larger
        elif screen.centred:
            self._heading.configure(text=screen.heading, justify="center", anchor="center")
        else:
            self._heading.configure(text=screen.heading, justify="left", anchor="w")
        self._scroll.fill(any(isinstance(block, (Rows, Drop)) for block in screen.blocks) or not screen.centred)
        self._scroll.to_top()
        self._blocks = []
        for block in screen.blocks:
            widget = make_block(
                self._middle, self._theme, block, self._readiness_of(block), lambda: self._press("main"), screen.centred
            )
            wide = isinstance(block, (Rows, Drop))
            widget.pack(fill="both" if wide else "x", expand=wide, pady=(0, self._theme.px(8)))
            self._blocks.append(widget)
            if isinstance(block, Field):
                self._fields[block.id] = widget
                if typed.get(block.id) and (block.keeps or not block.large):
                    widget.put(typed[block.id])

    def _highlight(self, over: bool) -> None:
        """Something is dragged over the window, or not any more."""
        for widget in self._blocks:
            if isinstance(widget, DropBlock):
                widget.highlight(over)

    def _show_actions(self, screen: Screen) -> None:
        fits = len(self._buttons) == len(screen.actions)
        if not fits or any(b["text"] != a.label for b, a in zip(self._buttons, screen.actions, strict=True)):
            for button in self._buttons:
                button.destroy()
            self._buttons = [self._button(action.main) for action in screen.actions]
        for button, action in zip(self._buttons, screen.actions, strict=True):
            button.configure(text=action.label, command=action.act)
            _enable(button, action.enabled)
        self._enable_main()
        self._focus(screen)

    def _button(self, main: bool) -> ttk.Button:
        button = ttk.Button(self._bottom, style="Accent.TButton" if main else "TButton")
        button.pack(side="right" if main else "left", padx=(0, 0 if main else self._theme.px(4)))
        return button

    def _readiness_of(self, block: Block) -> Callable[[bool], None]:
        """What a field calls to say whether it holds something that can be used."""

        def told(ready: bool) -> None:
            assert isinstance(block, Field)
            (self._unready.discard if ready else self._unready.add)(block.id)
            self._enable_main()

        return told

    def _enable_main(self) -> None:
        """What the fields hold enables the main button, beside what the screen says of it."""
        if self._screen is None or not self._fields or len(self._buttons) != len(self._screen.actions):
            return
        for button, action in zip(self._buttons, self._screen.actions, strict=True):
            if action.main:
                judged = any(
                    field.changed is not None
                    for field in self._screen.blocks
                    if isinstance(field, Field) and not field.search
                )
                _enable(button, not self._unready if judged else action.enabled)

    # --- the keyboard ------------------------------------------------------------------------------------------------

    def _bind_keys(self) -> None:
        root = self._root
        # a button that has the focus is what Return means
        for key in ("<Return>", "<KP_Enter>"):
            root.bind_class("TButton", key, lambda event: self._to(event, "invoke"))
        root.bind_class("TEntry", "<Control-a>", lambda event: self._to(event, "selection", "range", 0, "end"))
        root.bind("<Return>", lambda _event: self._press("main"))
        root.bind("<KP_Enter>", lambda _event: self._press("main"))
        root.bind("<Escape>", lambda _event: self._press("leaving"))
        root.bind("<Control-c>", lambda _event: self._copy())
        root.bind("<Up>", lambda event: self._to_list(event, -1))
        root.bind("<Down>", lambda event: self._to_list(event, 1))
        if sys.platform == "darwin":
            root.bind("<Command-c>", lambda _event: self._copy())

    def _focus(self, screen: Screen) -> None:
        """The field, else a list, else the main button; never a button that leaves, and never away from what is in use."""
        if self._busy() or self._focused().startswith((str(self._middle), str(self._bottom), ".__tk")):
            return
        for block in screen.blocks:
            if isinstance(block, Field) and not block.search:
                self._fields[block.id].take_focus()
                return
        tables = [widget for widget in self._blocks if isinstance(widget, Table)]
        if tables:
            tables[0].tree.focus_set()
            return
        for button, action in zip(self._buttons, screen.actions, strict=True):
            if action.main:
                button.focus_set()
                return
        self._root.focus_set()

    def _to_list(self, event: tk.Event[Any], distance: int) -> None:
        """Whoever is quicker than the keyboard's way to the list is in the list all the same."""
        tables = [widget for widget in self._blocks if isinstance(widget, Table)]
        if event.widget is self._root and tables:
            tables[0].tree.focus_set()
            tables[0].move(distance)

    def _focused(self) -> str:
        """The path of what has the focus. tkinter's own `focus_get` fails for the dialogs that Tk itself makes."""
        return str(self._root.tk.call("focus"))

    def _to(self, event: tk.Event[Any], *command: object) -> str:
        """Commands a widget by its path: in the dialogs that Tk itself makes tkinter has no object for it."""
        self._root.tk.call(str(event.widget), *command)
        return "break"

    def _press(self, which: str) -> None:
        if self._screen is None:
            return
        if which == "main" and any(self._fields[f.id].has(self._focused()) for f in self._searches()):
            return
        if which == "main" and self._screen.careful and time.monotonic() - self._since < _STRAY_SECONDS:
            return
        for button, action in zip(self._buttons, self._screen.actions, strict=True):
            if getattr(action, which) and not button.instate(["disabled"]):
                button.invoke()
                return

    def _copy(self) -> None:
        """The usual keys copy what the screen is about, unless a field has its own selection."""
        if any(field.has(self._focused()) for field in self._fields.values()):
            return
        for widget in self._blocks:
            if hasattr(widget, "copy"):
                widget.copy()
                return

    def _searches(self) -> list[Field]:
        blocks = self._screen.blocks if self._screen is not None else ()
        return [block for block in blocks if isinstance(block, Field) and block.search and block.id in self._fields]


def _enable(button: ttk.Button, enabled: bool) -> None:
    button.state(["!disabled" if enabled else "disabled"])
