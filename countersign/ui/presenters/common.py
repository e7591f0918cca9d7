"""What the presenters of both programs share: running a session, progress, ends, leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from countersign.errors import Problem
from countersign.i18n import _
from countersign.printable import printable
from countersign.setting import Setting
from countersign.transfer import status as st
from countersign.transfer.answers import Answers
from countersign.ui.presenters.people import People
from countersign.ui.presenters.screens import Action, Bar, Block, Screen, Text, Tone, Window
from countersign.wording import done_details, done_text, progress_text, sentence_of


class Session(Protocol):
    """A sending, or a reception."""

    answers: Answers

    def run(self) -> None: ...


Start = Callable[[Session], None]  # runs a session on a thread of its own


class Presenter:
    """Base of both. Everything here runs on the window's thread."""

    heading_moving = ""

    def __init__(self, setting: Setting, window: Window, start: Start) -> None:
        self.setting = setting
        self.window = window
        self.people = People(setting, window, self.home)
        self.session: Session | None = None
        self.moving = False
        self._leaving = False
        self._start = start

    # --- for the view ------------------------------------------------------------------------------------------------

    def home(self) -> None:
        """Shows where the program begins."""
        raise AssertionError("each program has its own")

    def show_people(self) -> None:
        """The button in the corner. Not during a transfer."""
        if not self.moving:
            self.people.show()

    def close_asked(self) -> None:
        """The window's own close button."""
        question = _(
            "A transfer is under way. Stop it? What has arrived is kept, and only the rest will be sent next time."
        )
        if self.moving and not self.window.confirm(question, _("Stop")):
            return
        self._leaving = True
        if self.session is None:
            self.window.close()
        else:
            self.session.answers.cancel()

    def cancel(self) -> None:
        """Ends what is going on; asks first where bytes are moving."""
        question = _("Stop it? What has arrived is kept, and only the rest will be sent next time.")
        if self.moving and not self.window.confirm(question, _("Stop")):
            return
        if self.session is not None:
            self.session.answers.cancel()

    # --- sessions ----------------------------------------------------------------------------------------------------

    def begin(self, session: Session) -> None:
        """Runs a session; its statuses come to `on_status`."""
        self.session = session
        self.moving = False
        self._start(session)

    def ended(self) -> None:
        """The session's thread is done."""
        self.session = None
        self.moving = False
        self.window.title("")
        if self._leaving:
            self.window.close()

    def on_status(self, status: st.Status) -> None:
        """Takes the statuses that both programs show alike."""
        if isinstance(status, st.Progress):
            self._show_progress(status)
        elif isinstance(status, st.Reconnecting):
            self._show_bar(None, sentence_of(status))
        elif isinstance(status, st.Done):
            self.moving = False
            self._show_done(status)
        elif isinstance(status, st.Failed) and not self._leaving:
            self.moving = False
            self._show_failed(status.problem)

    def _show_progress(self, status: st.Progress) -> None:
        self.moving = True
        fraction = status.bytes_done / status.bytes_total if status.bytes_total else 1.0
        self.window.title(f"{fraction:.0%}")
        self._show_bar(fraction, progress_text(status))

    def _show_bar(self, fraction: float | None, text: str) -> None:
        actions = (Action(_("Cancel"), self.cancel, leaving=True),)
        self.window.show(Screen("moving", self.heading_moving, (Bar(fraction, text),), actions))

    def show_waiting(self, text: str) -> None:
        """Something takes a moment."""
        actions = (Action(_("Cancel"), self.cancel, leaving=True),)
        self.window.show(Screen("waiting", text, (Bar(None, ""),), actions))

    def _show_done(self, status: st.Done) -> None:
        details = done_details(status)
        blocks: list[Block] = [
            Text(done_text(status), Tone.GOOD),
            Text(_("Folder: {path}").format(path=printable(str(status.path), 400))),
        ]
        if details:
            blocks.append(Text("\n".join(details)))
        if status.receipt is not None:
            blocks.append(Text(_("The receipt is in {path}").format(path=status.receipt), Tone.HINT))
        self.window.show(Screen("done", self.done_heading(), tuple(blocks), self.done_actions(status)))

    def done_heading(self) -> str:
        return _("Done")

    def done_actions(self, status: st.Done) -> tuple[Action, ...]:
        return (
            Action(_("Open folder"), lambda: self.window.reveal(status.path)),
            Action(self.again_label(), self.home, main=True, leaving=True),
        )

    def again_label(self) -> str:
        return _("Back")

    def _show_failed(self, problem: Problem) -> None:
        blocks = (Text(problem.hint),)
        extra = self.extra_actions(problem)
        back = Action(_("Back"), self.home, main=not any(action.main for action in extra), leaving=True)
        actions = (*extra, back)
        self.window.show(Screen("failed", problem.message, blocks, actions))

    def extra_actions(self, problem: Problem) -> tuple[Action, ...]:
        """More ways out of a problem."""
        if problem.code in ("not_trusted", "they_do_not_trust_us", "no_peers", "peer_forgotten"):
            return (Action(_("People …"), self.show_people),)
        return ()
