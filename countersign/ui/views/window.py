"""The window of both programs: one screen, menus, dialogs. What other threads have to say comes in through one queue."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tkinter import messagebox
from typing import Any

from countersign.base.i18n import _
from countersign.options import RECEIVER
from countersign.session import status as st
from countersign.ui.icon import png
from countersign.ui.preferences import PreferenceStore
from countersign.ui.presenters.common import Presenter
from countersign.ui.presenters.screens import CERTIFICATE, Menu, Place, Screen
from countersign.ui.views.dialogs import Dialogs
from countersign.ui.views.looks import Looks, SystemLooks, is_dark
from countersign.ui.views.menus import MenuBar
from countersign.ui.views.placement import Placement
from countersign.ui.views.root import make_root, speak_in_dialogs
from countersign.ui.views.screen_view import ScreenView
from countersign.ui.views.theme import Theme

_LOOK_MS = 40
_ICON = 64


@dataclass(frozen=True)
class OwnError:
    """What is posted when one of our own callbacks has failed."""

    error: BaseException


class AppWindow:
    """Shows what presenters say and hands over what the person does. Decides nothing."""

    def __init__(self, role: str, preferences: PreferenceStore) -> None:
        self._role = role
        self.root = make_root()
        self.root.title(self._title)
        self._picture = tk.PhotoImage(master=self.root, data=png(role, _ICON))
        self.root.iconphoto(True, self._picture)
        self.posts: queue.Queue[Any] = queue.Queue()
        self.presenter: Presenter | None = None
        self._on_item: Callable[[Any], None] = lambda _item: None
        self._progress = ""
        self._closed = False
        looks = preferences.read().looks
        self.theme = Theme(self.root, is_dark(looks))
        self._menus = MenuBar(self.root, self.theme)
        self._view = ScreenView(self.root, self.theme, lambda: self._dialogs.is_asking)
        self._dialogs = Dialogs(self.root, self.theme, self._refocus)
        self._looks = Looks(self.root, self.theme, self._paint, looks, self.post)
        self._placement = Placement(self.root, self.theme, role, preferences)
        speak_in_dialogs(self.root)
        self.root.report_callback_exception = self._bug
        self.root.protocol("WM_DELETE_WINDOW", self._close_asked)
        self._placement.take()

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
        self._view.show(screen)
        self._show_title()

    def shown(self) -> str:
        return self._view.shown

    def field(self, identity: str) -> str:
        return self._view.field(identity)

    def open_file(
        self, title: str, then: Callable[[Path], None], *, kind: str = CERTIFICATE, at: Path | None = None
    ) -> None:
        self._dialogs.open_file(title, then, kind, at)

    def save_file(self, title: str, suggested: str, then: Callable[[Path], None]) -> None:
        self._dialogs.save_file(title, suggested, then)

    def choose_folder(self, title: str, at: Path, then: Callable[[Path], None]) -> None:
        self._dialogs.choose_folder(title, at, then)

    def choose_files(self, title: str, at: Path, then: Callable[[list[Path]], None]) -> None:
        self._dialogs.choose_files(title, at, then)

    def confirm(self, question: str, yes: str, no: str, then: Callable[[], None]) -> None:
        self._dialogs.confirm(question, yes, no, then)

    def stop_asking(self) -> None:
        self._dialogs.stop_asking()

    def places(self, places: tuple[Place, ...]) -> None:
        self._view.places(places)

    def menus(self, menus: tuple[Menu, ...]) -> None:
        self._menus.show(menus)

    def speak(self) -> None:
        speak_in_dialogs(self.root)
        self._show_title()

    def looks(self, looks: str) -> None:
        self._looks.choose(looks)

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

    def close(self) -> None:
        self._closed = True
        self._placement.keep()
        self.root.quit()
        self.root.destroy()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _paint(self) -> None:
        self._menus.paint()
        self._view.paint()

    def _show_title(self) -> None:
        self.root.title(" – ".join(part for part in (self._progress, self._view.heading, self._title) if part))

    def _refocus(self) -> None:
        if not self._closed:
            self._view.refocus()

    def _close_asked(self) -> None:
        if self.presenter is not None:
            self.presenter.close_asked()

    def _look(self) -> None:
        """Takes what was posted; of several progress values only the last is worth drawing."""
        items = []
        try:
            while True:
                items.append(self.posts.get_nowait())
        except queue.Empty:
            pass
        for number, item in enumerate(items):
            following = items[number + 1] if number + 1 < len(items) else None
            if not (isinstance(item, st.Progress) and isinstance(following, st.Progress)):
                self._take(item)
        if not self._closed:
            self.root.after(_LOOK_MS, self._look)

    def _take(self, item: object) -> None:
        try:
            if isinstance(item, SystemLooks):
                self._looks.take(item)
            else:
                self._on_item(item)
        except Exception as error:  # noqa: BLE001 - what follows it in the queue must not be lost: the end of a session among it
            self.post(OwnError(error))

    def _bug(self, _kind: type[BaseException], error: BaseException, _where: object) -> None:
        """An error of our own in something that Tk called: told like every other, and the window lives on."""
        self.post(OwnError(error))
