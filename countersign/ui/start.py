"""Puts a window, a presenter and the threads of its sessions together."""

from __future__ import annotations

import threading
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from countersign.awake import keep_awake
from countersign.crash import own_bug
from countersign.errors import EXIT_DONE, Problem
from countersign.home import Home
from countersign.i18n import _
from countersign.options import RECEIVER
from countersign.setting import Setting, open_setting
from countersign.transfer import status as st
from countersign.transfer.scanning import scan_folder
from countersign.ui.presenters.common import Presenter, Session
from countersign.ui.presenters.receiver import ReceiverPresenter
from countersign.ui.presenters.sender import SenderPresenter, Summary
from countersign.ui.views.window import AppWindow, OwnError


@dataclass(frozen=True)
class _Ended:
    """A session's thread is done."""


def run_window(role: str, options: Namespace, home: Home) -> int:
    """Shows the window of a program until it is closed. Raises Problem where it can not begin."""
    setting = open_setting(home)
    window = AppWindow(_("Countersign – receive") if role == RECEIVER else _("Countersign – send"))
    engine = _Engine(setting, window)
    presenter: Presenter
    if role == RECEIVER:
        presenter = ReceiverPresenter(setting, window, engine.start, window.post, options)
    else:
        presenter = SenderPresenter(setting, window, engine.start, window.post, options, engine.summarise)

    def on_item(item: object) -> None:
        if isinstance(item, _Ended):
            presenter.ended()
        elif isinstance(item, OwnError):
            presenter.on_status(st.Failed(own_bug(item.error, setting.home.state)))
        elif isinstance(item, st.Status):
            presenter.on_status(item)

    window.run(presenter, on_item)
    return EXIT_DONE


class _Engine:
    """Threads beside the window's; they speak to it through its queue only."""

    def __init__(self, setting: Setting, window: AppWindow) -> None:
        self._setting = setting
        self._window = window
        self._wanted: Path | None = None

    def start(self, session: Session) -> None:
        """Runs a session."""
        threading.Thread(target=self._run, args=(session,), name="engine", daemon=True).start()

    def _run(self, session: Session) -> None:
        try:
            with keep_awake():
                session.run()
        except Exception as error:  # noqa: BLE001 - a person must never be left before a window that says nothing
            self._window.post(st.Failed(own_bug(error, self._setting.home.state)))
        finally:
            self._window.post(_Ended())

    def summarise(self, folder: Path) -> None:
        """Looks at a folder and posts what it holds; a newer question ends an older one."""
        self._wanted = folder

        def work() -> None:
            try:
                scan = scan_folder(folder, lambda _files, _size: None, lambda: self._wanted is not folder)
            except Problem as problem:
                self._window.post(Summary(folder, problem=problem))
            else:
                manifest = scan.manifest
                self._window.post(Summary(folder, manifest.files, manifest.bytes, len(scan.skipped)))

        threading.Thread(target=work, name="summary", daemon=True).start()
