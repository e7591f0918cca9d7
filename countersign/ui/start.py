"""Puts a window, a presenter and the threads of its sessions together."""

from __future__ import annotations

import sys
import threading
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from countersign.awake import Wakefulness
from countersign.base import i18n
from countersign.base.errors import EXIT_DONE, Problem
from countersign.crash import own_bug
from countersign.options import RECEIVER
from countersign.places.home import Home
from countersign.profile import Profile, open_profile
from countersign.session import status as st
from countersign.session.running import Session
from countersign.source.scanning import scan_selection
from countersign.source.selection import Selection
from countersign.ui.desktop_entry import add_to_menu
from countersign.ui.preferences import PreferenceStore
from countersign.ui.presenters.choosing import Summary
from countersign.ui.presenters.common import Presenter
from countersign.ui.presenters.context import Context
from countersign.ui.presenters.receiver import ReceiverPresenter
from countersign.ui.presenters.sender import SenderPresenter
from countersign.ui.views.window import AppWindow, OwnError


@dataclass(frozen=True)
class _Ended:
    """A session's thread is done."""

    session: Session


@dataclass(frozen=True)
class _Finished:
    """Work in the background is done."""

    then: Callable[[Any], None]
    result: Any


_Item: TypeAlias = _Ended | _Finished | OwnError | st.Status


def run_window(role: str, options: Namespace, home: Home) -> int:
    """Shows the window of a program until it is closed. Raises Problem where it cannot begin."""
    profile = open_profile(home)
    preferences = PreferenceStore(home.state)
    i18n.use(preferences.read().language)
    window = AppWindow(role, preferences)
    engine = _Engine(profile, window)
    to_menu = (lambda: add_to_menu(role)) if sys.platform == "linux" else None
    context = Context(profile, window, preferences, engine.start, window.post, engine.background, to_menu)
    presenter = _presenter(role, context, options, engine)
    awake = Wakefulness()

    def on_item(item: _Item) -> None:
        match item:
            case _Ended():
                presenter.ended(item.session)
            case _Finished():
                item.then(item.result)
            case OwnError():
                presenter.on_own_error(own_bug(item.error, profile.home.state))
            case status:
                awake.follow(status)
                presenter.on_status(status)

    try:
        window.run(presenter, on_item)
    finally:
        awake.close()
    return EXIT_DONE


def _presenter(role: str, context: Context, options: Namespace, engine: _Engine) -> Presenter:
    if role == RECEIVER:
        return ReceiverPresenter(context, options)
    return SenderPresenter(context, options, engine.summarise)


class _Engine:
    """Threads beside the window's; they speak to it through its queue only."""

    def __init__(self, profile: Profile, window: AppWindow) -> None:
        self._profile = profile
        self._window = window
        self._wanted: Selection | None = None

    def start(self, session: Session) -> None:
        """Runs a session."""
        threading.Thread(target=self._run, args=(session,), name="engine", daemon=True).start()

    def _run(self, session: Session) -> None:
        try:
            session.run()
        except Exception as error:  # noqa: BLE001 - a person must never be left before a window that says nothing
            self._window.post(st.Failed(own_bug(error, self._profile.home.state)))
        finally:
            self._window.post(_Ended(session))

    def background(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Runs work on a thread of its own, and `then` with its result on the window's."""

        def run() -> None:
            try:
                self._window.post(_Finished(then, work()))
            except Exception as error:  # noqa: BLE001 - as above
                self._window.post(OwnError(error))

        threading.Thread(target=run, name="background", daemon=True).start()

    def summarise(self, selection: Selection, then: Callable[[Summary], None]) -> None:
        """Looks at a selection, and calls `then` with what it holds on the window's thread; a newer question ends an older one."""
        self._wanted = selection

        def work() -> Summary:
            try:
                own = self._profile.device.own
                return Summary(
                    selection,
                    scan_selection(selection, lambda _files, _size: None, lambda: self._wanted is not selection, own),
                )
            except Problem as problem:
                return Summary(selection, problem=problem)

        self.background(work, lambda summary: then(summary) if self._wanted is selection else None)
