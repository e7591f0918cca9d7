"""The window of both programs: a heading, the blocks of one screen, its buttons. Statuses come in through one queue."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import time
import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tkinter import filedialog, messagebox, ttk
from typing import Any

import tkinterdnd2

from countersign.i18n import _
from countersign.ui.presenters.common import Presenter
from countersign.ui.presenters.screens import Field, Rows, Screen
from countersign.ui.views.blocks import BigBlock, FieldBlock, make_block
from countersign.ui.views.table import Table
from countersign.ui.views.theme import Theme, system_is_dark

_LOOK_MS = 40
_SIZE = (680, 620)
_SMALLEST = (640, 560)  # what the key and the people's fingerprints need
_STRAY_SECONDS = 0.7  # a Return this soon after the list has come up was meant for the screen before


@dataclass(frozen=True)
class OwnError:
    """What is posted when one of our own callbacks has failed."""

    error: BaseException


class AppWindow:
    """Draws screens and hands over what the person does. Decides nothing."""

    def __init__(self, title: str) -> None:
        _be_sharp()
        self.root = _make_root()
        self.root.withdraw()
        self._title = title
        self.root.title(title)
        self.theme = Theme(self.root, system_is_dark())
        self.posts: queue.Queue[Any] = queue.Queue()
        self.presenter: Presenter | None = None
        self._screen: Screen | None = None
        self._blocks: list[Any] = []
        self._fields: dict[str, FieldBlock] = {}
        self._buttons: list[ttk.Button] = []
        self._ready = True
        self._progress = ""
        self._closed = False
        self._on_item: Callable[[Any], None] = lambda _item: None
        self._since = 0.0
        self._frame()
        self.root.bind("<<ThemeChanged>>", self._repaint)
        self.root.report_callback_exception = self._bug
        self.root.protocol("WM_DELETE_WINDOW", self._close_asked)
        self.root.geometry(f"{self.theme.px(_SIZE[0])}x{self.theme.px(_SIZE[1])}")
        self.root.minsize(self.theme.px(_SMALLEST[0]), self.theme.px(_SMALLEST[1]))

    def run(self, presenter: Presenter, on_item: Callable[[Any], None]) -> None:
        """Shows the window until it is closed. `on_item` takes what was posted, on this thread."""
        self.presenter = presenter
        self._on_item = on_item
        self.root.deiconify()
        presenter.home()
        self._look()
        self.root.mainloop()

    def post(self, item: object) -> None:
        """Hands something to the window's thread. From any thread."""
        self.posts.put(item)

    # --- Window, for presenters --------------------------------------------------------------------------------------

    def show(self, screen: Screen) -> None:
        """Shows a screen; the same place again changes only what differs."""
        same = self._screen is not None and self._screen.id == screen.id
        kinds = [type(block) for block in screen.blocks]
        if same and self._screen is not None and kinds == [type(block) for block in self._screen.blocks]:
            self._screen = screen
            self._ready = True
            for widget, block in zip(self._blocks, screen.blocks, strict=True):
                widget.update_block(block)
            self._heading.configure(text=screen.heading)
        else:
            self._rebuild(screen, same)
        self._show_actions(screen)
        self._show_title()

    def shown(self) -> str:
        return self._screen.id if self._screen is not None else ""

    def field(self, identity: str) -> str:
        return self._fields[identity].variable.get()

    def open_file(self, title: str) -> Path | None:
        kinds = [(_("Certificates"), "*.pem *.crt *.cer"), (_("All files"), "*")]
        return self._asked(
            filedialog.askopenfilename(parent=self.root, title=title, filetypes=kinds, initialdir=str(_usual_place()))
        )

    def save_file(self, title: str, suggested: str) -> Path | None:
        return self._asked(
            filedialog.asksaveasfilename(
                parent=self.root, title=title, initialfile=suggested, initialdir=str(_usual_place())
            )
        )

    def choose_folder(self, title: str, at: Path) -> Path | None:
        start = at if at.is_dir() else at.parent
        return self._asked(
            filedialog.askdirectory(parent=self.root, title=title, initialdir=str(start), mustexist=False)
        )

    def confirm(self, question: str, yes: str) -> bool:
        answer = bool(messagebox.askokcancel(yes, question, parent=self.root, default="cancel"))
        self._refocus()
        return answer

    def reveal(self, path: Path) -> None:
        if sys.platform == "win32":
            os.startfile(path)  # noqa: S606  # nosec B606 - a folder, in the file manager
        else:
            opener = "open" if sys.platform == "darwin" else "xdg-open"
            try:
                nothing = subprocess.DEVNULL
                subprocess.Popen([opener, str(path)], stdin=nothing, stdout=nothing, stderr=nothing)
            except OSError:
                messagebox.showinfo(self._title, str(path), parent=self.root)

    def title(self, text: str) -> None:
        self._progress = text
        self._show_title()

    def _show_title(self) -> None:
        heading = self._screen.heading if self._screen is not None else ""
        self.root.title(" – ".join(part for part in (self._progress, heading, "Countersign") if part))

    def close(self) -> None:
        self._closed = True
        self.root.quit()
        self.root.destroy()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _frame(self) -> None:
        px = self.theme.px
        outer = ttk.Frame(self.root, padding=(px(28), px(16), px(28), px(20)))
        outer.pack(fill="both", expand=True)
        top = ttk.Frame(outer)
        top.pack(fill="x")
        people = ttk.Button(top, text=_("People"), command=self._people)
        self._look_button = ttk.Button(top, text=self._look_text(), command=self._switch_looks)
        self._look_button.pack(side="right")
        people.pack(side="right", padx=px(8))
        ttk.Label(top, text=self._title, style="Caption.TLabel").pack(side="left")
        self._heading = ttk.Label(outer, style="Heading.TLabel", justify="left")
        self._heading.pack(fill="x", pady=(px(12), px(10)))
        self._heading.bind("<Configure>", lambda event: self._heading.configure(wraplength=max(event.width, 50)))
        # the buttons are packed first, so that a small window takes room from the content and never from them
        self._bottom = ttk.Frame(outer)
        self._bottom.pack(side="bottom", fill="x", pady=(px(12), 0))
        self._middle = ttk.Frame(outer)
        self._middle.pack(fill="both", expand=True)
        self._bottom.lift()  # Tab goes by this order: from top to bottom
        # a button that has the focus is what Return means
        for key in ("<Return>", "<KP_Enter>"):
            self.root.bind_class("TButton", key, _press_it)
        self.root.bind_class("TEntry", "<Control-a>", _select_all)
        self.root.bind("<Return>", lambda _event: self._press("main"))
        self.root.bind("<KP_Enter>", lambda _event: self._press("main"))
        self.root.bind("<Escape>", lambda _event: self._press("leaving"))
        self.root.bind("<Control-c>", lambda _event: self._copy())
        if sys.platform == "darwin":
            self.root.bind("<Command-c>", lambda _event: self._copy())
        if isinstance(self.root, tkinterdnd2.TkinterDnD.Tk):
            self.root.drop_target_register(tkinterdnd2.DND_FILES)
            self.root.dnd_bind("<<Drop>>", self._dropped)

    def _rebuild(self, screen: Screen, same: bool) -> None:
        self._since = time.monotonic()
        typed = {name: block.variable.get() for name, block in self._fields.items()} if same else {}
        self._screen = screen
        self._ready = True
        self._fields = {}
        for child in self._middle.winfo_children():
            child.destroy()
        self._heading.configure(text=screen.heading)
        self._blocks = []
        for block in screen.blocks:
            widget = make_block(self._middle, self.theme, block, self._set_ready)
            wide = isinstance(block, Rows)
            widget.pack(fill="both" if wide else "x", expand=wide, pady=(0, self.theme.px(12)))
            self._blocks.append(widget)
            if isinstance(block, Field):
                self._fields[block.id] = widget
                if typed.get(block.id) and not block.large:
                    widget.variable.set(typed[block.id])

    def _show_actions(self, screen: Screen) -> None:
        fits = len(self._buttons) == len(screen.actions)
        if not fits or any(b["text"] != a.label for b, a in zip(self._buttons, screen.actions, strict=True)):
            for button in self._buttons:
                button.destroy()
            self._buttons = [self._button(action.main) for action in screen.actions]
        for button, action in zip(self._buttons, screen.actions, strict=True):
            button.configure(text=action.label, command=action.act)
            self._enable(button, action.enabled)
        self._set_ready(self._ready)
        self._focus(screen)

    def _button(self, main: bool) -> ttk.Button:
        button = ttk.Button(self._bottom, style="Accent.TButton" if main else "TButton")
        button.pack(side="right" if main else "left", padx=(0, 0 if main else self.theme.px(8)))
        return button

    @staticmethod
    def _enable(button: ttk.Button, enabled: bool) -> None:
        button.state(["!disabled" if enabled else "disabled"])

    def _set_ready(self, ready: bool) -> None:
        """A field says whether what it holds can be used: that enables the main button."""
        self._ready = ready
        if self._screen is None or not self._fields or len(self._buttons) != len(self._screen.actions):
            return
        for button, action in zip(self._buttons, self._screen.actions, strict=True):
            if action.main:
                self._enable(button, ready)

    def _focus(self, screen: Screen) -> None:
        """The field, else a list, else the main button; never a button that leaves, and never away from what is in use."""
        if self._focused().startswith((str(self._middle), str(self._bottom), ".__tk")):
            return
        for block in screen.blocks:
            if isinstance(block, Field):
                entry = self._fields[block.id].entry
                entry.focus_set()
                entry.icursor("end")
                if not block.large:
                    entry.select_range(0, "end")
                return
        tables = [widget for widget in self._blocks if isinstance(widget, Table)]
        if tables:
            tables[0].tree.focus_set()
            return
        for button, action in zip(self._buttons, screen.actions, strict=True):
            if action.main:
                button.focus_set()
                return
        self.root.focus_set()

    def _asked(self, chosen: Any) -> Path | None:
        """What a dialog of Tk's own has given; the keyboard comes back to a screen that may be another by now."""
        self._refocus()
        return Path(chosen) if chosen else None

    def _refocus(self) -> None:
        self.root.focus_set()
        if self._screen is not None:
            self._focus(self._screen)

    def _focused(self) -> str:
        """The path of what has the focus. tkinter's own `focus_get` fails for the dialogs that Tk itself makes."""
        return str(self.root.tk.call("focus"))

    def _press(self, which: str) -> None:
        if self._screen is None:
            return
        if which == "main" and self._screen.careful and time.monotonic() - self._since < _STRAY_SECONDS:
            return
        for button, action in zip(self._buttons, self._screen.actions, strict=True):
            if getattr(action, which) and not button.instate(["disabled"]):
                button.invoke()
                return

    def _copy(self) -> None:
        """The usual keys copy what the screen is about, unless a field has its own selection."""
        if any(self._focused() == str(field.entry) for field in self._fields.values()):
            return
        for widget in self._blocks:
            if isinstance(widget, BigBlock):
                widget.copy()
                return

    def _people(self) -> None:
        if self.presenter is not None:
            self.presenter.show_people()

    def _close_asked(self) -> None:
        if self.presenter is not None:
            self.presenter.close_asked()

    def _look_text(self) -> str:
        return _("Light") if self.theme.dark else _("Dark")

    def _switch_looks(self) -> None:
        self.theme.apply(not self.theme.dark)
        self._look_button.configure(text=self._look_text())

    def _repaint(self, event: tk.Event[Any]) -> None:
        if event.widget is self.root:
            self.root.after_idle(lambda: self.theme.forget_painted(self.root))

    def _dropped(self, event: Any) -> str:
        paths = [Path(item) for item in self.root.tk.splitlist(event.data)]
        if self._screen is not None and self._screen.drop is not None:
            self._screen.drop(paths)
        return str(event.action)

    def _look(self) -> None:
        """Takes what was posted; of several progress values only the last is worth drawing."""
        items = []
        try:
            while True:
                items.append(self.posts.get_nowait())
        except queue.Empty:
            pass
        try:
            for number, item in enumerate(items):
                following = items[number + 1] if number + 1 < len(items) else None
                if following is None or type(following) is not type(item) or type(item).__name__ != "Progress":
                    self._on_item(item)
        finally:
            if not self._closed:
                self.root.after(_LOOK_MS, self._look)

    def _bug(self, _kind: type[BaseException], error: BaseException, _where: object) -> None:
        """An error of our own in something that Tk called: told like every other, and the window lives on."""
        self.post(OwnError(error))


def _press_it(event: tk.Event[Any]) -> str:
    event.widget.invoke()  # a button, by the class that this is bound to
    return "break"


def _select_all(event: tk.Event[Any]) -> str:
    event.widget.select_range(0, "end")  # an entry, likewise
    return "break"


def _usual_place() -> Path:
    """Where people look for files."""
    home = Path.home()
    return next((place for place in (home / "Downloads", home) if place.is_dir()), home)


def _make_root() -> tk.Tk:
    try:
        root: tk.Tk = tkinterdnd2.TkinterDnD.Tk(className="Countersign")
    except (RuntimeError, tk.TclError):
        # no drag and drop on this kind of computer; everything else works
        root = tk.Tk(className="Countersign")
    return root


def _be_sharp() -> None:
    """Windows scales windows of programs that do not say that they can do it themselves, and blurs them."""
    if sys.platform == "win32":
        import ctypes

        try:
            ctypes.windll.shcore.SetProcessDpiAwareness(1)
        except (AttributeError, OSError):  # before Windows 8.1
            ctypes.windll.user32.SetProcessDPIAware()
