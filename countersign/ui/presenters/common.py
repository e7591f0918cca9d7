"""What the presenters of both programs share: running a session, ends, menus, leaving."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TypeAlias

from countersign import __version__
from countersign.base import i18n
from countersign.base.errors import Problem
from countersign.base.i18n import LANGUAGES, _
from countersign.base.never import assert_never
from countersign.base.printable import printable
from countersign.firewall import firewall_advice
from countersign.session import status as st
from countersign.session.running import Session
from countersign.ui.preferences import LOOKS
from countersign.ui.presenters.context import Context
from countersign.ui.presenters.history import History
from countersign.ui.presenters.people import People
from countersign.ui.presenters.running import Running
from countersign.ui.presenters.screens import (
    RECEIPT,
    Action,
    Big,
    Block,
    Menu,
    MenuItem,
    Outcome,
    Place,
    Screen,
    Sentence,
    Text,
    Tone,
)
from countersign.wording import done_details, done_text

LOOKS_NAMES = {"system": lambda: _("As the system"), "light": lambda: _("Light"), "dark": lambda: _("Dark")}

Shared: TypeAlias = st.Progress | st.Paused | st.Reconnecting | st.Done | st.Failed


class Presenter(ABC):
    """Base of both. Everything here runs on the window's thread."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.profile = context.profile
        self.window = context.window
        self.history = History(context, self.show_beside, self.home)
        self.people = People(context.profile, context.window, self.show_beside, self.home)
        self.running: Running | None = None
        self._leaving = False

    # --- for the view ------------------------------------------------------------------------------------------------

    def begin_here(self) -> None:
        """The window is there: the first screen, and the menus."""
        self.show_menus()
        self.home()

    @abstractmethod
    def home(self) -> None:
        """Shows where the program begins."""

    @property
    def free(self) -> bool:
        """Whether nothing is going on from which a person must not be led away."""
        return self.running is None or self.running.is_over

    def show_people(self) -> None:
        """Myself, and everybody I trust."""
        if self.free:
            self.people.show()

    def show_history(self) -> None:
        """What was sent and received."""
        if self.free:
            self.history.show()

    def show_beside(self, screen: Screen) -> None:
        """Shows a screen beside the program's own way; `home` leads back. Nothing where a transfer has taken the window meanwhile."""
        if self.free:
            self.aside()
            self.window.show(screen)

    @abstractmethod
    def aside(self) -> None:
        """A screen beside the program's own way is shown now."""

    def close_asked(self) -> None:
        """The window's own close button."""
        if self.running is None:
            self.window.close()
        else:
            self.running.before_stopping(self._leave)

    def _leave(self) -> None:
        self._leaving = True
        if self.running is None:
            self.window.close()
        else:
            self.running.stop()

    # --- menus -------------------------------------------------------------------------------------------------------

    def show_menus(self) -> None:
        """The menus as they are at this moment."""
        free = self.free
        transfer = (
            *self.own_items(),
            MenuItem(_("History"), self.show_history, "Ctrl+H", free),
            None,
            MenuItem(_("Quit"), self.close_asked, "Ctrl+Q"),
        )
        people = (
            MenuItem(_("People you trust"), self.show_people, "Ctrl+P", free),
            MenuItem(_("Save my certificate …"), self.people.save_own, "Ctrl+S", free),
            MenuItem(_("Add a certificate …"), self.people.add, "Ctrl+N", free),
        )
        home, icon = self.own_place()
        self.window.places(
            (
                Place("home", home, icon, self.home, free),
                Place("people", _("People"), "people", self.show_people, free),
                Place("history", _("History"), "history", self.show_history, free),
            )
        )
        self.window.menus(
            (
                Menu(self.own_title(), transfer),
                Menu(_("People"), people),
                Menu(_("View"), self._view_items()),
                Menu(_("Help"), self._help_items()),
            )
        )

    @abstractmethod
    def own_place(self) -> tuple[str, str]:
        """What the first place is called, and its icon."""

    @abstractmethod
    def own_title(self) -> str:
        """What the first menu is called."""

    @abstractmethod
    def own_items(self) -> tuple[MenuItem | None, ...]:
        """What is in the first menu."""

    def _view_items(self) -> tuple[MenuItem | None, ...]:
        chosen = self.context.preferences.read()
        looks = [
            MenuItem(LOOKS_NAMES[name](), lambda name=name: self._choose_looks(name), marked=name == chosen.looks)  # type: ignore[misc]
            for name in LOOKS
        ]
        languages = [
            MenuItem(name, lambda code=code: self._choose_language(code), marked=code == chosen.language)  # type: ignore[misc]
            for code, name in {"": _("Language of the system"), **LANGUAGES}.items()
        ]
        return (*looks, None, *languages)

    def _help_items(self) -> tuple[MenuItem | None, ...]:
        items: list[MenuItem | None] = [
            MenuItem(_("The other computer cannot reach this one"), self.show_firewall, "F1", self.free),
            MenuItem(_("Check a receipt …"), self._check_receipt, enabled=self.free),
        ]
        if self.context.add_to_menu is not None:
            items.append(MenuItem(_("Put this program into the menu"), self._add_to_menu, enabled=self.free))
        return (*items, None, MenuItem(_("About Countersign"), self._show_about, enabled=self.free))

    def _choose_looks(self, looks: str) -> None:
        self.context.preferences.change(lambda found: setattr(found, "looks", looks))
        self.window.looks(looks)
        self.show_menus()

    def _choose_language(self, code: str) -> None:
        self.context.preferences.change(lambda found: setattr(found, "language", code))
        i18n.use(code)
        self.window.speak()
        self.show_menus()
        if self.free:
            self.home()

    def _check_receipt(self) -> None:
        def then(path: Path) -> None:
            self.history.show_receipt(path, self.home)

        self.window.open_file(_("Check a receipt"), then, kind=RECEIPT, at=self.profile.home.receipts)

    def _add_to_menu(self) -> None:
        assert self.context.add_to_menu is not None
        try:
            path = self.context.add_to_menu()
        except Problem as problem:
            self.show_message(problem.message, (Text(problem.hint),))
            return
        self.show_message(_("It is in the menu now"), (Text(_("The entry is {path}.").format(path=path)),))

    def _show_about(self) -> None:
        blocks = (
            Text(_("Version {version}. A folder from one computer to another, with nobody in between.").format(
                version=__version__)),
            Text(_("This computer’s things are in {path}").format(path=printable(str(self.profile.home.root), 400)), Tone.HINT),
        )  # fmt: skip
        self.show_message(_("Countersign"), blocks)

    # --- small screens -----------------------------------------------------------------------------------------------

    def show_message(self, heading: str, blocks: tuple[Block, ...]) -> None:
        """A screen that only tells something."""
        back = Action(_("Back"), self.home, main=True, leaving=True)
        self.show_beside(Screen("message", heading, blocks, (back,)))

    @abstractmethod
    def port(self) -> int:
        """The port that other computers must be able to reach here."""

    def show_firewall(self) -> None:
        """What to do when nothing gets through."""
        port = self.port()
        advice = firewall_advice(port)
        blocks: list[Block] = [
            Text(_("Both computers must be in the same network, or the address must be reachable from outside.")),
            Text(_("On the computer that receives, the firewall must let port {port} in.").format(port=port)),
            Text(advice.text),
        ]
        if advice.command:
            blocks.append(Big(advice.command, _("Command for this computer"), size=11))
        self.show_message(_("When nothing gets through"), tuple(blocks))

    # --- sessions ----------------------------------------------------------------------------------------------------

    def begin(self, session: Session) -> Running:
        """Runs a session; its statuses come to `on_status`."""
        self.running = Running(session, self.window, self.heading_moving)
        self.window.title("")
        self.context.start(session)
        self.show_menus()
        return self.running

    def ended(self, session: Session) -> None:
        """The session's thread is done. Another one may run by now."""
        if self.running is None or self.running.session is not session:
            return
        self.running = None
        self.window.title("")
        if self._leaving:
            self.window.close()
        else:
            self.show_menus()
            self.after_end()

    @abstractmethod
    def after_end(self) -> None:
        """Nothing runs any more; the screen says how it ended."""

    @abstractmethod
    def on_status(self, status: st.Status) -> None:
        """Takes a status of the session."""

    def on_own_error(self, problem: Problem) -> None:
        """A callback of ours has failed. What runs goes on."""
        if not self._leaving:
            self.window.stop_asking()
            self._show_failed(problem)

    def on_shared(self, status: Shared) -> None:
        """Takes what both programs show alike."""
        match status:
            case st.Progress() | st.Paused() | st.Reconnecting():
                if self.running is not None:
                    self.running.take(status)
            case st.Done():
                self._over()
                self._remember(status)
                self._show_done(status, self._notes)
            case st.Failed():
                if not self._leaving:
                    self._over()
                    self._show_failed(status.problem)
            case _:
                assert_never(status)

    def _over(self) -> None:
        if self.running is not None:
            self.running.over()

    @property
    def _notes(self) -> list[Block]:
        """What the person should know of the session that is over now."""
        notes = self.running.notes if self.running is not None else []
        return [Text(note, Tone.HINT) for note in notes]

    def _remember(self, status: st.Done) -> None:
        receipt = status.receipt
        if receipt is not None:
            self.context.preferences.change(lambda found: found.folders.update({receipt.name: str(status.path)}))

    def _show_done(self, status: st.Done, notes: list[Block]) -> None:
        details = done_details(status)
        blocks: list[Block] = [
            Outcome(self.done_heading(), Tone.GOOD, "check"),
            Text(done_text(status)),
            Text(_("Folder: {path}").format(path=printable(str(status.path), 400)), Tone.HINT),
        ]
        if details:
            blocks.append(Text("\n".join(details)))
        receipt = status.receipt
        if receipt is not None:
            look = Action(_("Look at the receipt"), lambda: self._show_receipt(receipt, status, notes))
            blocks.append(Sentence(_("A signed receipt says what has arrived."), (look,), Tone.HINT))
        blocks += notes
        again = Action(self.again_label(), self.home, leaving=True)
        opens = Action(_("Open folder"), lambda: self.window.reveal(status.path), main=True)
        self.window.show(Screen("done", self.done_heading(), tuple(blocks), (again, opens), centred=True))

    def _show_receipt(self, receipt: Path, status: st.Done, notes: list[Block]) -> None:
        self.history.show_receipt(receipt, lambda: self._show_done(status, notes))

    @abstractmethod
    def heading_moving(self) -> str:
        """What the screen during a transfer is called."""

    def back_label(self) -> str:
        """What leads on after a problem."""
        return _("Back")

    def done_heading(self) -> str:
        return _("Done")

    def again_label(self) -> str:
        return _("Back")

    def _show_failed(self, problem: Problem) -> None:
        extra = self.extra_actions(problem)
        back = Action(self.back_label(), self.home, main=not any(action.main for action in extra), leaving=True)
        blocks = (Outcome(problem.message, Tone.BAD, "cross"), Text(problem.hint), *self._notes)
        self.window.show(Screen("failed", problem.message, blocks, (*extra, back), centred=True))

    def extra_actions(self, problem: Problem) -> tuple[Action, ...]:
        """More ways out of a problem."""
        if problem.code in ("not_trusted", "they_do_not_trust_us", "no_peers", "peer_forgotten"):
            return (Action(_("People …"), self.show_people),)
        return ()
