"""File dialogs and questions. Nobody who asks is kept waiting: the answer goes to a function, later, on the window's thread."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from tkinter import filedialog
from typing import Any

from countersign.base.i18n import _
from countersign.ui.presenters.screens import RECEIPT
from countersign.ui.views.question import Question
from countersign.ui.views.theme import Theme


class Dialogs:
    """One dialog at a time, and one question. `refocus` gives the keyboard back to the screen, which may be another by then."""

    def __init__(self, root: tk.Tk, theme: Theme, refocus: Callable[[], None]) -> None:
        self._root = root
        self._theme = theme
        self._refocus = refocus
        self._question: Question | None = None
        self._is_open = False
        self._last_place = _usual_place()

    @property
    def is_asking(self) -> bool:
        """Whether a question has the keyboard."""
        return self._question is not None

    def open_file(self, title: str, then: Callable[[Path], None], kind: str, at: Path | None) -> None:
        named = (_("Receipts"), "*.receipt") if kind == RECEIPT else (_("Certificates"), "*.pem *.crt *.cer")
        kinds = [named, (_("All files"), "*")]
        self._ask(lambda: filedialog.askopenfilename(
            parent=self._root, title=title, filetypes=kinds, initialdir=self._start_at(at)), self._one(then))  # fmt: skip

    def save_file(self, title: str, suggested: str, then: Callable[[Path], None]) -> None:
        self._ask(lambda: filedialog.asksaveasfilename(
            parent=self._root, title=title, initialfile=suggested, initialdir=self._start_at(None)), self._one(then))  # fmt: skip

    def choose_folder(self, title: str, at: Path, then: Callable[[Path], None]) -> None:
        start = str(at if at.is_dir() else at.parent)
        self._ask(lambda: filedialog.askdirectory(
            parent=self._root, title=title, initialdir=start, mustexist=False), self._one(then))  # fmt: skip

    def choose_files(self, title: str, at: Path, then: Callable[[list[Path]], None]) -> None:
        start = str(at if at.is_dir() else at.parent)
        self._ask(
            lambda: filedialog.askopenfilenames(parent=self._root, title=title, initialdir=start),
            lambda chosen: then([Path(one) for one in chosen]),
        )

    def confirm(self, text: str, yes: str, no: str, then: Callable[[], None]) -> None:
        def answered(agreed: bool) -> None:
            self._question = None
            self._refocus()
            if agreed:
                then()

        if self._question is None:
            self._question = Question(self._root, self._theme, text, yes, no, answered)

    def stop_asking(self) -> None:
        if self._question is not None:
            self._question.withdraw()
            self._question = None
            self._refocus()

    def _ask(self, dialog: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Tk's own dialogs block while they are open, so each begins in an event of its own."""

        def run() -> None:
            try:
                chosen = dialog()
            finally:
                self._is_open = False
                self._refocus()
            if chosen:
                then(chosen)

        if not self._is_open:
            self._is_open = True
            self._root.after(0, run)

    def _one(self, then: Callable[[Path], None]) -> Callable[[str], None]:
        def chosen(name: str) -> None:
            self._last_place = Path(name).parent
            then(Path(name))

        return chosen

    def _start_at(self, at: Path | None) -> str:
        """Where a dialog begins: where it makes sense, else where the last one ended."""
        return str(at if at is not None and at.is_dir() else self._last_place)


def _usual_place() -> Path:
    """Where people look for files."""
    home = Path.home()
    return next((place for place in (home / "Downloads", home) if place.is_dir()), home)
