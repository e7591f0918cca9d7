"""What the presenters of both programs share: running a session, progress, ends, menus, leaving."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from countersign import __version__
from countersign.base import i18n
from countersign.base.errors import Problem
from countersign.base.figures import percent_text
from countersign.base.i18n import LANGUAGES, _
from countersign.base.printable import printable
from countersign.firewall import firewall_advice
from countersign.profile import Profile
from countersign.session import status as st
from countersign.session.running import Session
from countersign.session.status import Report
from countersign.ui.preferences import LOOKS, PreferenceStore
from countersign.ui.presenters.history import History
from countersign.ui.presenters.people import People
from countersign.ui.presenters.screens import (
    RECEIPT,
    Action,
    Bar,
    Big,
    Block,
    Menu,
    MenuItem,
    Screen,
    Sentence,
    Text,
    Tone,
    Window,
)
from countersign.wording import amounts_text, done_details, done_text, progress_text, sentence_of, slow_text

LOOKS_NAMES = {"system": lambda: _("As the system"), "light": lambda: _("Light"), "dark": lambda: _("Dark")}


@dataclass(frozen=True)
class Context:
    """What a presenter has around it. Work in the background ends in a call on the window's thread, with its result or its Problem."""

    profile: Profile
    window: Window
    preferences: PreferenceStore
    start: Callable[[Session], None]  # runs a session on a thread of its own
    report: Report  # takes statuses from any thread
    background: Callable[[Callable[[], Any], Callable[[Any], None]], None]
    add_to_menu: Callable[[], Path] | None = None  # where the system has such a menu


class Presenter:
    """Base of both. Everything here runs on the window's thread."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.profile = context.profile
        self.window = context.window
        self.history = History(context.profile, context.window, context.preferences, context.background, self.home)
        self.people = People(context.profile, context.window, self.home)
        self.session: Session | None = None
        self.moving = False
        self._paused = False
        self._stopping = False  # asked for; the other side is still being told
        self._progress: st.Progress | None = None
        self._leaving = False

    # --- for the view ------------------------------------------------------------------------------------------------

    def begin_here(self) -> None:
        """The window is there: the first screen, and the menus."""
        self.show_menus()
        self.home()

    def home(self) -> None:
        """Shows where the program begins."""
        raise AssertionError("each program has its own")

    @property
    def free(self) -> bool:
        """Whether nothing is going on from which a person must not be led away."""
        return self.session is None

    def show_people(self) -> None:
        """Myself, and everybody I trust."""
        if self.free:
            self.aside()
            self.people.show()

    def show_history(self) -> None:
        """What was sent and received."""
        if self.free:
            self.aside()
            self.history.show()

    def aside(self) -> None:
        """A screen beside the program's own way is shown now; `home` leads back."""

    def close_asked(self) -> None:
        """The window's own close button."""
        if not self._stopping and self.moving and not self._stops():
            return
        self._leaving = True
        if self.session is None:
            self.window.close()
        else:
            self._stop()

    def cancel(self) -> None:
        """Ends what is going on; asks first where bytes are moving."""
        if self._stopping or (self.moving and not self._stops()):
            return
        if self.session is not None:
            self._stop()

    def _stop(self) -> None:
        if self.moving:
            self._stopping = True
            blocks = (Bar(None, _("Stopping …")), Text("", Tone.HINT))
            asked = Action(_("Cancel"), self.cancel, leaving=True, enabled=False)
            self.window.show(Screen("moving", self.heading_moving, blocks, (asked,)))
        assert self.session is not None
        self.session.controls.cancel()

    def _stops(self) -> bool:
        question = _(
            "A transfer is under way. Stop it? What has arrived is kept, and only the rest will be sent next time."
        )
        return self.window.confirm(question, _("Stop"), _("Go on"))

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
            MenuItem(_("Save my certificate …"), self._then_people(self.people.save_own), "Ctrl+S", free),
            MenuItem(_("Add a certificate …"), self._then_people(self.people.add), "Ctrl+N", free),
        )
        self.window.menus(
            (
                Menu(self.own_title(), transfer),
                Menu(_("People"), people),
                Menu(_("View"), self._view_items()),
                Menu(_("Help"), self._help_items()),
            )
        )

    def own_title(self) -> str:
        """What the first menu is called."""
        raise AssertionError("each program has its own")

    def own_items(self) -> tuple[MenuItem | None, ...]:
        """What is in the first menu."""
        raise AssertionError("each program has its own")

    def _then_people(self, act: Callable[[], None]) -> Callable[[], None]:
        def both() -> None:
            self.aside()
            act()

        return both

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
        path = self.window.open_file(_("Check a receipt"), RECEIPT, self.profile.home.receipts)
        if path is not None:
            self.aside()
            self.history.show_receipt(path, self.home)

    def _add_to_menu(self) -> None:
        assert self.context.add_to_menu is not None
        self.aside()
        try:
            path = self.context.add_to_menu()
        except Problem as problem:
            self.show_message(problem.message, (Text(problem.hint),))
            return
        self.show_message(_("It is in the menu now"), (Text(_("The entry is {path}.").format(path=path)),))

    def _show_about(self) -> None:
        self.aside()
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
        self.window.show(Screen("message", heading, blocks, (back,)))

    def port(self) -> int:
        """The port that other computers must be able to reach here."""
        raise AssertionError("each program has its own")

    def show_firewall(self) -> None:
        """What to do when nothing gets through."""
        if not self.free:
            return
        self.aside()
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

    def begin(self, session: Session) -> None:
        """Runs a session; its statuses come to `on_status`."""
        self.session = session
        self.moving = self._paused = self._stopping = False
        self._progress = None
        self.context.start(session)
        self.show_menus()

    def ended(self) -> None:
        """The session's thread is done."""
        self.session = None
        self.moving = False
        self.window.title("")
        if self._leaving:
            self.window.close()
        else:
            self.show_menus()

    def on_status(self, status: st.Status) -> None:
        """Takes the statuses that both programs show alike."""
        if self._stopping and isinstance(status, (st.Progress, st.Paused, st.Reconnecting)):
            return
        if isinstance(status, st.Progress):
            self._show_progress(status)
        elif isinstance(status, st.Paused):
            self._show_paused(status)
        elif isinstance(status, st.Reconnecting):
            self._show_bar(None, sentence_of(status))
        elif isinstance(status, st.Done):
            self.moving = False
            self.window.stop_asking()
            self._remember(status)
            self._show_done(status)
        elif isinstance(status, st.Failed) and not self._leaving:
            self.moving = False
            self.window.stop_asking()
            self._show_failed(status.problem)

    def _show_progress(self, status: st.Progress) -> None:
        self.moving = True
        self._progress = status
        fraction = _fraction(status)
        self.window.title(percent_text(fraction))
        self._show_bar(fraction, progress_text(status), slow_text(status))

    def _show_paused(self, status: st.Paused) -> None:
        if status.paused:
            who = _("The other person has paused.") if status.by_them else _("Paused.")
            self.window.title(_("paused"))
            if self._progress is None:
                self._show_bar(None, who)
            else:
                self._show_bar(_fraction(self._progress), amounts_text(self._progress), who)
        elif self._progress is not None:
            self._show_progress(self._progress)

    def _show_bar(self, fraction: float | None, text: str, slow: str = "") -> None:
        pause = Action(_("Go on"), self._pause, main=True) if self._paused else Action(_("Pause"), self._pause)
        actions = (Action(_("Cancel"), self.cancel, leaving=True), *((pause,) if self._progress is not None else ()))
        self.window.show(Screen("moving", self.heading_moving, (Bar(fraction, text), Text(slow, Tone.HINT)), actions))

    def _pause(self) -> None:
        if self.session is not None:
            self._paused = not self._paused
            self.session.controls.pause(self._paused)
            self._show_paused(st.Paused(self._paused))

    def show_waiting(self, text: str) -> None:
        """Something takes a moment."""
        actions = (Action(_("Cancel"), self.cancel, leaving=True),)
        self.window.show(Screen("waiting", text, (Bar(None, ""),), actions))

    def _remember(self, status: st.Done) -> None:
        receipt = status.receipt
        if receipt is not None:
            self.context.preferences.change(lambda found: found.folders.update({receipt.name: str(status.path)}))

    def _show_done(self, status: st.Done) -> None:
        details = done_details(status)
        blocks: list[Block] = [
            Text(done_text(status), Tone.GOOD),
            Sentence(
                _("Folder: {path}").format(path=printable(str(status.path), 400)),
                (Action(_("Open folder"), lambda: self.window.reveal(status.path)),),
            ),
        ]
        if details:
            blocks.append(Text("\n".join(details)))
        receipt = status.receipt
        if receipt is not None:
            look = Action(_("Look at the receipt"), lambda: self._show_receipt(receipt, status))
            blocks.append(Sentence(_("A signed receipt says what has arrived."), (look,), Tone.HINT))
        again = Action(self.again_label(), self.home, main=True, leaving=True)
        self.window.show(Screen("done", self.done_heading(), tuple(blocks), (again,)))

    def _show_receipt(self, receipt: Path, status: st.Done) -> None:
        self.aside()
        self.history.show_receipt(receipt, lambda: self._show_done(status))

    @property
    def heading_moving(self) -> str:
        """What the screen during a transfer is called."""
        raise AssertionError("each program has its own")

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
        self.window.show(Screen("failed", problem.message, (Text(problem.hint),), (*extra, back)))

    def extra_actions(self, problem: Problem) -> tuple[Action, ...]:
        """More ways out of a problem."""
        if problem.code in ("not_trusted", "they_do_not_trust_us", "no_peers", "peer_forgotten"):
            return (Action(_("People …"), self.show_people),)
        return ()


def _fraction(status: st.Progress) -> float:
    return status.bytes_done / status.bytes_total if status.bytes_total else 1.0
