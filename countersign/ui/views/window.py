"""The window of both programs: a heading, the blocks of one screen, its buttons. Statuses come in through one queue."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
import time
import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tkinter import filedialog, messagebox, ttk
from typing import Any

import tkinterdnd2

from countersign.base.i18n import _, language
from countersign.options import RECEIVER
from countersign.ui.icon import png
from countersign.ui.preferences import PreferenceStore
from countersign.ui.presenters.common import Presenter
from countersign.ui.presenters.screens import CERTIFICATE, RECEIPT, Block, Field, Menu, Rows, Screen
from countersign.ui.views.blocks import BigBlock, FieldBlock, make_block
from countersign.ui.views.menus import MenuBar
from countersign.ui.views.question import Question
from countersign.ui.views.table import Table
from countersign.ui.views.theme import Theme, system_is_dark

_LOOK_MS = 40
_LOOKS_SECONDS = 5.0
_ICON = 64
_SIZE = (700, 660)
_SMALLEST = (640, 600)  # what the key and the people's fingerprints need
_STRAY_SECONDS = 0.7  # a Return this soon after the list has come up was meant for the screen before


# Whatever the source of a drop offers: one that is told "move" removes its files, and ours are only read.
_TAKES: str = tkinterdnd2.COPY


@dataclass(frozen=True)
class OwnError:
    """What is posted when one of our own callbacks has failed."""

    error: BaseException


@dataclass(frozen=True)
class SystemLooks:
    """What the system prefers at this moment."""

    dark: bool


class AppWindow:
    """Draws screens and hands over what the person does. Decides nothing."""

    def __init__(self, role: str, preferences: PreferenceStore) -> None:
        _be_sharp()
        self._role = role
        self.root = _make_root()
        self.root.withdraw()
        self._preferences = preferences
        self.root.title(self._title)
        self._picture = tk.PhotoImage(master=self.root, data=png(role, _ICON))
        self.root.iconphoto(True, self._picture)
        chosen = preferences.read()
        self._looks = chosen.looks
        self._asked_looks = 0.0
        self.theme = Theme(self.root, self._wanted_dark())
        self._menus = MenuBar(self.root, self.theme)
        self.posts: queue.Queue[Any] = queue.Queue()
        self.presenter: Presenter | None = None
        self._screen: Screen | None = None
        self._blocks: list[Any] = []
        self._fields: dict[str, FieldBlock] = {}
        self._buttons: list[ttk.Button] = []
        self._unready: set[str] = set()  # fields that hold nothing that can be used
        self._progress = ""
        self._closed = False
        self._asking = False
        self._question: Question | None = None
        self._on_item: Callable[[Any], None] = lambda _item: None
        self._since = 0.0
        self._last_place = _usual_place()
        self._frame()
        _speak_in_dialogs(self.root)
        self.root.bind("<<ThemeChanged>>", self._repaint)
        self.root.report_callback_exception = self._bug
        self.root.protocol("WM_DELETE_WINDOW", self._close_asked)
        self.root.minsize(
            *(min(self.theme.px(length), room) for length, room in zip(_SMALLEST, self._room(), strict=True))
        )
        self._take_place(chosen.windows.get(role, ""))

    @property
    def _title(self) -> str:
        return _("Countersign – receive") if self._role == RECEIVER else _("Countersign – send")

    def run(self, presenter: Presenter, on_item: Callable[[Any], None]) -> None:
        """Shows the window until it is closed. `on_item` takes what was posted, on this thread."""
        self.presenter = presenter
        self._on_item = on_item
        self.root.deiconify()
        presenter.begin_here()
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

    def open_file(self, title: str, kind: str = CERTIFICATE, at: Path | None = None) -> Path | None:
        named = (_("Receipts"), "*.receipt") if kind == RECEIPT else (_("Certificates"), "*.pem *.crt *.cer")
        return self._asked(
            filedialog.askopenfilename(
                parent=self.root, title=title, filetypes=[named, (_("All files"), "*")], initialdir=self._start_at(at)
            )
        )

    def save_file(self, title: str, suggested: str) -> Path | None:
        return self._asked(
            filedialog.asksaveasfilename(
                parent=self.root, title=title, initialfile=suggested, initialdir=self._start_at(None)
            )
        )

    def choose_folder(self, title: str, at: Path) -> Path | None:
        start = at if at.is_dir() else at.parent
        return self._asked(
            filedialog.askdirectory(parent=self.root, title=title, initialdir=str(start), mustexist=False)
        )

    def choose_files(self, title: str, at: Path) -> list[Path]:
        start = str(at if at.is_dir() else at.parent)
        chosen = filedialog.askopenfilenames(parent=self.root, title=title, initialdir=start)
        self._refocus()
        return [Path(one) for one in chosen]

    def confirm(self, question: str, yes: str, no: str) -> bool:
        if self._asking:
            return False
        self._asking = True
        try:
            self._question = Question(self.root, self.theme, question, yes, no)
            return self._question.ask()
        finally:
            self._asking, self._question = False, None
            if not self._closed:
                self._refocus()

    def stop_asking(self) -> None:
        if self._question is not None:
            self._question.withdraw()

    def menus(self, menus: tuple[Menu, ...]) -> None:
        self._menus.show(menus)

    def speak(self) -> None:
        _speak_in_dialogs(self.root)
        self._show_title()

    def looks(self, looks: str) -> None:
        self._looks = looks
        self._apply(self._wanted_dark())

    def reveal(self, path: Path) -> None:
        if sys.platform == "win32":
            os.startfile(path)  # noqa: S606  # nosec B606 - a folder, in the file manager
        else:
            opener = "open" if sys.platform == "darwin" else "xdg-open"
            try:
                nothing = subprocess.DEVNULL
                subprocess.Popen([opener, str(path)], stdin=nothing, stdout=nothing, stderr=nothing)
            except OSError:
                messagebox.showinfo(self._title, _("It is in {path}").format(path=path), parent=self.root)

    def title(self, text: str) -> None:
        self._progress = text
        self._show_title()

    def _show_title(self) -> None:
        heading = self._screen.heading if self._screen is not None else ""
        self.root.title(" – ".join(part for part in (self._progress, heading, self._title) if part))

    def close(self) -> None:
        self._closed = True
        self._keep_place()
        self.root.quit()
        self.root.destroy()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _frame(self) -> None:
        px = self.theme.px
        outer = ttk.Frame(self.root, padding=(px(28), px(16), px(28), px(20)))
        outer.pack(fill="both", expand=True)
        self._heading = ttk.Label(outer, style="Heading.TLabel", justify="left")
        self._heading.pack(fill="x", pady=(px(4), px(10)))
        self._heading.bind("<Configure>", lambda event: self._heading.configure(wraplength=max(event.width, 50)))
        # the buttons are packed first, so that a small window takes room from the content and never from them
        self._bottom = ttk.Frame(outer)
        self._bottom.pack(side="bottom", fill="x", pady=(px(12), 0))
        self._middle = ttk.Frame(outer)
        self._middle.pack(fill="both", expand=True)
        self._bottom.lift()  # Tab goes by this order: from top to bottom
        # a button that has the focus is what Return means
        for key in ("<Return>", "<KP_Enter>"):
            self.root.bind_class("TButton", key, lambda event: self._to(event, "invoke"))
        self.root.bind_class("TEntry", "<Control-a>", lambda event: self._to(event, "selection", "range", 0, "end"))
        self.root.bind("<Return>", lambda _event: self._press("main"))
        self.root.bind("<KP_Enter>", lambda _event: self._press("main"))
        self.root.bind("<Escape>", lambda _event: self._press("leaving"))
        self.root.bind("<Control-c>", lambda _event: self._copy())
        if sys.platform == "darwin":
            self.root.bind("<Command-c>", lambda _event: self._copy())
        self.root.bind("<FocusIn>", self._follow_looks)
        if isinstance(self.root, tkinterdnd2.TkinterDnD.Tk):
            self.root.drop_target_register(tkinterdnd2.DND_FILES)
            self.root.dnd_bind("<<Drop>>", self._dropped)
            for event in ("<<DropEnter>>", "<<DropPosition>>"):
                self.root.dnd_bind(event, lambda _event: _TAKES)

    def _rebuild(self, screen: Screen, same: bool) -> None:
        self._since = time.monotonic()
        typed = {name: block.variable.get() for name, block in self._fields.items()} if same else {}
        self._screen = screen
        self._unready = set()
        self._fields = {}
        for child in self._middle.winfo_children():
            child.destroy()
        self._heading.configure(text=screen.heading)
        self._blocks = []
        for block in screen.blocks:
            widget = make_block(self._middle, self.theme, block, self._readiness_of(block))
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
        self._enable_main()
        self._focus(screen)

    def _button(self, main: bool) -> ttk.Button:
        button = ttk.Button(self._bottom, style="Accent.TButton" if main else "TButton")
        button.pack(side="right" if main else "left", padx=(0, 0 if main else self.theme.px(8)))
        return button

    @staticmethod
    def _enable(button: ttk.Button, enabled: bool) -> None:
        button.state(["!disabled" if enabled else "disabled"])

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
                self._enable(button, not self._unready if judged else action.enabled)

    def _focus(self, screen: Screen) -> None:
        """The field, else a list, else the main button; never a button that leaves, and never away from what is in use."""
        if self._asking or self._focused().startswith((str(self._middle), str(self._bottom), ".__tk")):
            return
        for block in screen.blocks:
            if isinstance(block, Field) and not block.search:
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

    def _start_at(self, at: Path | None) -> str:
        """Where a dialog begins: where it makes sense, else where the last one ended."""
        return str(at if at is not None and at.is_dir() else self._last_place)

    def _asked(self, chosen: Any) -> Path | None:
        """What a dialog of Tk's own has given; the keyboard comes back to a screen that may be another by now."""
        self._refocus()
        if not chosen:
            return None
        self._last_place = Path(chosen).parent
        return Path(chosen)

    def _refocus(self) -> None:
        self.root.focus_set()
        if self._screen is not None:
            self._focus(self._screen)

    def _focused(self) -> str:
        """The path of what has the focus. tkinter's own `focus_get` fails for the dialogs that Tk itself makes."""
        return str(self.root.tk.call("focus"))

    def _to(self, event: tk.Event[Any], *command: object) -> str:
        """Commands a widget by its path: in the dialogs that Tk itself makes tkinter has no object for it."""
        self.root.tk.call(str(event.widget), *command)
        return "break"

    def _press(self, which: str) -> None:
        if self._screen is None:
            return
        if which == "main" and any(self._focused() == str(self._fields[f.id].entry) for f in self._searches()):
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

    def _searches(self) -> list[Field]:
        blocks = self._screen.blocks if self._screen is not None else ()
        return [block for block in blocks if isinstance(block, Field) and block.search and block.id in self._fields]

    def _close_asked(self) -> None:
        if self.presenter is not None:
            self.presenter.close_asked()

    def _wanted_dark(self) -> bool:
        return system_is_dark() if self._looks == "system" else self._looks == "dark"

    def _apply(self, dark: bool) -> None:
        if dark != self.theme.dark:
            self.theme.apply(dark)
            self._menus.paint()

    def _follow_looks(self, _event: tk.Event[Any]) -> None:
        """Somebody who comes back may have changed the system's looks; asking takes a moment, so not on this thread."""
        now = time.monotonic()
        if self._looks != "system" or now - self._asked_looks < _LOOKS_SECONDS:
            return
        self._asked_looks = now
        threading.Thread(target=lambda: self.post(SystemLooks(system_is_dark())), name="looks", daemon=True).start()

    def _room(self) -> tuple[int, int]:
        return self.root.winfo_screenwidth(), self.root.winfo_screenheight()

    def _take_place(self, kept: str) -> None:
        """Where the window was last, if that is on the screen still; else its first size, where the system puts it."""
        width, height = (min(self.theme.px(length), room) for length, room in zip(_SIZE, self._room(), strict=True))
        self.root.geometry(f"{width}x{height}")
        found = re.fullmatch(r"(\d+)x(\d+)\+(\d+)\+(\d+)", kept)
        if found is not None:
            w, h, x, y = (int(part) for part in found.groups())
            room = self._room()
            if w <= room[0] and h <= room[1] and x + w // 2 < room[0] and y + 50 < room[1]:
                self.root.geometry(kept)

    def _keep_place(self) -> None:
        if self.root.state() == "normal":
            place = self.root.geometry()
            self._preferences.change(lambda found: found.windows.update({self._role: place}))

    def _repaint(self, event: tk.Event[Any]) -> None:
        if event.widget is self.root:
            self.root.after_idle(self._paint)

    def _paint(self) -> None:
        """The theme has its own idea of labels and menus that are there when it changes."""
        if not self._closed:
            self.theme.forget_painted(self.root)
            self._menus.paint()

    def _dropped(self, event: Any) -> str:
        paths = [Path(item) for item in self.root.tk.splitlist(event.data)]
        if self._screen is not None and self._screen.drop is not None:
            self._screen.drop(paths)
        return _TAKES

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
                if isinstance(item, SystemLooks):
                    self._apply(item.dark if self._looks == "system" else self.theme.dark)
                elif following is None or type(following) is not type(item) or type(item).__name__ != "Progress":
                    self._on_item(item)
        finally:
            if not self._closed:
                self.root.after(_LOOK_MS, self._look)

    def _bug(self, _kind: type[BaseException], error: BaseException, _where: object) -> None:
        """An error of our own in something that Tk called: told like every other, and the window lives on."""
        self.post(OwnError(error))


def _usual_place() -> Path:
    """Where people look for files."""
    home = Path.home()
    return next((place for place in (home / "Downloads", home) if place.is_dir()), home)


def _speak_in_dialogs(root: tk.Tk) -> None:
    """The dialogs that Tk draws itself, where the system has none: in the reader's language, without hidden files."""
    try:
        root.tk.call("::msgcat::mclocale", language())
        root.tk.call("::msgcat::mcload", root.tk.eval("file join $tk_library msgs"))
        root.tk.eval("catch {tk_getOpenFile -no such option}")  # loads its variables
        root.tk.eval("set ::tk::dialog::file::showHiddenBtn 1; set ::tk::dialog::file::showHiddenVar 0")
    except tk.TclError:  # the system's own dialogs need nothing of this
        return


def _make_root() -> tk.Tk:
    try:
        root: tk.Tk = tkinterdnd2.TkinterDnD.Tk(className="Countersign")
    except (RuntimeError, tk.TclError):
        # no drag and drop on this kind of computer; everything else works
        root = tk.Tk(className="Countersign")
    if sys.platform != "win32":  # names of files in dialogs and drops: as we read them, whatever the locale says
        root.tk.call("encoding", "system", sys.getfilesystemencoding())
    return root


def _be_sharp() -> None:
    """Windows scales windows of programs that do not say that they can do it themselves, and blurs them."""
    if sys.platform == "win32":
        import ctypes

        try:
            ctypes.windll.shcore.SetProcessDpiAwareness(1)
        except (AttributeError, OSError):  # before Windows 8.1
            ctypes.windll.user32.SetProcessDPIAware()
